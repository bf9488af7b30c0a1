//! Activation functions and their derivatives on the processor.
//!
//! Legend: z: pre-activation, h = φ(z): activation, σ: the logistic function, Φ and φ₀: the standard normal
//! distribution function and density.

use crate::Activation;
use coherence_cpu::{
    Element, Isa,
    elementwise::{add_bias, bias_relu, relu_backward},
};
use rayon::prelude::*;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// [`activate`](crate::device::Elementwise::activate).
pub(super) fn forward<T: Element>(
    isa: Isa,
    activation: Activation,
    bias: Option<&[T]>,
    x: &mut [T],
    pre_activations: Option<&mut [T]>,
) {
    match (activation, bias) {
        (Activation::Relu, Some(bias)) if pre_activations.is_none() => {
            return bias_relu(isa, bias, x);
        }
        (_, Some(bias)) => add_bias(isa, bias, x),
        (_, None) => {}
    }
    if let Some(z) = pre_activations {
        z.copy_from_slice(x);
    }
    match activation {
        Activation::Identity => {}
        // NaN stays NaN.
        Activation::Relu => map(x, |z| if z < T::zero() { T::zero() } else { z }),
        Activation::LeakyRelu { slope } => {
            let slope = T::narrow(slope);
            map(x, |z| if z < T::zero() { slope * z } else { z });
        }
        // NaN stays NaN.
        Activation::Relu6 => map(x, |z| {
            let z = if z < T::zero() { T::zero() } else { z };
            if z > six() { six() } else { z }
        }),
        Activation::Tanh => map(x, T::tanh),
        Activation::Sigmoid => map(x, sigmoid),
        Activation::Silu => map(x, |z| z * sigmoid(z)),
        Activation::Gelu => map(x, |z| T::narrow(z.widen() * normal_distribution(z.widen()))),
    }
}

/// [`activation_backward`](crate::device::Elementwise::activation_backward).
pub(super) fn backward<T: Element>(
    isa: Isa,
    activation: Activation,
    h: &[T],
    z: Option<&[T]>,
    delta: &mut [T],
) {
    let (one, z) = (T::one(), z.unwrap_or_default());
    match activation {
        Activation::Relu => relu_backward(isa, h, delta),
        Activation::Identity => {}
        Activation::LeakyRelu { slope } => {
            let slope = T::narrow(slope);
            zip(h, delta, |h| if h > T::zero() { one } else { slope });
        }
        Activation::Relu6 => {
            zip(h, delta, |h| if h > T::zero() && h < six() { one } else { T::zero() });
        }
        Activation::Tanh => zip(h, delta, |h| one - h * h),
        Activation::Sigmoid => zip(h, delta, |h| h * (one - h)),
        Activation::Silu => zip(z, delta, |z| {
            let s = sigmoid(z);
            s * (one + z * (one - s))
        }),
        Activation::Gelu => zip(z, delta, |z| {
            let z = z.widen();
            T::narrow(normal_distribution(z) + z * normal_density(z))
        }),
    }
}

fn six<T: Element>() -> T {
    T::narrow(6.0)
}

fn sigmoid<T: Element>(z: T) -> T {
    T::one() / (T::one() + (-z).exp())
}

/// Φ(z), with full relative precision also for z → −∞.
fn normal_distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// φ₀(z) = e^(−z²/2) / √(2π).
fn normal_density(z: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * z * z).exp()
}

/// Elements in a thread's unit of work. Elements are computed independently, so that results do not
/// depend on it.
const PIECE: usize = 1 << 13;

fn map<T: Element>(x: &mut [T], f: impl Fn(T) -> T + Sync) {
    x.par_chunks_mut(PIECE).for_each(|x| x.iter_mut().for_each(|x| *x = f(*x)));
}

/// Multiplies each delta by the derivative, which `f` computes from the kept value.
fn zip<T: Element>(kept: &[T], delta: &mut [T], f: impl Fn(T) -> T + Sync) {
    assert_eq!(kept.len(), delta.len(), "the workspace is of a network with another activation");
    delta.par_chunks_mut(PIECE).zip(kept.par_chunks(PIECE)).for_each(|(delta, kept)| {
        delta.iter_mut().zip(kept).for_each(|(delta, &kept)| *delta = *delta * f(kept));
    });
}
