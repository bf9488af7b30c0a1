//! The command line `coherence`.

fn main() {}
