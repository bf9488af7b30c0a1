//! What `coherence aggregate` and `coherence alpha` share: matrices larger than memory, read by
//! several threads, and numbers as text.

pub(super) mod blocks;
pub(super) mod memory;
pub(super) mod number;
pub(super) mod scale;
pub(super) mod workers;
