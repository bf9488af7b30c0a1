//! Laws of training, in one binary: linking is what costs.

mod aggregations;
mod blobs;
mod configs;
mod divergence;
mod measuring;
mod observing;
mod resuming;
mod threads;
