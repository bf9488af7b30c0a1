//! Robust means of columns and of outer products, on the host's engine.
#![cfg(feature = "host")]

mod common;
mod engine;

use coherence_core::aggregate::{Median, Trimmed, Winsorized};
use coherence_cpu::{Isa, dense, order::OrderRule, outer, product::Dims};
use coherence_cuda::{
    Real,
    select::{select_columns, select_outer},
};
use common::{close, draw};
use engine::{download, engine, upload};

/// Values with ties, zeros of both signs, and extremes.
fn values<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut values: Vec<T> = draw(n, seed);
    for (j, value) in values.iter_mut().enumerate() {
        match j % 11 {
            3 => *value = T::zero(),
            5 => *value = -T::zero(),
            7 => *value = T::narrow(0.25),
            9 if j % 2 == 0 => *value = T::max_value(),
            9 => *value = -T::min_positive_value(),
            _ => {}
        }
    }
    values
}

/// The rule on the device and, by `oracle`, on the processor.
#[track_caller]
fn columns_agree<T: Real + Default>(
    rule: impl OrderRule,
    [n, d]: [usize; 2],
    values: &[T],
    is_exact: bool,
    oracle: impl Fn(&mut [T]),
) {
    let mut expected = vec![T::zero(); d];
    oracle(&mut expected);
    let mut out = upload(&vec![T::narrow(3.0); d]);
    select_columns(engine(), rule, upload(values).view(), None, out.view_mut());
    let found = download(&out);
    if is_exact {
        let bits = |x: &[T]| x.iter().map(|x| x.widen().to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&expected), "[{n}, {d}]");
    } else {
        close(&found, &expected);
    }
    let mut stepped = upload(&vec![T::narrow(3.0); d]);
    let rate = T::narrow(0.5);
    select_columns(engine(), rule, upload(values).view(), Some(rate), stepped.view_mut());
    let step: Vec<T> = found.iter().map(|&mean| T::narrow(3.0) - rate * mean).collect();
    assert!(download(&stepped) == step, "[{n}, {d}]");
}

fn columns<T: Real + Default>(isa: Isa) {
    // The networks of the middle have 32, 64 and 100 places, or half as many for f64.
    let sizes = [[1, 1], [2, 3], [3, 700], [5, 2], [8, 1], [21, 40], [22, 300], [32, 7], [33, 5]];
    let larger =
        [[41, 5], [50, 3], [51, 2], [60, 17], [64, 3], [65, 9], [99, 8], [100, 260], [101, 3]];
    for [n, d] in sizes.into_iter().chain(larger) {
        let values = values::<T>(n * d, (n + d) as u64);
        columns_agree(Median, [n, d], &values, true, |out| {
            dense::robust_mean_on(isa, &values, Median, out)
        });
        let tame: Vec<T> = draw(n * d, 7);
        for c in (0..=n / 2).filter(|c| [0, 1, 2, 4, 5, 8, 9, 10, 19, 30, 50].contains(c)) {
            columns_agree(Winsorized { clip: c }, [n, d], &tame, 2 * c == n, |out| {
                dense::robust_mean_on(isa, &tame, Winsorized { clip: c }, out);
            });
            if 2 * c < n {
                columns_agree(Trimmed { trim: c }, [n, d], &tame, false, |out| {
                    dense::robust_mean_on(isa, &tame, Trimmed { trim: c }, out);
                });
            }
        }
    }
}

#[test]
fn robust_means_of_columns_are_those_of_the_processor() {
    columns::<f64>(Isa::Portable);
    columns::<f32>(Isa::Portable);
}

#[test]
fn a_column_with_a_nan_has_a_nan_mean_and_leaves_its_neighbours_alone() {
    let values = upload(&[1.0, f64::NAN, 2.0, 5.0, 3.0, 6.0, 9.0, 7.0, 9.0, 8.0]);
    let mut out = upload(&[0.0; 2]);
    select_columns(engine(), Winsorized { clip: 1 }, values.view(), None, out.view_mut());
    let found = download(&out);
    assert!(found[0] == 5.0 && found[1].is_nan(), "{found:?}"); // (2 + 2 + 3 + 9 + 9) / 5
}

#[test]
fn robust_means_of_outer_products_are_those_of_the_processor() {
    for dims in [[1, 1, 1], [4, 3, 2], [7, 30, 20], [25, 5, 9], [44, 2, 3], [50, 3, 2], [97, 1, 2]]
    {
        let [m, i, o] = dims;
        let dims = Dims { m, i, o };
        let (a, delta) = (values::<f64>(m * i, 1), draw::<f64>(m * o, 2));
        let [a, delta] =
            [&a, &delta].map(|x| x.iter().map(|x| x.clamp(-9.0, 9.0)).collect::<Vec<_>>());
        for clip in (1..=m / 2).filter(|c| [1, 2, 3, 12, 20, 22, 25, 48].contains(c)) {
            let mut expected = vec![0.0; o * i];
            outer::robust_mean(dims, &a, &delta, Winsorized { clip }, &mut expected);
            let mut out = upload(&vec![1.0; o * i]);
            let (a, delta) = (upload(&a), upload(&delta));
            let factors = [a.view(), delta.view()];
            select_outer(engine(), Winsorized { clip }, dims, factors, None, out.view_mut());
            close(&download(&out), &expected);
        }
    }
}

#[test]
#[should_panic = "needs at least 4 vectors for its clip, found 3"]
fn a_rule_that_is_not_defined_is_refused() {
    let values = upload(&[1.0f32; 3]);
    select_columns(
        engine(),
        Winsorized { clip: 2 },
        values.view(),
        None,
        upload(&[0.0]).view_mut(),
    );
}
