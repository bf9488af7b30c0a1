//! Laws as macros: an implementation instantiates a macro and is tested against every law.

pub mod aggregate;
pub mod coherence;
pub mod rules;
