//! Properties of every aggregator.
