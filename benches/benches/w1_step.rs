//! W1: a plain SGD step, MLP 784–256–256–256–10, batch 100, compared with only its matrix products.

use coherence_benches::{
    OURS, Products, Ratio, THREADS, plain, plain_to_products, plain_without_zeros, ratio, ratios,
    step, time,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn times(c: &mut Criterion) {
    let (mut trainer, mut products) = (plain(), Products::new());
    let mut group = c.benchmark_group("w1");
    time(&mut group, "plain step", THREADS, || step(&mut trainer));
    time(&mut group, "products alone", THREADS, || products.run(OURS));
    group.finish();
}

fn pairs(c: &mut Criterion<Ratio>) {
    plain_to_products(c, "plain step to products alone", OURS);
    let (mut digits, mut without_zeros) = (plain(), plain_without_zeros());
    let mut group = c.benchmark_group("w1 ratio");
    ratio(
        &mut group,
        "digits to pixels without zeros",
        || step(&mut digits),
        || step(&mut without_zeros),
    );
    group.finish();
}

criterion_group!(benches, times);
criterion_group! { name = paired; config = ratios(); targets = pairs }
criterion_main!(benches, paired);
