// Functions of a number, in both precisions under one name.

FUNCTION float exponential(float x) { return expf(x); }
FUNCTION double exponential(double x) { return exp(x); }
FUNCTION float hyperbolic_tangent(float x) { return tanhf(x); }
FUNCTION double hyperbolic_tangent(double x) { return tanh(x); }

// σ(z) = 1 / (1 + e^(−z)).
FUNCTION real logistic(real z) { return (real)1 / ((real)1 + exponential(-z)); }

// Φ(z), with full relative precision also for z → −∞.
FUNCTION double normal_distribution(double z) { return 0.5 * erfc(-z * 0.70710678118654752440); }

// e^(−z²/2) / √(2π).
FUNCTION double normal_density(double z) { return 0.39894228040143267794 * exp(-0.5 * z * z); }
