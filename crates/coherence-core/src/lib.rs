//! The mathematics of coherent gradients on plain slices, without std and without allocation.
