//! Laws across crates, on real digits: the fast computations of one crate match the definitions of
//! another.

mod coherence;
mod digits;
mod updates;
