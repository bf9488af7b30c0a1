//! Aggregators: many values, or many vectors, to one.
