//! The tests that decide a claim: Student's t, the exact binomial test, and Holm's correction.

pub mod binomial;
pub mod holm;
pub mod student;
