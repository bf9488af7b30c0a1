//! Obviously right code, input strategies and laws that every implementation is held to.

pub mod laws;
pub mod naive;
pub mod strategies;

use proptest::test_runner::Config;

/// A proptest configuration of `n` cases; the variable `PROPTEST_CASES` overrides the number.
pub fn cases(n: u32) -> Config {
    match std::env::var("PROPTEST_CASES") {
        Ok(_) => Config::default(), // which reads the variable, and refuses a malformed one
        Err(_) => Config::with_cases(n),
    }
}
