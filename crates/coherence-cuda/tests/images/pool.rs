//! Pools: the same bits as on the processor.

use crate::common::{OUTPUTS, assert_same_bits, numbers, written};
use crate::engine::{download, engine, upload};
use coherence_cpu::{
    Element, Isa,
    pool::{self, Divisor, Pool, Windows},
};
use coherence_cuda::{Real, pool as device};

fn settings() -> Vec<Windows> {
    let pool = |input, channels, kernel, stride, padding, ceil| {
        Pool { input, channels, kernel, stride, padding, ceil }.windows().expect("a pool")
    };
    let adaptive =
        |input, output, channels| Windows::adaptive(input, output, channels).expect("a pool");
    vec![
        pool([1, 1], 1, [1, 1], [1, 1], [0, 0], false),
        pool([7, 9], 3, [3, 3], [2, 2], [1, 1], false),
        pool([7, 8], 2, [3, 2], [2, 3], [1, 0], true),
        pool([5, 5], 70, [2, 2], [3, 3], [0, 0], false),
        pool([6, 4], 5, [5, 3], [1, 1], [2, 1], true),
        adaptive([7, 5], [3, 4], 3),
        adaptive([2, 3], [5, 1], 2),
        adaptive([8, 8], [1, 1], 33),
    ]
}

fn all_operations<T: Real + Default>(x_of: impl Fn(usize) -> Vec<T>) {
    for windows in settings() {
        let [image, pooled] =
            [windows.input(), windows.output()].map(|[h, w]| h * w * windows.channels());
        for m in [0, 1, 5] {
            let (x, delta) = (x_of(m * image), numbers::<T>(2, m * pooled));
            let (on_x, on_delta) = (upload(&x), upload(&delta));
            let context = format!("{m} examples, {windows:?}");

            let (mut out, mut from) = (delta.clone(), vec![0; m * pooled]);
            pool::max_forward(Isa::detect(), &windows, &x, &mut out, &mut from);
            let mut on_from = upload(&vec![7; m * pooled]);
            let found = written(&delta, |out| {
                device::max_forward(engine(), &windows, on_x.view(), out, on_from.view_mut());
            });
            assert_same_bits(&found, &out, &context);
            assert_eq!(download(&on_from), from, "{context}");
            for output in OUTPUTS {
                let mut out = numbers::<T>(3, m * image);
                let found = written(&out, |out| {
                    device::max_backward(
                        engine(),
                        &windows,
                        on_delta.view(),
                        on_from.view(),
                        output,
                        out,
                    );
                });
                pool::max_backward(Isa::detect(), &windows, &delta, &from, output, &mut out);
                assert_same_bits(&found, &out, &context);
            }
            for divisor in [Divisor::Window, Divisor::Inputs] {
                let mut out = delta.clone();
                let found = written(&out, |out| {
                    device::average_forward(engine(), &windows, divisor, on_x.view(), out);
                });
                pool::average_forward(Isa::detect(), &windows, divisor, &x, &mut out);
                assert_same_bits(&found, &out, &context);
                for output in OUTPUTS {
                    let mut out = numbers::<T>(3, m * image);
                    let found = written(&out, |out| {
                        let delta = on_delta.view();
                        device::average_backward(engine(), &windows, divisor, delta, output, out);
                    });
                    pool::average_backward(
                        Isa::detect(),
                        &windows,
                        divisor,
                        &delta,
                        output,
                        &mut out,
                    );
                    assert_same_bits(&found, &out, &context);
                }
            }
        }
    }
}

#[test]
fn pools_have_the_bits_of_the_processor() {
    all_operations::<f32>(|len| numbers(1, len));
    all_operations::<f64>(|len| numbers(1, len));
}

#[test]
fn pools_of_ties_infinities_and_nan_have_the_bits_of_the_processor() {
    let special = [0.0, -0.0, 1.0, f64::NAN, f64::NEG_INFINITY, f64::INFINITY];
    let of = |x: f64| special[((x + 1.0) * 3.0) as usize % special.len()];
    all_operations::<f32>(|len| numbers::<f64>(4, len).into_iter().map(|x| of(x) as f32).collect());
    all_operations::<f32>(|len| vec![f32::NEG_INFINITY; len]);
    all_operations::<f64>(|len| vec![f64::narrow(2.0); len]);
}

#[test]
#[should_panic(expected = "the number of values")]
fn fewer_positions_than_deltas_are_refused() {
    let windows = Windows::adaptive([2, 2], [1, 1], 1).expect("a pool");
    let (delta, from) = (upload(&[1.0f32; 2]), upload(&[0u32; 1]));
    written(&[0.0f32; 8], |out| {
        device::max_backward(engine(), &windows, delta.view(), from.view(), OUTPUTS[0], out);
    });
}
