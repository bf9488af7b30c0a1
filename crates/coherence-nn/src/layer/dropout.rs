//! Dropout.

use super::{Backward, Forward, Layer, Mode};
use crate::{
    Shape,
    device::{Device, Dropped},
};
use coherence_cpu::{Element, product::Output};

/// Without a seed in the mode, z = a. With one, each value is 0 with probability p and a / (1 − p)
/// otherwise, so that its expectation is a. What is dropped is a pure function of the seed and of the
/// index of the layer in the network.
///
/// Source: Srivastava et al. (2014), *Dropout: A Simple Way to Prevent Neural Networks from
/// Overfitting*.
#[derive(Debug, Clone)]
pub struct Dropout {
    shape: Shape,
    probability: f64,
    /// Neighbouring values that are dropped together.
    unit: usize,
}

impl Dropout {
    /// Dropout of values of this shape.
    ///
    /// # Panics
    ///
    /// Unless 0 ≤ `probability` < 1.
    pub fn new(shape: Shape, probability: f64) -> Self {
        assert!((0.0..1.0).contains(&probability), "dropout with probability {probability}");
        Self { shape, probability, unit: 1 }
    }

    /// The same with all values of an example dropped together.
    pub(super) fn with_whole_examples(self) -> Self {
        Self { unit: self.shape.values(), ..self }
    }

    /// Overwrites `out` with the values of `from` that are not dropped, or adds them.
    fn apply<T: Element, D: Device<T>>(
        &self,
        device: &D,
        dropped: Option<Dropped>,
        from: D::Slice<'_, T>,
        output: Output,
        mut out: D::SliceMut<'_, T>,
    ) {
        if output == Output::Overwrite {
            device.fill(T::zero(), D::reborrow(&mut out));
        }
        match dropped {
            Some(dropped) => device.add_kept(&dropped, from, out),
            None => device.axpy(T::one(), from, out),
        }
    }

    /// What a pass drops at node `node`.
    fn dropped(&self, mode: Mode, node: usize) -> Option<Dropped> {
        let Self { probability, unit, .. } = *self;
        mode.dropout.map(|seed| Dropped { seed, node, probability, unit })
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Dropout {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (a, dropped) = (pass.inputs.get(0), self.dropped(pass.mode, pass.node));
        let out = D::reborrow(&mut pass.output);
        self.apply(pass.device, dropped, a, Output::Overwrite, out);
        pass.finish(None);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        _: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        let dropped = self.dropped(pass.mode, pass.node);
        self.apply(pass.device, dropped, pass.delta, output, out);
    }
}
