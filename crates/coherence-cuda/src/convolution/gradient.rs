//! Gradients of the weight: of the SUM loss and of examples, their squared norms and dots.

use super::{
    batch::{Batch, outputs_of_group, tiles},
    forward,
    kernels::{add_gram_norms, depthwise_gradients},
};
use crate::{
    Buffer, View, ViewMut,
    engine::{Engine, Product, Real},
    product::{multiply, multiply_each},
    rows::{add_long_dots, column_sums},
};
use coherence_cpu::{
    convolution::Convolution,
    product::{Dims, Output},
};

/// Gradient of the SUM loss: `out [o, kh, kw, i/g] (+)= Σ_e g_e`.
pub fn gradient<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    x: View<'_, T>,
    delta: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    out.check(engine, conv.weights());
    compute(&Batch::new(engine, conv, x, delta), Some((output, out)), None);
}

/// [`gradient`] and [`add_sq_norms`] in one pass. Where squared norms need the gradients of the examples, the sum is
/// that of these; its last bits may differ from those of [`gradient`].
pub fn gradient_and_sq_norms<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    [x, delta]: [View<'_, T>; 2],
    output: Output,
    out: ViewMut<'_, T>,
    sq_norms: ViewMut<'_, f64>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    out.check(engine, conv.weights());
    sq_norms.check(engine, batch.m);
    compute(&batch, Some((output, out)), Some(sq_norms));
}

/// `out[e] += ‖g_e‖²`, in `f64`.
pub fn add_sq_norms<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    x: View<'_, T>,
    delta: View<'_, T>,
    out: ViewMut<'_, f64>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    out.check(engine, batch.m);
    compute(&batch, None, Some(out));
}

/// `out [o, kh, kw, i/g] = g_e` of one example.
///
/// # Panics
///
/// When there is no example `e`.
pub fn per_example<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    x: View<'_, T>,
    delta: View<'_, T>,
    e: usize,
    out: ViewMut<'_, T>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    assert!(e < batch.m, "example {e} of {}", batch.m);
    out.check(engine, conv.weights());
    compute(&batch.examples(e..e + 1), Some((Output::Overwrite, out)), None);
}

