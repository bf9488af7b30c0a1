//! A linear layer's gradients, and rows, on the host's engine.
#![cfg(feature = "host")]

mod common;
mod engine;

use coherence_core::aggregate::{Trimmed, Winsorized};
use coherence_cpu::{
    Isa, elementwise, norms, outer as cpu,
    product::{Dims, Output, matmul_nn, matmul_nt, matmul_tn},
};
use coherence_cuda::{Buffer, Host, Product, outer, product::multiply, rows};
use common::{close, draw};
use engine::{Tested, download, engine, upload};

const DIMS: [Dims; 5] = [
    Dims { m: 1, i: 1, o: 1 },
    Dims { m: 3, i: 40, o: 33 },
    Dims { m: 9, i: 7, o: 300 },
    Dims { m: 20, i: 65, o: 1 },
    Dims { m: 5, i: 300, o: 10 },
];

/// a, delta and a weight. The groups' sums of the larger ones exceed the scratch memory.
fn factors(dims: Dims) -> [Vec<f64>; 3] {
    let Dims { m, i, o } = dims;
    [draw(m * i, 1), draw(m * o, 2), draw(o * i, 3)]
}

#[test]
fn products_are_those_of_the_processor() {
    for dims in DIMS {
        let Dims { m, i, o } = dims;
        let [a, delta, w] = factors(dims);
        let on_device = [&a, &delta, &w].map(|x| upload(x));
        let [da, ddelta, dw] = on_device.each_ref().map(|x| x.view());
        for output in [Output::Overwrite, Output::Add] {
            let add = output == Output::Add;
            let run = |product: Product, left, right, expected: Vec<f64>| {
                let mut out = upload(&vec![0.25; expected.len()]);
                multiply(engine(), product, left, right, out.view_mut());
                close(&download(&out), &expected);
            };
            let product = |rows, inner, columns, left_transposed, right_transposed| Product {
                rows,
                inner,
                columns,
                left_transposed,
                right_transposed,
                add,
            };
            let mut out = vec![0.25; m * o];
            matmul_nt(dims, &a, &w, output, &mut out);
            run(product(m, i, o, false, true), da, dw, out);
            let mut out = vec![0.25; m * i];
            matmul_nn(dims, &delta, &w, output, &mut out);
            run(product(m, o, i, false, false), ddelta, dw, out);
            let mut out = vec![0.25; o * i];
            matmul_tn(dims, &delta, &a, output, &mut out);
            run(product(o, m, i, true, false), ddelta, da, out);
        }
    }
}

#[test]
fn a_product_over_nothing_is_zero() {
    let (left, right, mut out) = (upload::<f32>(&[]), upload(&[]), upload(&[7.0; 6]));
    let mut product = Product {
        rows: 2,
        inner: 0,
        columns: 3,
        left_transposed: true,
        right_transposed: false,
        add: true,
    };
    multiply(engine(), product, left.view(), right.view(), out.view_mut());
    assert_eq!(download(&out), [7.0; 6]);
    product.add = false;
    multiply(engine(), product, left.view(), right.view(), out.view_mut());
    assert_eq!(download(&out), [0.0; 6]);
}

#[test]
fn norms_and_steps_of_outer_products_are_those_of_the_processor() {
    for dims in DIMS {
        let Dims { m, i, o } = dims;
        let [a, delta, w] = factors(dims);
        let (da, ddelta) = (upload(&a), upload(&delta));
        let both = [da.view(), ddelta.view()];

        let (mut expected, mut out) = (vec![1.0; m], upload(&vec![1.0; m]));
        cpu::sq_norms(dims, &a, &delta, &mut expected);
        outer::add_sq_norms(engine(), dims, both, out.view_mut());
        close(&download(&out), &expected);

        for clip in [0, 1, m / 2].into_iter().filter(|clip| 2 * clip <= m) {
            let (mut expected, mut out) = (vec![0.0; o * i], upload(&w));
            cpu::robust_mean(dims, &a, &delta, Winsorized { clip }, &mut expected);
            outer::robust_mean(engine(), dims, both, Winsorized { clip }, out.view_mut());
            close(&download(&out), &expected);
            let (mut expected, mut out) = (w.clone(), upload(&w));
            cpu::robust_step(dims, &a, &delta, Winsorized { clip }, 0.5, &mut expected);
            outer::robust_step(engine(), dims, both, Winsorized { clip }, 0.5, out.view_mut());
            close(&download(&out), &expected);
            if 2 * clip < m {
                let (mut expected, mut out) = (vec![0.0; o * i], upload(&w));
                cpu::robust_mean(dims, &a, &delta, Trimmed { trim: clip }, &mut expected);
                outer::robust_mean(engine(), dims, both, Trimmed { trim: clip }, out.view_mut());
                close(&download(&out), &expected);
            }
        }
        for k in (1..=m).filter(|k| [1, 2, 3, 4, 9, 20].contains(k)) {
            let (mut expected, mut out) = (w.clone(), upload(&w));
            cpu::median_of_sums_step(dims, &a, &delta, k, 0.5, &mut expected);
            outer::median_of_sums_step(engine(), dims, both, k, 0.5, out.view_mut());
            close(&download(&out), &expected);
        }
        let (e, mut out) = (m - 1, upload(&w));
        let of_e = [both[0].part(e * i..m * i), both[1].part(e * o..m * o)];
        outer::product(engine(), of_e[0], of_e[1], out.view_mut());
        let naive = (0..o * i).map(|at| delta[e * o + at / i] * a[e * i + at % i]);
        assert!(download(&out).into_iter().eq(naive));
    }
}

