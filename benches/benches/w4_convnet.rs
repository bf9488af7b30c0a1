//! W4: α of the small convolutional network and of each of its tensors over 2,000 digits, compared
//! with forward and backward passes over the same examples.

use coherence_benches::{Ratio, THREADS, digits, initialized, ratio, ratios, time};
use coherence_data::{Dataset, select::Subset};
use coherence_nn::{Model, Shape, model::convnet};
use coherence_train::measure::{BUDGET, By, Meter};
use criterion::{Criterion, criterion_group, criterion_main};

const M: usize = 2000;

fn network() -> Model<f32> {
    initialized(convnet(Shape::image(28, 28, 1), 10).expect("digits fit the network"))
}

fn meter<'a>(model: &'a Model<f32>, data: &'a dyn Dataset) -> Meter<'a> {
    Meter::new(model, data, By::default(), BUDGET).expect("digits fit the network")
}

/// Compares α over a few examples with α from the sums of passes over one example each.
fn check() {
    const FEW: usize = 50;
    let (model, data) = (network(), digits(FEW));
    let mut one = vec![0.0; model.parameters().len()];
    let (mut sum, mut sq_norms) = (vec![0.0; one.len()], 0.0);
    for e in 0..FEW {
        let example = Subset::new(data.clone(), vec![e]).expect("an example");
        meter(&model, &example).passes(&mut one).expect("digits are in memory");
        sum.iter_mut().zip(&one).for_each(|(s, g)| *s += f64::from(*g));
        sq_norms += one.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
    }
    let expected = sum.iter().map(|s| s * s).sum::<f64>() / (FEW as f64 * sq_norms);
    let measured = meter(&model, &data).measure().expect("finite losses");
    let alpha = measured.network.coherence.alpha();
    assert!((alpha / expected - 1.0).abs() < 1e-4, "{alpha} {expected}");
}

fn times(c: &mut Criterion) {
    check();
    let mut group = c.benchmark_group("w4");
    let (model, data) = (network(), digits(M));
    let mut sum = vec![0.0; model.parameters().len()];
    let mut meter = meter(&model, &data);
    time(&mut group, "forward and backward", THREADS, || meter.passes(&mut sum));
    time(&mut group, "forward and backward, one thread", 1, || meter.passes(&mut sum));
    time(&mut group, "alpha", THREADS, || meter.measure());
    group.finish();
}

fn pairs(c: &mut Criterion<Ratio>) {
    let mut group = c.benchmark_group("w4 ratio");
    let (model, data) = (network(), digits(M));
    let mut sum = vec![0.0; model.parameters().len()];
    let [mut alpha, mut base] = [(); 2].map(|()| meter(&model, &data));
    let name = "alpha to forward and backward";
    ratio(&mut group, name, || alpha.measure(), || base.passes(&mut sum));
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
