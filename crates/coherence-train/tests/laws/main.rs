//! Laws of training, in one binary because linking is slow.

mod activity;
mod aggregations;
mod attributing;
mod blobs;
mod configs;
mod devices;
mod divergence;
mod heads;
mod imputing;
mod measuring;
mod networks;
mod observing;
mod optimizer;
mod passes;
mod replicas;
mod resuming;
mod sharing;
mod threads;
mod workers;
