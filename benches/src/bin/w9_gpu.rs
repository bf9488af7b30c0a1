//! W9: ResNet-50 over mini-batches of 256 images of 224 × 224 on cuda:0, and the median of 100 vectors of
//! 11 million values there. A line of JSON for each time, as benches/peers/w9_gpu.py writes them.
//!
//! `W9_BATCH` is another mini-batch; `W9_SCRATCH` are MiB of scratch memory; `W9_ONLY` runs the cases whose names contain it, once each, for a profiler.
#![allow(clippy::print_stdout, reason = "the times are the program's output")]

use coherence_benches::{Images, RATE, initialized_on, normals, trainer_on};
use coherence_core::aggregate::Median;
use coherence_cuda::{Buffer, Driver, Engine as _, select::select_columns};
use coherence_nn::{
    Graph, Shape,
    device::Cuda,
    model::{Norm, Stem, resnet50},
};
use coherence_train::{
    Aggregation, OverTime,
    measure::{BUDGET, By, Meter},
};
use std::{env, time::Instant};

type Gpu = Cuda<Driver>;

const SIZE: usize = 224;

const REPETITIONS: usize = 3;

/// Times of calls that end when the device has done their work.
struct Times {
    device: Driver,
    only: Option<String>,
    products: &'static str,
}

impl Times {
    /// Whether the case is to be run.
    fn has(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    /// One call, for which memory is allocated; then `REPETITIONS` times `calls` calls in a row, of which the
    /// mean is taken.
    fn time(&self, name: &str, calls: u32, mut f: impl FnMut()) {
        let mut seconds = |calls| {
            let start = Instant::now();
            (0..calls).for_each(|_| f());
            self.device.synchronize();
            start.elapsed().as_secs_f64() / f64::from(calls)
        };
        let first = seconds(1);
        let mut times = vec![first];
        if self.only.is_none() {
            times = (0..REPETITIONS).map(|_| seconds(calls)).collect();
        }
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[times.len() / 2], times[0]);
        let products = self.products;
        println!(
            "{{\"name\": \"W9.{name}\", \"peer\": \"coherence\", \"products\": \"{products}\", \
             \"median_s\": {median:.6}, \"min_s\": {least:.6}, \"reps\": {REPETITIONS}, \"first_s\": {first:.3}}}"
        );
    }
}

fn network() -> Graph<f32, Gpu> {
    resnet50(Shape::image(SIZE, SIZE, 3), 1000, Stem::ImageNet, Norm::Batch)
        .expect("images fit the network")
}

/// Steps and α.
fn resnet(times: &Times, batch: usize) {
    let device = Cuda::new(times.device.clone());
    let (data, test) = (Images::new(batch, SIZE), Images::new(1, SIZE));
    let steps = [
        ("plain step", Aggregation::Mean, false),
        ("plain step, batch statistics", Aggregation::Mean, true),
        ("m3 step, batch statistics", Aggregation::OverTime(OverTime::M3), true),
        ("step, c = 1", Aggregation::Winsorized { clip: 1 }, false),
    ];
    for (name, rule, batch_statistics) in steps {
        if times.has(name) {
            let model = initialized_on(device.clone(), network());
            let mut trainer = trainer_on(model, &data, &test, batch, rule, RATE, batch_statistics);
            // Three at a time: the update of M3 comes after three mini-batches.
            times.time(name, 3, || {
                trainer.advance().expect("a finite loss");
            });
        }
    }
    if times.has("alpha") {
        let model = initialized_on(device, network());
        let mut meter = Meter::new(&model, &data, By::default(), BUDGET).expect("images fit");
        times.time("alpha", 2, || {
            meter.measure().expect("finite losses");
        });
    }
}

/// The median of n vectors of d values, each coordinate; the values are read once at least.
fn median(times: &Times, [n, d]: [usize; 2]) {
    let device = &times.device;
    let mut values = Buffer::zeros(device, n * d);
    let row = normals(5, d + n);
    for e in 0..n {
        values.view_mut().part(e * d..(e + 1) * d).upload(device, &row[e..e + d]);
    }
    let mut out = Buffer::zeros(device, d);
    times.time("median of 100 x 11 M", 10, || {
        select_columns(device, Median, values.view(), None, out.view_mut());
    });
    let mut found = vec![0.0; d];
    out.view().download(device, &mut found);
    for j in [0, 1, d / 2, d - 1] {
        let mut column = row[j..j + n].to_vec();
        column.sort_by(f32::total_cmp);
        let expected = f64::midpoint(column[(n - 1) / 2].into(), column[n / 2].into()) as f32;
        assert_eq!(found[j], expected, "the median of column {j}");
    }
}

/// The rate of a copy on the device, in bytes read and written.
fn copy(times: &Times) {
    let device = &times.device;
    let (from, n) = (Buffer::<f32, _>::zeros(device, 1 << 30), 1 << 30);
    let mut to = Buffer::zeros(device, n);
    times.time("copy of 4 GiB", 10, || to.view_mut().copy_from(device, from.view()));
}

fn main() {
    let driver = Driver::new(0).unwrap_or_else(|error| panic!("{error}"));
    let batch = env::var("W9_BATCH").map_or(256, |text| text.parse().expect("a number"));
    let only = env::var("W9_ONLY").ok();
    if let Ok(mebibytes) = env::var("W9_SCRATCH") {
        driver.set_scratch_bytes(mebibytes.parse::<usize>().expect("a number") << 20);
    }
    println!("# {} ({driver:?}), mini-batches of {batch}", driver.name());
    for (products, tf32) in [("f32", false), ("tf32", true)] {
        driver.allow_tf32(tf32);
        let times = Times { device: driver.clone(), only: only.clone(), products };
        resnet(&times, batch);
        if !tf32 && times.has("median") {
            median(&times, [100, 11_000_000]);
        }
        if !tf32 && times.has("copy") {
            copy(&times);
        }
        if only.is_some() {
            break;
        }
    }
}