/// The sum of the gradients, and their squared norms added to what is there.
fn compute<T: Real, E: Engine>(
    batch: &Batch<'_, T, E>,
    mut sum: Option<(Output, ViewMut<'_, T>)>,
    mut sq_norms: Option<ViewMut<'_, f64>>,
) {
    let (engine, conv) = (batch.engine, batch.conv);
    if let (0, Some((Output::Overwrite, out))) = (batch.m, &mut sum) {
        return out.reborrow().fill(engine, T::zero());
    }
    let values = match conv.is_depthwise() {
        true => conv.weights(),
        false => conv.positions() * conv.patch(),
    };
    for tile in tiles::<T>(engine, batch.m, values) {
        let part = batch.examples(tile.clone());
        let sq_norms = sq_norms.as_mut().map(|norms| norms.reborrow().part(tile.clone()));
        let sum = sum.as_mut().map(|(output, out)| {
            let output = if tile.start == 0 { *output } else { Output::Add };
            (output, out.reborrow())
        });
        match conv.is_depthwise() {
            true => depthwise(&part, sum, sq_norms),
            false => dense(&part, sum, sq_norms),
        }
    }
}

/// [`compute`] for a tile of examples, group by group.
fn dense<T: Real, E: Engine>(
    batch: &Batch<'_, T, E>,
    mut sum: Option<(Output, ViewMut<'_, T>)>,
    mut sq_norms: Option<ViewMut<'_, f64>>,
) {
    let (engine, conv, patch) = (batch.engine, batch.conv, batch.conv.patch());
    for group in 0..conv.groups {
        let outputs = outputs_of_group(conv, group);
        let (patches, deltas) = (batch.patches(group), batch.deltas(outputs.clone()));
        let (deltas, patches) = (deltas.view(), patches.view());
        let mut sum = sum.as_mut().map(|(output, out)| {
            let out = out.reborrow().part(outputs.start * patch..outputs.end * patch);
            (*output, out)
        });
        match &mut sq_norms {
            Some(to) if !conv.is_gram_cheaper(patch) => {
                let gradients = ByExample { batch, factors: [patches, deltas] };
                gradients.add_sq_norms(sum, to.reborrow());
                continue;
            }
            Some(to) => add_gram_norms(engine, conv, [patches, deltas], to.reborrow()),
            None => {}
        }
        if let Some((output, out)) = sum.take() {
            let dims = Dims { m: batch.rows(), i: patch, o: outputs.len() };
            multiply(engine, Product::tn(dims, output), deltas, patches, out);
        }
    }
}

/// The gradients of the examples for a group, from its patches [rows, patch] and deltas [rows, outputs].
struct ByExample<'b, 'a, T, E: Engine> {
    batch: &'b Batch<'a, T, E>,
    factors: [View<'b, T>; 2],
}

impl<T: Real, E: Engine> ByExample<'_, '_, T, E> {
    /// `to[e] += ‖g_e‖²`, and `sum (+)= Σ_e g_e` if it is wanted.
    fn add_sq_norms(self, mut sum: Option<(Output, ViewMut<'_, T>)>, mut to: ViewMut<'_, f64>) {
        let Self { batch: &Batch { engine, conv, m, .. }, factors: [patches, deltas] } = self;
        let (p, patch, outputs) = (conv.positions(), conv.patch(), conv.group_outputs());
        let width = outputs * patch;
        for tile in tiles::<T>(engine, m, width) {
            let mut gradients = Buffer::unspecified(engine, tile.len() * width);
            let [deltas, patches] = [(deltas, outputs), (patches, patch)]
                .map(|(x, columns)| x.part(tile.start * p * columns..tile.end * p * columns));
            let product = Product::tn(Dims { m: p, i: patch, o: outputs }, Output::Overwrite);
            multiply_each(engine, tile.len(), product, deltas, patches, gradients.view_mut());
            let gradients = gradients.view();
            if let Some((output, out)) = &mut sum {
                let output = if tile.start == 0 { *output } else { Output::Add };
                column_sums(engine, gradients, output, out.reborrow());
            }
            add_long_dots(engine, gradients, gradients, width, to.reborrow().part(tile));
        }
    }
}

/// [`compute`] for a tile of examples of a depthwise convolution.
fn depthwise<T: Real, E: Engine>(
    batch: &Batch<'_, T, E>,
    sum: Option<(Output, ViewMut<'_, T>)>,
    sq_norms: Option<ViewMut<'_, f64>>,
) {
    let (engine, conv, width) = (batch.engine, batch.conv, batch.conv.weights());
    let mut gradients = Buffer::unspecified(engine, batch.m * width);
    let (inputs, channels) = ([batch.x, batch.delta], 0..conv.channels);
    depthwise_gradients(engine, conv, inputs, channels, 1, gradients.view_mut());
    let gradients = gradients.view();
    if let Some((output, out)) = sum {
        column_sums(engine, gradients, output, out);
    }
    if let Some(sq_norms) = sq_norms {
        add_long_dots(engine, gradients, gradients, width, sq_norms);
    }
}

/// `out[e] += g_e · v`, for v [o, kh, kw, i/g]: the dot of δ_e and the convolution of x_e with v, in `f64`.
pub fn add_dots<T: Real, E: Engine>(
    engine: &E,
    conv: &Convolution,
    [x, delta, v]: [View<'_, T>; 3],
    mut out: ViewMut<'_, f64>,
) {
    let batch = Batch::new(engine, conv, x, delta);
    out.check(engine, batch.m);
    let width = conv.output_image();
    for tile in tiles::<T>(engine, batch.m, width) {
        let part = batch.examples(tile.clone());
        let mut of_v = Buffer::unspecified(engine, part.m * width);
        forward(engine, conv, part.x, v, Output::Overwrite, of_v.view_mut());
        let out = out.reborrow().part(tile);
        add_long_dots(engine, part.delta, of_v.view(), width, out);
    }
}
