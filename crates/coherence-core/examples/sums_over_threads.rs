//! For those who train on several threads or machines: each keeps its own sums, which travel as bytes.
//!
//! With the feature `serde`, `Sums` can be written in any of its formats instead.
//!
//! Run with `cargo run -p coherence-core --example sums_over_threads`.

#![allow(clippy::print_stdout, reason = "an example's output")]

use std::thread;

use coherence_core::{SquareSum, Sums, SumsParts, finite::Policy};

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

/// Sums as bytes: the counts, the exponent, Q in its three ranges, S.
fn to_bytes(sums: Sums<Vec<f64>>) -> Vec<u8> {
    let SumsParts { sum, exponent, squares, m, omitted, .. } = sums.into_parts();
    let integers = [m, omitted, exponent as i64 as u64].map(u64::to_le_bytes);
    let numbers = squares.to_parts().into_iter().chain(sum).map(f64::to_le_bytes);
    integers.into_iter().chain(numbers).flatten().collect()
}

/// The sums back from bytes that anybody may have sent.
fn from_bytes(bytes: &[u8]) -> Result<Sums<Vec<f64>>, String> {
    let words: Vec<[u8; 8]> =
        bytes.chunks_exact(8).map(|word| word.try_into().expect("8 bytes")).collect();
    let [m, omitted, exponent, small, middle, large, sum @ ..] = &words[..] else {
        return Err(format!("{} bytes are too few for sums", bytes.len()));
    };
    if sum.len() != D {
        return Err(format!("{} sums arrived instead of {D}", sum.len()));
    }
    let squares = SquareSum::from_parts([small, middle, large].map(|x| f64::from_le_bytes(*x)));
    let parts = SumsParts {
        sum: sum.iter().map(|x| f64::from_le_bytes(*x)).collect(),
        exponent: i64::from_le_bytes(*exponent).try_into().map_err(|_| "a huge exponent")?,
        squares: squares.map_err(|error| error.to_string())?,
        m: u64::from_le_bytes(*m),
        omitted: u64::from_le_bytes(*omitted),
        policy: Policy::Error,
    };
    Sums::from_parts(parts).map_err(|error| error.to_string())
}

fn main() {
    let workers: Vec<_> = (0..4u64)
        .map(|w| thread::spawn(move || to_bytes(sums_over((0..100).filter(move |i| i % 4 == w)))))
        .collect();
    let mut whole = Sums::new(vec![0.0; D]);
    for worker in workers {
        let bytes = worker.join().expect("a worker that ends well");
        println!("{} bytes arrived", bytes.len());
        whole.add_sums(&from_bytes(&bytes).expect("sums as they were sent"));
    }
    let alpha = whole.coherence().alpha();
    println!("α of {} examples = {alpha:.4}", whole.len());
    assert!(from_bytes(&[0xff; 8 * (D + 6)]).is_err(), "what is no sums is refused");
    assert!((alpha - sums_over(0..100).coherence().alpha()).abs() < 1e-12);
}
