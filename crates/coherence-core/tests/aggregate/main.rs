//! Aggregators against sorts, laws, adversaries and other people's numbers.

mod aliases;
mod between;
mod breakdown;
mod definitions;
mod edges;
mod extremes;
mod geometric;
mod golden;
mod over_time;
mod percent;
mod selection;
mod support;
mod text;
mod vectors;
mod weiszfeld;
