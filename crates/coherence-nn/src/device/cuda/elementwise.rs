//! Vectors, activation functions and dropout on a GPU.

use super::Cuda;
use crate::{
    Activation,
    device::{Dropped, Elementwise},
};
use coherence_cuda::{
    Engine, Real, View, ViewMut,
    activation::{self, Function},
    elementwise::{self, Dropping},
};

impl<T: Real, E: Engine> Elementwise<T> for Cuda<E> {
    fn axpy(&self, factor: T, x: View<'_, T>, y: ViewMut<'_, T>) {
        elementwise::axpy(&self.engine, factor, x, y);
    }

    fn scale(&self, factor: T, x: ViewMut<'_, T>) {
        elementwise::scale(&self.engine, factor, x);
    }

    fn activate(
        &self,
        activation: Activation,
        bias: Option<View<'_, T>>,
        x: ViewMut<'_, T>,
        pre_activations: Option<ViewMut<'_, T>>,
    ) {
        let changes = activation != Activation::Identity || bias.is_some();
        if changes || pre_activations.is_some() {
            activation::activate(&self.engine, activation.into(), bias, x, pre_activations);
        }
    }

    fn activation_backward(
        &self,
        activation: Activation,
        h: View<'_, T>,
        z: Option<View<'_, T>>,
        delta: ViewMut<'_, T>,
    ) {
        if activation == Activation::Identity {
            return;
        }
        let kept = match z.filter(|_| activation.needs_pre_activations()) {
            Some(z) => z,
            None if activation.needs_pre_activations() => {
                panic!("the workspace is of a network with another activation")
            }
            None => h,
        };
        activation::backward(&self.engine, activation.into(), kept, delta);
    }

    fn add_kept(&self, dropped: &Dropped, from: View<'_, T>, out: ViewMut<'_, T>) {
        let by = Dropping {
            key: dropped.key(),
            stream: dropped.node as u64,
            threshold: dropped.threshold(),
            unit: dropped.unit as u64,
        };
        elementwise::add_kept(&self.engine, by, T::narrow(dropped.factor()), from, out);
    }
}

impl From<Activation> for Function {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::LeakyRelu { slope } => Self::LeakyRelu { slope },
            Activation::Relu6 => Self::Relu6,
            Activation::Tanh => Self::Tanh,
            Activation::Sigmoid => Self::Sigmoid,
            Activation::Silu => Self::Silu,
            Activation::Gelu => Self::Gelu,
        }
    }
}
