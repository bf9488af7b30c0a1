//! Maxima and means over windows of images: x [m, h, w, c], out [m, oh, ow, c].

use crate::{
    Buffer, View, ViewMut,
    argument::{Arguments, ByValue, Structure, add, blocks_for},
    engine::{Engine, Real},
};
use coherence_cpu::{
    pool::{Divisor, Windows},
    product::Output,
};

#[derive(Clone, Copy)]
#[repr(C)]
struct Images {
    height: u64,
    width: u64,
    channels: u64,
    out_height: u64,
    out_width: u64,
}

// SAFETY: five numbers in the order of structures.h.
unsafe impl Structure for Images {
    const NAME: &'static str = "Images";
}

fn images(windows: &Windows) -> ByValue<Images> {
    let ([height, width], [out_height, out_width]) = (windows.input(), windows.output());
    let [height, width, out_height, out_width] =
        [height, width, out_height, out_width].map(|size| size as u64);
    ByValue(Images { height, width, channels: windows.channels() as u64, out_height, out_width })
}

/// The table of pool.cu: some numbers for each row and column, uploaded with each call.
fn table<E: Engine>(engine: &E, windows: &Windows, divisor: Divisor) -> Buffer<u64, E> {
    let windows_along = |axis| {
        windows.along(axis).iter().flat_map(|window| {
            let inputs = &window.inputs;
            [inputs.start, inputs.end, divisor.choose(window.padded, inputs.len())]
        })
    };
    let containing_along =
        |axis| windows.containing_along(axis).iter().flat_map(|range| [range.start, range.end]);
    let windows = windows_along(0).chain(windows_along(1));
    let numbers = windows.chain(containing_along(0)).chain(containing_along(1));
    Buffer::from_host(engine, &numbers.map(|number| number as u64).collect::<Vec<_>>())
}

/// The maximum of each window, and in `from` its position y · w + x: the first of equal ones. NaN is the
/// largest, the last if there are several.
pub fn max_forward<T: Real>(
    engine: &impl Engine,
    windows: &Windows,
    x: View<'_, T>,
    out: ViewMut<'_, T>,
    from: ViewMut<'_, u32>,
) {
    let n = out.len();
    windows.examples(x.len(), n);
    x.check(engine, x.len());
    out.check(engine, n);
    from.check(engine, n);
    let table = table(engine, windows, Divisor::Inputs);
    let arguments = (x, table.view(), images(windows), out, from, n);
    // SAFETY: x, out and from are as many images of the windows' sizes, on this engine.
    unsafe { arguments.launch::<T>(engine, "max_forward", blocks_for(n)) }
}

/// `out [m, h, w, c] (+)=` the deltas of the windows whose maximum came from there.
pub fn max_backward<T: Real>(
    engine: &impl Engine,
    windows: &Windows,
    delta: View<'_, T>,
    from: View<'_, u32>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    windows.examples(n, delta.len());
    delta.check(engine, delta.len());
    from.check(engine, delta.len());
    out.check(engine, n);
    let table = table(engine, windows, Divisor::Inputs);
    let arguments = (delta, from, table.view(), images(windows), add(output), out, n);
    // SAFETY: delta, from and out are as many images of the windows' sizes, on this engine; `from` is only
    // compared.
    unsafe { arguments.launch::<T>(engine, "max_backward", blocks_for(n)) }
}

/// The mean of each window, the sum in `f64`.
pub fn average_forward<T: Real>(
    engine: &impl Engine,
    windows: &Windows,
    divisor: Divisor,
    x: View<'_, T>,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    windows.examples(x.len(), n);
    x.check(engine, x.len());
    out.check(engine, n);
    let table = table(engine, windows, divisor);
    let arguments = (x, table.view(), images(windows), out, n);
    // SAFETY: x and out are as many images of the windows' sizes, on this engine.
    unsafe { arguments.launch::<T>(engine, "average_forward", blocks_for(n)) }
}

/// `out [m, h, w, c] (+)=` the deltas of the windows that contain a position, each divided by its window's
/// divisor.
pub fn average_backward<T: Real>(
    engine: &impl Engine,
    windows: &Windows,
    divisor: Divisor,
    delta: View<'_, T>,
    output: Output,
    out: ViewMut<'_, T>,
) {
    let n = out.len();
    windows.examples(n, delta.len());
    delta.check(engine, delta.len());
    out.check(engine, n);
    let table = table(engine, windows, divisor);
    let arguments = (delta, table.view(), images(windows), add(output), out, n);
    // SAFETY: delta and out are as many images of the windows' sizes, on this engine.
    unsafe { arguments.launch::<T>(engine, "average_backward", blocks_for(n)) }
}
