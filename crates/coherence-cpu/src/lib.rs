//! Kernels for the CPU: products, ghost norms and robust means from factors, dense aggregators.
