//! The peak memory of steps and measurements: bytes on the heap, counted on all threads.
//!
//! One line of JSON for each: `{"id": "…", "bytes": …}`.

#![allow(unsafe_code)] // needed to implement an allocator
#![allow(clippy::print_stdout, reason = "the counts are the output")]

use coherence_benches::{
    BATCH, Images, Passes, RATE, SMALL, digits, pool, step, trainer, trainer_of,
};
use coherence_nn::{
    Shape,
    model::{Norm, Stem, resnet18},
};
use coherence_train::{
    Aggregation, Trainer,
    measure::{BUDGET, By, Meter},
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes held, and their maximum since the last reset.
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: every call is passed on unchanged to `System`, which upholds the contract; counting
// allocates nothing. `realloc` is the trait's default, which calls these two.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Prints the peak during `work`, in addition to what was held before `setup`. Temporary allocations of
/// `setup` do not count.
fn report<S: Send>(id: &str, setup: impl FnOnce() -> S, work: impl FnOnce(&mut S) + Send) {
    let pool = pool(2);
    let before = HELD.load(Relaxed);
    let mut state = setup();
    PEAK.store(HELD.load(Relaxed), Relaxed);
    pool.install(|| work(&mut state));
    println!("{{\"id\": \"memory/{id}\", \"bytes\": {}}}", PEAK.load(Relaxed) - before);
}

/// Three steps of a trainer over a data set of one batch.
fn steps(id: &str, setup: impl FnOnce() -> Trainer) {
    report(id, setup, |trainer| {
        (0..3).for_each(|_| step(trainer));
    });
}

/// A perceptron.
fn small(aggregation: Aggregation) -> Trainer {
    trainer(&SMALL, [BATCH, BATCH], aggregation, RATE)
}

/// ResNet-18 over images of 32 × 32, as in W7.
fn residual(aggregation: Aggregation) -> Trainer {
    let network = resnet18(Shape::image(32, 32, 3), 10, Stem::ImageNet, Norm::Batch);
    let (data, test) = (Images::new(BATCH, 32), Images::new(1, 32));
    trainer_of(network.expect("images fit the network"), &data, &test, BATCH, aggregation, RATE)
}

fn main() {
    steps("plain step", || small(Aggregation::Mean));
    for clip in [1, 2, 4, 8, BATCH / 2] {
        steps(&format!("step, c = {clip}"), || small(Aggregation::Winsorized { clip }));
    }
    steps("ResNet-18, plain step", || residual(Aggregation::Mean));
    for clip in [1, BATCH / 2] {
        let rule = Aggregation::Winsorized { clip };
        steps(&format!("ResNet-18, step, c = {clip}"), || residual(rule));
    }
    let model = Passes::new(&SMALL, 1, 1).model;
    for m in [10_000, 50_000] {
        let data = digits(m);
        let meter = || Meter::new(&model, &data, By::default(), BUDGET).expect("digits fit");
        report(&format!("alpha, m = {m}"), meter, |meter| {
            meter.measure().expect("finite losses");
        });
    }
}
