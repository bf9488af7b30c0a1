//! α of a sample that is spread over threads and machines: each keeps its own sums, which travel as bytes.
//!
//! Run with `cargo run -p coherence-core --example sums_over_threads`.

#![allow(clippy::print_stdout, reason = "an example's output")]

use std::thread;

use coherence_core::{SquareSum, Sums};

/// The number of parameters.
const D: usize = 1000;

/// The gradient of an example: what all share, and something of its own.
fn gradient(example: u64) -> Vec<f32> {
    let own = |j: usize| ((example * 31 + j as u64 * 17) % 13) as f32 - 6.0;
    (0..D).map(|j| if j < 10 { 20.0 } else { own(j) }).collect()
}

/// The sums over some examples, as a thread or a machine has them.
fn sums_over(examples: impl Iterator<Item = u64>) -> Sums<Vec<f64>> {
    let mut sums = Sums::new(vec![0.0; D]);
    examples.for_each(|i| sums.add(&gradient(i)).expect("finite gradients"));
    sums
}

/// Sums as bytes: m, the number omitted, Q in its three ranges, S.
fn to_bytes(sums: &Sums<Vec<f64>>) -> Vec<u8> {
    let counts = [sums.len(), sums.omitted()].map(u64::to_le_bytes);
    let numbers = sums.squares().to_parts().into_iter().chain(sums.sum().iter().copied());
    counts.into_iter().chain(numbers.map(f64::to_le_bytes)).flatten().collect()
}

/// The sums back from their bytes.
fn from_bytes(bytes: &[u8]) -> Sums<Vec<f64>> {
    let words: Vec<[u8; 8]> =
        bytes.chunks_exact(8).map(|c| c.try_into().expect("8 bytes")).collect();
    let (counts, numbers) = words.split_at(2);
    let numbers: Vec<f64> = numbers.iter().map(|word| f64::from_le_bytes(*word)).collect();
    let squares = SquareSum::from_parts([numbers[0], numbers[1], numbers[2]]);
    let [m, omitted] = [0, 1].map(|i| u64::from_le_bytes(counts[i]));
    Sums::from_parts(numbers[3..].to_vec(), squares, m, omitted)
}

fn main() {
    let workers: Vec<_> = (0..4u64)
        .map(|w| thread::spawn(move || to_bytes(&sums_over((0..100).filter(move |i| i % 4 == w)))))
        .collect();
    let mut whole = Sums::new(vec![0.0; D]);
    for worker in workers {
        let bytes = worker.join().expect("a worker that ends well");
        println!("{} bytes arrived", bytes.len());
        whole.add_sums(&from_bytes(&bytes));
    }
    let alpha = whole.coherence().alpha();
    println!("α of {} examples = {alpha:.4}", whole.len());
    assert!((alpha - sums_over(0..100).coherence().alpha()).abs() < 1e-12);
}
