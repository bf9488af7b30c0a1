//! Shared by `coherence aggregate` and `coherence alpha`: reading matrices larger than memory with
//! several threads, and formatting numbers.

pub(super) mod blocks;
pub(super) mod memory;
#[cfg(test)]
pub(super) mod npy;
pub(super) mod number;
pub(super) mod scale;
pub(super) mod told;
pub(super) mod workers;
