//! Everything that changes during training, to be kept and restored.

use super::Trainer;
use crate::{Learned, LowWater};
use coherence_core::aggregate::Recent;
use coherence_nn::device::Device;

/// Everything that changes during training, as plain data on the host: training may continue on another device.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Mini-batches processed.
    pub step: u64,
    /// All parameters \[d\].
    pub parameters: Vec<f32>,
    /// The network's running statistics; empty if it has none.
    pub statistics: Vec<f32>,
    /// The velocity of momentum \[d\]; empty without momentum.
    pub velocity: Vec<f32>,
    /// The memory of the aggregation: for a rule over time, gradients \[d\] of the SUM loss plus k λ w, where λ is
    /// the weight decay; else empty buffers.
    pub recent: Recent<Vec<f32>>,
    /// The lowest loss of a mini-batch, if the run is measured when it falls.
    pub low_water: LowWater,
    /// When each training example that is evaluated was learned.
    pub learned: Learned,
}

impl<D: Device<f32>> Trainer<D> {
    /// A copy of everything that changes.
    pub fn state(&self) -> State {
        let (device, Recent { previous, steps }) = (self.model.device(), &self.updater.recent);
        let previous = previous.each_ref().map(|gradient| device.to_host(D::view(gradient)));
        State {
            step: self.step,
            parameters: device.to_host(self.model.parameters()),
            statistics: device.to_host(self.model.statistics()),
            velocity: device.to_host(D::view(&self.updater.velocity)),
            recent: Recent { previous, steps: *steps },
            low_water: self.low_water,
            learned: self.learned.clone(),
        }
    }

    /// Sets the state to `state`, from which training continues as if it had never stopped.
    ///
    /// # Panics
    ///
    /// If the state is of another network or training set.
    pub fn restore(&mut self, state: State) {
        assert_eq!(
            state.learned.first.len(),
            self.evaluated().len(),
            "the state is of another training set"
        );
        let (device, Recent { previous, steps }) = (self.model.device().clone(), state.recent);
        device.upload(&state.parameters, self.model.parameters_mut());
        device.upload(&state.statistics, self.model.statistics_mut());
        self.step = state.step;
        self.updater.velocity = device.buffer_from(state.velocity);
        let previous = previous.map(|gradient| device.buffer_from(gradient));
        self.updater.recent = Recent { previous, steps };
        self.low_water = state.low_water;
        self.learned = state.learned;
    }
}
