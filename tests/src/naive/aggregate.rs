//! Aggregators by sorting a copy.
