//! `cargo xtask`: the only door for people and CI.

fn main() {}
