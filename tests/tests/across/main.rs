//! Laws across crates: what one crate computes fast is what another defines, on real digits.

mod coherence;
mod digits;
mod updates;
