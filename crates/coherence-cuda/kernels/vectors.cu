// Vectors of all parameters: running sums in f64, and updates.

KERNEL(accumulate)(const real* x, u32 add, double* sum, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) sum[j] = add ? sum[j] + (double)x[j] : (double)x[j];
    }
}
REGISTER(accumulate)

// coherence_cpu::vectors::descend.
KERNEL(descend)(
    real rate, real momentum, u32 nesterov, real weight_decay, const real* g, real* velocity, real* w,
    size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            real direction = g[j] + weight_decay * w[j];
            if (velocity) {
                real v = momentum * velocity[j] + direction;
                velocity[j] = v;
                direction = nesterov ? direction + momentum * v : v;
            }
            w[j] = w[j] - rate * direction;
        }
    }
}
REGISTER(descend)

FUNCTION real lower(real a, real b) { return a < b ? a : b; }
FUNCTION real higher(real a, real b) { return a > b ? a : b; }

KERNEL(median_of_three_step)(
    const real* g0, const real* g1, const real* g2, real factor, real rate, real* w, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            real a = factor * g0[j], b = factor * g1[j], c = factor * g2[j];
            w[j] = w[j] - rate * higher(lower(a, b), lower(higher(a, b), c));
        }
    }
}
REGISTER(median_of_three_step)

// out[j] = x[indices[j]], and 0 for an index that is not below d.
KERNEL(gather)(const real* x, size d, const u32* indices, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) out[j] = indices[j] < d ? x[indices[j]] : (real)0;
    }
}
REGISTER(gather)
