//! Obviously right code, input strategies and laws that every implementation is held to.
