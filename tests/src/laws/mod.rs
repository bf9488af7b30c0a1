//! Properties as macros: an implementation instantiates them and is held to every law.

pub mod aggregate;
pub mod coherence;
pub mod rules;