#[test]
fn sums_norms_and_dots_of_rows_are_those_of_the_processor() {
    for [m, d] in [[0, 3], [1, 1], [5, 31], [7, 64], [300, 33], [4, 1000], [3, 8192]] {
        let (x, y) = (draw::<f64>(m * d, 5), draw(m * d, 6));
        let (dx, dy) = (upload(&x), upload(&y));
        for output in [Output::Overwrite, Output::Add] {
            let (mut expected, mut out) = (vec![0.5; d], upload(&vec![0.5; d]));
            elementwise::column_sums(Isa::detect(), &x, output, &mut expected);
            rows::column_sums(engine(), dx.view(), output, out.view_mut());
            close(&download(&out), &expected);
        }
        let add = |values: Vec<f64>| values.into_iter().map(|v| v + 1.0).collect::<Vec<_>>();
        let (mut expected, mut out) = (vec![0.0; m], upload(&vec![1.0; m]));
        norms::row_sq_norms(Isa::detect(), &x, &mut expected);
        rows::add_sq_norms(engine(), dx.view(), d, out.view_mut());
        close(&download(&out), &add(expected));
        let (mut expected, mut out) = (vec![0.0; m], upload(&vec![1.0; m]));
        norms::row_dots(Isa::detect(), &x, &y, &mut expected);
        rows::add_pair_dots(engine(), dx.view(), dy.view(), d, out.view_mut());
        close(&download(&out), &add(expected));
        let (v, mut expected, mut out) = (draw(d, 7), vec![0.0; m], upload(&vec![1.0; m]));
        norms::dots_with(Isa::detect(), &x, &v, &mut expected);
        rows::add_dots(engine(), dx.view(), upload(&v).view(), out.view_mut());
        close(&download(&out), &add(expected));
    }
}

#[test]
fn positions_are_summed_within_each_example() {
    for [m, positions, c] in [[0, 2, 3], [3, 1, 4], [2, 50, 33], [5, 9, 100]] {
        let x = draw::<f32>(m * positions * c, 8);
        let mut out = upload(&vec![9.0; m * c]);
        rows::position_sums(engine(), upload(&x).view(), c, out.view_mut());
        let sum = |at: usize| {
            let (e, j) = (at / c, at % c);
            (0..positions).map(|p| f64::from(x[(e * positions + p) * c + j])).sum::<f64>() as f32
        };
        close(&download(&out), &(0..m * c).map(sum).collect::<Vec<_>>());
    }
}

#[test]
#[should_panic = "the number of values"]
fn a_length_that_does_not_fit_is_refused_before_the_launch() {
    let dims = Dims { m: 2, i: 3, o: 2 };
    let (a, delta, mut out) = (upload(&[0.0; 6]), upload(&[0.0; 3]), upload(&[0.0; 2]));
    outer::add_sq_norms(engine(), dims, [a.view(), delta.view()], out.view_mut());
}

#[test]
#[should_panic = "a view of another device"]
fn sums_of_many_columns_are_not_written_to_another_engine() {
    let d = 8192; // from here on a thread sums each column
    let mut out = Buffer::from_host(&Tested::OtherHost(Host), &vec![0.0f32; d]);
    let rows = upload(&vec![1.0f32; d]);
    rows::column_sums(engine(), rows.view(), Output::Overwrite, out.view_mut());
}
