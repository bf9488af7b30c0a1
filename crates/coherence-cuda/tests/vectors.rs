//! Vectors of all parameters, on the host's engine.
#![cfg(feature = "host")]

mod common;
mod engine;

use coherence_cpu::{
    Isa,
    elementwise::median_of_three_update,
    product::Output,
    vectors::{self as cpu, Descent},
};
use coherence_cuda::{elementwise, vectors};
use common::{close, draw};
use engine::{download, engine, upload};

const LENGTHS: [usize; 5] = [0, 1, 255, 5_000, 40_000];

#[test]
fn dots_and_running_sums_are_those_of_the_processor() {
    for d in LENGTHS {
        let (x, y) = (draw::<f32>(d, 1), draw::<f32>(d, 2));
        let (dx, dy) = (upload(&x), upload(&y));
        let dot = vectors::dot(engine(), dx.view(), dy.view());
        let scale: f64 = x.iter().zip(&y).map(|(x, y)| f64::from((x * y).abs())).sum();
        assert!((dot - cpu::dot(Isa::detect(), &x, &y)).abs() <= 1e-12 * scale, "d = {d}");
        assert_eq!(dot.to_bits(), vectors::dot(engine(), dx.view(), dy.view()).to_bits());
        for output in [Output::Overwrite, Output::Add] {
            let (mut expected, mut sum) = (vec![0.1; d], upload(&vec![0.1; d]));
            cpu::accumulate(&x, output, &mut expected);
            vectors::accumulate(engine(), dx.view(), output, sum.view_mut());
            assert_eq!(download(&sum), expected);
        }
    }
}

#[test]
fn updates_have_the_bits_of_the_processor() {
    for d in LENGTHS {
        let [g, w, v] = [3, 4, 5].map(|seed| draw::<f32>(d, seed));
        let on_device = upload(&g);
        for (momentum, nesterov) in [(None, false), (Some(0.9), false), (Some(0.9), true)] {
            let momentum_or_zero = momentum.unwrap_or(0.0);
            let by =
                Descent { rate: 0.1, momentum: momentum_or_zero, nesterov, weight_decay: 0.01 };
            let [mut expected, mut expected_v] = [w.clone(), v.clone()];
            let [mut found, mut found_v] = [upload(&w), upload(&v)];
            cpu::descend(by, &g, momentum.map(|_| &mut expected_v[..]), &mut expected);
            let velocity = momentum.map(|_| found_v.view_mut());
            vectors::descend(engine(), by, on_device.view(), velocity, found.view_mut());
            assert_eq!([download(&found), download(&found_v)], [expected, expected_v]);
        }
        let mut expected = w.clone();
        let mut found = upload(&w);
        median_of_three_update(
            Isa::detect(),
            &mut expected,
            [(&g[..], 0.3), (&w, 0.3), (&v, 0.3)],
            0.5,
        );
        let three = [upload(&g), upload(&w), upload(&v)];
        let views = three.each_ref().map(|g| g.view());
        vectors::median_of_three_step(engine(), views, 0.3, 0.5, found.view_mut());
        assert_eq!(download(&found), expected);
    }
}

#[test]
fn values_are_gathered_scaled_and_an_index_out_of_range_reads_nothing() {
    let x = upload(&[1.0f32, 2.0, 3.0]);
    let indices = [2, 0, 3, u32::MAX, 1];
    let mut out = upload(&[9.0; 5]);
    vectors::gather(engine(), x.view(), upload(&indices).view(), out.view_mut());
    elementwise::scale(engine(), 2.0, out.view_mut());
    close(&download(&out), &[6.0, 2.0, 0.0, 0.0, 4.0]);
}
