//! W3: α of the network and of each tensor over 10,000 and 50,000 digits; helpfulness of each
//! example and α by class and by pristine and corrupt examples, all together. Each is compared with
//! forward and backward passes over the same examples.

use coherence_benches::{
    Passes, Ratio, SMALL, THREADS, digits, initialized, ratio, ratios, standardized, time,
};
use coherence_data::{Dataset, noise::LabelNoise};
use coherence_nn::{Model, model::mlp};
use coherence_train::measure::{BUDGET, By, Meter};
use criterion::{Criterion, criterion_group, criterion_main};

const SIZES: [usize; 2] = [10_000, 50_000];

const GROUPS: By = By { class: true, example: true, errors: false };

fn network() -> Model<f32> {
    initialized(mlp(&SMALL).expect("widths of a network"))
}

fn meter<'a>(model: &'a Model<f32>, data: &'a dyn Dataset, by: By) -> Meter<'a> {
    Meter::new(model, data, by, BUDGET).expect("digits fit the network")
}

/// Digits with 30 % of the labels permuted.
fn noisy(m: usize) -> impl Dataset {
    LabelNoise::permute(digits(m), 0.3, 1).expect("a share")
}

/// Compares α over a few examples with α from their gradients, computed one at a time, in f64.
fn check() {
    const M: usize = 50;
    let mut passes = Passes::new(&SMALL, M, 1);
    let d = passes.model.parameters().len();
    let (mut one, mut sum, mut energy) = (vec![0.0; d], vec![0.0; d], 0.0);
    for e in 0..M {
        passes.gradient(e, 1, &mut one);
        sum.iter_mut().zip(&one).for_each(|(s, g)| *s += f64::from(*g));
        energy += one.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
    }
    let expected = sum.iter().map(|s| s * s).sum::<f64>() / (M as f64 * energy);
    let data = digits(M);
    let measured = meter(&passes.model, &data, GROUPS).measure().expect("finite losses");
    let alpha = measured.network.coherence.alpha();
    assert!((alpha / expected - 1.0).abs() < 1e-5, "{alpha} {expected}");
    assert_eq!((measured.classes.len(), measured.examples.len()), (10, M));
}

fn times(c: &mut Criterion) {
    check();
    let mut group = c.benchmark_group("w3");
    let (model, mut sum) = (network(), vec![0.0; network().parameters().len()]);
    for m in SIZES {
        let data = digits(m);
        let mut meter = meter(&model, &data, By::default());
        let name = format!("forward and backward, m = {m}");
        time(&mut group, &name, THREADS, || meter.passes(&mut sum));
        time(&mut group, &format!("alpha, m = {m}"), THREADS, || meter.measure());
    }
    let data = noisy(SIZES[0]);
    let mut meter = meter(&model, &data, GROUPS);
    time(&mut group, "groups and helpfulness, m = 10000", THREADS, || meter.measure());
    group.finish();
}

fn pairs(c: &mut Criterion<Ratio>) {
    let mut group = c.benchmark_group("w3 ratio");
    let (model, mut sum) = (network(), vec![0.0; network().parameters().len()]);
    for m in SIZES {
        let data = digits(m);
        let [mut alpha, mut base] = [(); 2].map(|()| meter(&model, &data, By::default()));
        let name = format!("alpha to forward and backward, m = {m}");
        ratio(&mut group, &name, || alpha.measure(), || base.passes(&mut sum));
    }
    let (data, without_zeros) = (digits(SIZES[0]), standardized(SIZES[0]));
    let mut alpha = meter(&model, &data, By::default());
    let mut base = meter(&model, &without_zeros, By::default());
    let name = "digits to pixels without zeros, m = 10000";
    ratio(&mut group, name, || alpha.measure(), || base.measure());
    let data = noisy(SIZES[0]);
    let mut groups = meter(&model, &data, GROUPS);
    let mut base = meter(&model, &data, By::default());
    let name = "groups and helpfulness to forward and backward, m = 10000";
    ratio(&mut group, name, || groups.measure(), || base.passes(&mut sum));
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
