//! Whether the units of a network's hidden layers respond to a sample of examples.
//!
//! Legend: m: examples. A unit is a channel of a layer's output, at all positions; it is inactive for an example if
//! its output is 0 at each of them.

use coherence_nn::{Model, Workspace, device::Device};

/// What was seen of the layers with a rectifier, over the examples so far.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    m: usize,
    /// Examples for which at least one layer is inactive.
    dead: usize,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    name: String,
    /// Whether each unit was active for any example.
    active: Vec<bool>,
    /// Examples for which all units were inactive.
    dead: usize,
}

impl Layer {
    /// Takes in the outputs [m, positions, channels], and marks the examples for which all units are inactive.
    fn add(&mut self, channels: usize, outputs: &[f32], any_dead: &mut [bool]) {
        let examples = outputs.chunks(outputs.len() / any_dead.len());
        for (dead, example) in any_dead.iter_mut().zip(examples) {
            let mut is_dead = true;
            for position in example.chunks(channels) {
                for (active, &output) in self.active.iter_mut().zip(position) {
                    *active |= output > 0.0;
                    is_dead &= output <= 0.0;
                }
            }
            self.dead += usize::from(is_dead);
            *dead |= is_dead;
        }
    }
}

impl Activity {
    /// Takes in the examples of the last forward pass, whose activations the workspace keeps.
    pub(crate) fn add<D: Device<f32>>(
        &mut self,
        model: &Model<f32, D>,
        workspace: &Workspace<f32, D>,
    ) {
        let m = workspace.examples();
        let mut any_dead = vec![false; m];
        for (l, (name, channels, outputs)) in model.rectified(workspace).enumerate() {
            if l == self.layers.len() {
                let (name, active) = (name.to_owned(), vec![false; channels]);
                self.layers.push(Layer { name, active, dead: 0 });
            }
            let layer = &mut self.layers[l];
            model
                .device()
                .with_host(outputs, |outputs| layer.add(channels, outputs, &mut any_dead));
        }
        self.m += m;
        self.dead += any_dead.into_iter().filter(|&dead| dead).count();
    }

    /// Sends the shares.
    pub(crate) fn report(&self, send: &mut dyn FnMut(&str, f64)) {
        let share = |count: usize, of: usize| count as f64 / of as f64;
        send("activity.dead_examples", share(self.dead, self.m));
        for Layer { name, active, dead } in &self.layers {
            let inactive = active.iter().filter(|&&active| !active).count();
            send(&format!("activity.{name}.dead_examples"), share(*dead, self.m));
            send(&format!("activity.{name}.dead_units"), share(inactive, active.len()));
        }
    }
}
