//! One training step, one loop: optimisers, aggregation strategies, observers, checkpoints.
