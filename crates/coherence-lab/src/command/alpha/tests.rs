//! α on a device is α on the processor, up to rounding.

use coherence_cpu::Element;
use coherence_cuda::Host;
use coherence_data::matrix::Value;
use coherence_nn::device::{Cuda, Device, Remote};

use super::{measure, on_device};
use crate::command::matrix::npy::{descr, npy};
use crate::command::matrix::scale::Square;

/// Rows that agree in part, times `scale`.
fn rows<T: Element>(m: usize, d: usize, scale: f64) -> Vec<T> {
    let wave = |at: usize| (at as f64 * 0.7).sin() + 0.3 * ((at % d) as f64).cos();
    (0..m * d).map(|at| T::narrow(scale * wave(at))).collect()
}

fn agrees<T: Element + Value, D: Device<T>>(device: &D, [m, d]: [usize; 2], scale: f64) {
    let (values, tolerance) = (rows::<T>(m, d, scale), 8.0 * T::epsilon().widen());
    for fortran in [false, true] {
        let matrix = npy(descr::<T>(false), fortran, &values, d);
        let expected = measure::<T>(&matrix, 1).expect("finite values");
        let found = on_device::measure(device, "it", &matrix, 2).expect("finite values");
        assert_eq!((found.m, found.d), (expected.m, expected.d));
        let within = |square: Square| Option::from(square).unwrap_or(f64::NAN);
        let pairs = [
            (found.alpha, expected.alpha),
            (found.m_coherence, expected.m_coherence),
            (found.alpha_debiased, expected.alpha_debiased),
            (found.standard_error, expected.standard_error),
            (within(found.sum_sq_norms), within(expected.sum_sq_norms)),
            (within(found.sq_norm_of_sum), within(expected.sq_norm_of_sum)),
        ];
        for (found, expected) in pairs {
            // Too few rows have no estimate, and the sums of huge ones exceed f64.
            let is_same = found == expected || found.is_nan() && expected.is_nan();
            let near = tolerance * expected.abs().max(f64::MIN_POSITIVE);
            assert!(is_same || (found - expected).abs() <= near, "{m} × {d}: {found} {expected}");
        }
    }
}

/// One block and several, numbers whose squares leave the range of f64, and too few rows for an estimate.
#[test]
fn a_device_gives_the_alpha_of_the_processor() {
    for shape in [[1, 3], [2, 5], [40, 500], [600, 15_000]] {
        agrees::<f32, _>(&Remote::default(), shape, 1.0);
    }
    agrees::<f32, _>(&Cuda::new(Host), [20, 70], 1.0);
    for scale in [1.0, 1e200, 1e-200] {
        agrees::<f64, _>(&Cuda::new(Host), [7, 50], scale);
    }
}

#[test]
fn a_sum_beyond_the_precision_of_a_device_and_a_nan_are_refused() {
    let refused = |values: &[f32]| {
        let matrix = npy("<f4", false, values, 2);
        let found = on_device::measure::<f32, _>(&Remote::default(), "it", &matrix, 1);
        found.expect_err("refused").to_string()
    };
    let error = refused(&[3e38, 0.0, 3e38, 1.0]);
    assert!(error.contains("take --device cpu"), "{error}");
    assert!(refused(&[0.0, 1.0, 2.0, f32::NAN]).contains("row 1, column 1 is not finite"));
}
