//! Aggregators against sorts, laws, adversaries and other people's numbers.

mod between;
mod selection;
