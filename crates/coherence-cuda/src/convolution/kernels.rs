//! The kernels of convolutions; the sizes of all arguments are checked.

use crate::{
    View, ViewMut,
    argument::{Arguments, ByValue, Structure, add, blocks_for, blocks_of},
    engine::{Engine, Real},
};
use coherence_cpu::{convolution::Convolution, product::Output};
use core::ops::Range;

#[derive(Clone, Copy)]
#[repr(C)]
struct Sizes {
    input: [u32; 3],
    output: [u32; 3],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    groups: u32,
}

// SAFETY: fifteen numbers in the order of structures.h.
unsafe impl Structure for Sizes {
    const NAME: &'static str = "Convolution";
}

/// The sizes as kernels take them.
///
/// # Panics
///
/// If the convolution does not exist, or a position of the padded image is no `u32`.
fn sizes(conv: &Convolution) -> ByValue<Sizes> {
    let output = conv.output_size().unwrap_or_else(|error| panic!("{error}"));
    let int = |size: usize| u32::try_from(size).unwrap_or_else(|_| panic!("{size} in {conv:?}"));
    for axis in 0..2 {
        int(conv.input[axis] + 2 * conv.padding[axis]);
    }
    ByValue(Sizes {
        input: [int(conv.input[0]), int(conv.input[1]), int(conv.channels)],
        output: [int(output[0]), int(output[1]), int(conv.outputs)],
        kernel: conv.kernel.map(int),
        stride: conv.stride.map(int),
        padding: conv.padding.map(int),
        dilation: conv.dilation.map(int),
        groups: int(conv.groups),
    })
}

/// The examples with so many patches, or products of them, of a group.
fn examples_of_patches(conv: &Convolution, len: usize) -> usize {
    let each = conv.positions() * conv.patch();
    let m = len.checked_div(each).unwrap_or(0);
    assert_eq!(m * each, len, "whole examples of patches of {conv:?}");
    m
}

/// The patches [m · positions, patch] of a group of x [m, h, w, i].
pub(super) fn unfold<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    group: usize,
    x: View<'_, T>,
    patches: ViewMut<'_, T>,
) {
    let n = patches.len();
    patches.check(engine, n);
    x.check(engine, examples_of_patches(conv, n) * conv.image());
    assert!(group < conv.groups, "group {group} of {conv:?}");
    let (kernel, threads) = match are_fours(conv, [x.address(), patches.address()], size_of::<T>())
    {
        true => ("unfold_fours", n / 4),
        false => ("unfold", n),
    };
    let arguments = (x, sizes(conv), first_channel(conv, group), patches, n);
    // SAFETY: x and the patches are of as many examples; the group exists.
    unsafe { arguments.launch::<T>(engine, kernel, blocks_for(threads)) }
}

/// `out [m, h, w, i] (+)=` the products [m · positions, patch] of a group, in its channels.
pub(super) fn fold_back<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    group: usize,
    products: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    products.check(engine, products.len());
    let m = examples_of_patches(conv, products.len());
    out.check(engine, m * conv.image());
    assert!(group < conv.groups, "group {group} of {conv:?}");
    let n = out.len() / conv.groups;
    let (kernel, threads) =
        match are_fours(conv, [products.address(), out.address()], size_of::<T>()) {
            true => ("fold_back_fours", n / 4),
            false => ("fold_back", n),
        };
    let arguments = (products, sizes(conv), first_channel(conv, group), add(output), out, n);
    // SAFETY: the products and `out` are of as many examples; the group exists.
    unsafe { arguments.launch::<T>(engine, kernel, blocks_for(threads)) }
}

/// Whether four channels at a time can be read and written: all groups are whole fours, and the values of all
/// positions begin at multiples of four values.
fn are_fours(conv: &Convolution, addresses: [u64; 2], value: usize) -> bool {
    let is_aligned = |address: u64| address.is_multiple_of(4 * value as u64);
    conv.group_channels().is_multiple_of(4) && addresses.into_iter().all(is_aligned)
}

fn first_channel(conv: &Convolution, group: usize) -> u32 {
    u32::try_from(group * conv.group_channels()).expect("a channel, which is below a u32")
}

/// The convolution of x [m, h, w, c], depthwise.
pub(super) fn depthwise_forward<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    [x, weight]: [View<'_, T>; 2],
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    conv.examples(x.len(), n);
    assert!(conv.is_depthwise(), "{conv:?} is depthwise");
    x.check(engine, x.len());
    out.check(engine, n);
    weight.check(engine, conv.weights());
    let arguments = (x, weight, sizes(conv), add(output), out, n);
    // SAFETY: x and `out` are of as many examples, the weight is the convolution's.
    unsafe { arguments.launch::<T>(engine, "depthwise_forward", blocks_for(n)) }
}

/// `out [m, h, w, c] (+)=` the gradient with respect to the input, depthwise.
pub(super) fn depthwise_backward<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    [delta, weight]: [View<'_, T>; 2],
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    conv.examples(n, delta.len());
    assert!(conv.is_depthwise(), "{conv:?} is depthwise");
    delta.check(engine, delta.len());
    out.check(engine, n);
    weight.check(engine, conv.weights());
    let arguments = (delta, weight, sizes(conv), add(output), out, n);
    // SAFETY: delta and `out` are of as many examples, the weight is the convolution's.
    unsafe { arguments.launch::<T>(engine, "depthwise_backward", blocks_for(n)) }
}

/// The gradients of some channels of a depthwise convolution, summed over runs of `each` examples:
/// out [m / each, channels, taps].
pub(super) fn depthwise_gradients<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    [x, delta]: [View<'_, T>; 2],
    channels: Range<usize>,
    each: usize,
    out: ViewMut<'_, T>,
) {
    let (m, n) = (conv.examples(x.len(), delta.len()), out.len());
    assert!(conv.is_depthwise() && channels.end <= conv.channels, "{channels:?} of {conv:?}");
    assert!(each > 0 && m.is_multiple_of(each), "{m} examples in sums of {each}");
    x.check(engine, x.len());
    delta.check(engine, delta.len());
    out.check(engine, m / each * channels.len() * conv.patch());
    let int = |channel: usize| u32::try_from(channel).expect("a channel, which is below a u32");
    let (first, count) = (int(channels.start), int(channels.len()));
    let arguments = (x, delta, sizes(conv), first, count, each, out, n);
    // SAFETY: x and delta are of m examples, whole sums of `each`; `out` has a number for each sum, channel
    // and tap.
    unsafe { arguments.launch::<T>(engine, "depthwise_gradients", blocks_for(n)) }
}

/// `out[e] += ‖g_e‖²` of the gradients of a group, by Gram matrices: patches [m · positions, patch] and deltas
/// [m · positions, outputs] of m = out.len() examples.
pub(super) fn add_gram_norms<T: Real>(
    engine: &impl Engine,
    conv: &Convolution,
    [patches, deltas]: [View<'_, T>; 2],
    out: ViewMut<'_, f64>,
) {
    let (m, positions) = (out.len(), conv.positions());
    let (patch, outputs) = (conv.patch(), conv.group_outputs());
    patches.check(engine, m * positions * patch);
    deltas.check(engine, m * positions * outputs);
    out.check(engine, m);
    let arguments = (patches, deltas, positions, patch, outputs, out, m);
    // SAFETY: patches and deltas have the rows of m examples, `out` a number for each, on this engine.
    unsafe { arguments.launch::<T>(engine, "add_gram_norms", blocks_of(m)) }
}
