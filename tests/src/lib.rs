//! Naive reference code, input strategies, and laws that every implementation is tested against.

pub mod laws;
pub mod memory;
pub mod mutations;
pub mod naive;
pub mod output;
pub mod strategies;

pub use proptest; // for the macros of `laws`
use proptest::test_runner::Config;

/// A proptest configuration of `n` cases; the variable `PROPTEST_CASES` overrides the number.
/// The number of inputs that assumptions may reject grows with the number of cases.
pub fn cases(n: u32) -> Config {
    let config = match std::env::var("PROPTEST_CASES") {
        Ok(_) => Config::default(), // reads the variable; a malformed value is an error
        Err(_) => Config::with_cases(n),
    };
    Config { max_global_rejects: config.cases.saturating_mul(16).max(1024), ..config }
}

/// Asserts |actual − expected| ≤ tolerance · max(1, |expected|).
#[track_caller]
pub fn close(actual: f64, expected: f64, tolerance: f64) {
    let error = (actual - expected).abs();
    assert!(
        error <= tolerance * expected.abs().max(1.0),
        "{actual} is not within {tolerance:e} of {expected}"
    );
}
