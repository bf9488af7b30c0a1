//! Convolutions of x [m, h, w, i] with weight [o, kh, kw, i/groups], and the per-example gradients
//! `g_e = Σ_p delta[e, p] ⊗ patch[e, p]` of the weight: the definitions of [`coherence_cpu::convolution`].
//!
//! Patches are unfolded a tile of examples at a time, group by group, and multiplied as matrices; what goes back
//! to the input is gathered. Depthwise convolutions have kernels of their own. A matrix in scratch memory has
//! the engine's [`scratch_bytes`](Engine::scratch_bytes), or one example where that takes more.
//! m: examples, P: positions of an example.
//!
//! Every function panics if the convolution does not exist, or a length does not fit.

mod batch;
mod gradient;
mod kernels;
mod select;

pub use gradient::{add_dots, add_sq_norms, gradient, gradient_and_sq_norms, per_example};
pub use select::{median_of_sums_step, robust_mean, robust_step};

use crate::{
    Buffer, View, ViewMut,
    arrangement::put_channels,
    engine::{Engine, Product, Real},
    product::multiply,
};
use batch::{Matrix, is_identity, outputs_of_group, patches, tiles};
use coherence_cpu::{
    convolution::Convolution,
    product::{Dims, Output},
};

/// `out [m, oh, ow, o] (+)= x * weight`.
pub fn forward<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    x: View<'_, T>,
    weight: View<'_, T>,
    output: Output,
    mut out: ViewMut<'_, T>,
) {
    let m = conv.examples(x.len(), out.len());
    weight.check(engine, conv.weights());
    if conv.is_depthwise() {
        return kernels::depthwise_forward(engine, conv, [x, weight], output, out);
    }
    let (positions, patch, columns) = (conv.positions(), conv.patch(), conv.group_outputs());
    for tile in tiles::<T>(engine, m, positions * patch) {
        let rows = tile.len() * positions;
        let x = x.part(tile.start * conv.image()..tile.end * conv.image());
        let product = |output| Product::nt(Dims { m: rows, i: patch, o: columns }, output);
        let of_tile = tile.start * conv.output_image()..tile.end * conv.output_image();
        let mut out = out.reborrow().part(of_tile);
        for group in 0..conv.groups {
            let patches = patches(engine, conv, group, x, tile.len());
            let outputs = outputs_of_group(conv, group);
            let weight = weight.part(outputs.start * patch..outputs.end * patch);
            if conv.groups == 1 {
                multiply(engine, product(output), patches.view(), weight, out.reborrow());
            } else {
                let mut part = Buffer::unspecified(engine, rows * columns);
                let product = product(Output::Overwrite);
                multiply(engine, product, patches.view(), weight, part.view_mut());
                let channels = (conv.outputs, outputs);
                put_channels(engine, channels, part.view(), output, out.reborrow());
            }
        }
    }
}

/// Backward to the input: `out [m, h, w, i] (+)=` the gradient of the SUM loss with respect to x.
pub fn backward<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    delta: View<'_, T>,
    weight: View<'_, T>,
    output: Output,
    mut out: ViewMut<'_, T>,
) {
    let m = conv.examples(out.len(), delta.len());
    weight.check(engine, conv.weights());
    if conv.is_depthwise() {
        return kernels::depthwise_backward(engine, conv, [delta, weight], output, out);
    }
    let (positions, patch) = (conv.positions(), conv.patch());
    for tile in tiles::<T>(engine, m, positions * patch) {
        let rows = tile.len() * positions;
        let delta = delta.part(tile.start * conv.output_image()..tile.end * conv.output_image());
        let mut out = out.reborrow().part(tile.start * conv.image()..tile.end * conv.image());
        let dims = Dims { m: rows, i: patch, o: conv.group_outputs() };
        for group in 0..conv.groups {
            let outputs = outputs_of_group(conv, group);
            let weight = weight.part(outputs.start * patch..outputs.end * patch);
            let deltas = Matrix::<T, E>::columns(engine, (conv.outputs, outputs), delta);
            if is_identity(conv) {
                let product = Product::nn(dims, output);
                multiply(engine, product, deltas.view(), weight, out.reborrow());
            } else {
                let mut products = Buffer::unspecified(engine, rows * patch);
                let product = Product::nn(dims, Output::Overwrite);
                multiply(engine, product, deltas.view(), weight, products.view_mut());
                let products = products.view();
                kernels::fold_back(engine, conv, group, products, output, out.reborrow());
            }
        }
    }
}
