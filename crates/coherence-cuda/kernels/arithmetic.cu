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

// A quotient of indices with its remainder. A device divides 32-bit numbers several times faster than 64-bit ones.
struct Quotient {
    size whole, rest;
};

FUNCTION Quotient divided(size a, size b) {
    if ((a | b) >> 32) return {a / b, a % b};
    const u32 whole = (u32)a / (u32)b;
    return {whole, (u32)a - whole * (u32)b};
}

// Four neighbouring values, read and written at once.
struct alignas(4 * sizeof(real)) Four {
    real x[4];
};

FUNCTION void clear(real& to) { to = 0; }
FUNCTION void clear(Four& to) { to = {{0, 0, 0, 0}}; }
FUNCTION real sum(real a, real b) { return a + b; }
FUNCTION Four sum(const Four& a, const Four& b) { return {{a.x[0] + b.x[0], a.x[1] + b.x[1], a.x[2] + b.x[2], a.x[3] + b.x[3]}}; }
