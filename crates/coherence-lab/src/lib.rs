//! Experiments as data: run, recorded, judged and reported; the command line coherence.
