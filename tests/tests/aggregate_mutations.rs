//! Aggregation rules on mutated bytes: no panic, memory bounded by n and d, and a result in range or an
//! error.

#[path = "../../fuzz/fuzz_targets/rule.rs"]
mod rule; // the decoder that the fuzz targets use as well

use std::cell::Cell;

use coherence_core::aggregate::Rule;
use coherence_data::random::{below, normal, stream};
use coherence_tests::memory::CountingAllocator;
use coherence_tests::mutations::survive;
use num_traits::Float;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Values where rounding, overflow and comparisons go wrong.
const ODD: [f64; 8] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, 1e-45, 3.4e38, f64::MAX];

/// Every form with small and with huge numbers on matrices [1 … 12, 1 … 3], and some texts.
fn seeds(bytes_of: impl Fn(f64) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut rng = stream(0, "mutations.aggregate.seeds");
    let mut seeds = Vec::new();
    let heads = (0..Rule::FORMS.len() as u8)
        .flat_map(|form| [[form, 0, 1], [form, 1, 3], [form, 2, 2], [form, 255, 254]])
        .map(Vec::from)
        .chain([
            b"\xffwinsorized:12.5%:rounded\n".to_vec(),
            b"\xffcentered-clipping:1e-9:3\n".to_vec(),
        ]);
    for head in heads {
        for n in [1, 5, 12] {
            let width = below(&mut rng, 3) as u8;
            let mut seed = [&head[..], &[width]].concat();
            for _ in 0..n * (width as usize + 1) {
                let odd = below(&mut rng, 24) as usize;
                let value = ODD.get(odd).copied().unwrap_or_else(|| normal(&mut rng));
                seed.extend(bytes_of(value));
            }
            seeds.push(seed);
        }
    }
    seeds
}

/// Passes mutations to [`rule::check`], each with three policies. At least half as many results as
/// mutations must have been checked; the other inputs are outside the rules' domains.
fn survives<T: Float>(name: &str, bytes_of: fn(f64) -> Vec<u8>, value: fn(&[u8]) -> T) {
    let (mut rng, seen, asked) = (stream(0, name), Cell::new(0), Cell::new(0));
    survive(
        &seeds(bytes_of),
        |n| below(&mut rng, n),
        |bytes| {
            asked.set(asked.get() + 1);
            seen.set(seen.get() + rule::check(bytes, value));
        },
    );
    assert!(asked.get() <= 2 * seen.get(), "{} results of {} inputs", seen.get(), asked.get());
}

#[test]
fn mutated_inputs_of_rules_neither_panic_nor_exhaust_memory_in_f64() {
    survives(
        "mutations.aggregate.f64",
        |x| x.to_le_bytes().into(),
        |x| f64::from_le_bytes(x.try_into().unwrap()),
    );
}

#[test]
fn mutated_inputs_of_rules_neither_panic_nor_exhaust_memory_in_f32() {
    survives(
        "mutations.aggregate.f32",
        |x| (x as f32).to_le_bytes().into(),
        |x| f32::from_le_bytes(x.try_into().unwrap()),
    );
}
