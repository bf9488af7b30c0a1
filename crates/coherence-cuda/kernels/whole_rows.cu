// Rules that choose whole rows of a matrix [n, d].

// Of each pair of rows (e, f): their dot, or their squared distance, in f64.
KERNEL(pairs_of_rows)(const real* rows, const u32* pairs, size n_pairs, size d, u32 distances, double* out) {
    SHARED double sums[THREADS];
    for (size at = block; at < n_pairs; at += blocks) {
        EACH_THREAD {
            const real* x = rows + pairs[2 * at] * d;
            const real* y = rows + pairs[2 * at + 1] * d;
            double sum = 0;
            for (size j = thread; j < d; j += THREADS) {
                double a = (double)x[j], b = (double)y[j], difference = a - b;
                sum += distances ? difference * difference : a * b;
            }
            sums[thread] = sum;
        }
        add_up(sums, 1);
        EACH_THREAD {
            if (thread == 0) out[at] = sums[0];
        }
        BARRIER
    }
}
REGISTER(pairs_of_rows)

// The mean of some rows, in f64; a zero is +0.
KERNEL(mean_of_rows)(const real* rows, const u32* chosen, size n_chosen, size d, real* out) {
    EACH_THREAD {
        EACH_VALUE(j, d) {
            double sum = 0;
            for (size k = 0; k < n_chosen; ++k) sum += (double)rows[chosen[k] * d + j];
            out[j] = (real)(sum / (double)n_chosen) + (real)0;
        }
    }
}
REGISTER(mean_of_rows)

// The means of k groups of rows [_, d] for `width` columns from `start` on, out [k, width]: group g has the rows
// bounds[g] to bounds[g + 1].
KERNEL(means_of_groups)
(const real* rows, const u32* bounds, size k, size d, size start, size width, real* out) {
    EACH_THREAD {
        EACH_VALUE(at, k * width) {
            const Quotient of = divided(at, width);
            const u32 first = bounds[of.whole], end = bounds[of.whole + 1];
            double sum = 0;
            for (u32 e = first; e < end; ++e) sum += (double)rows[e * d + start + of.rest];
            out[at] = (real)(sum / (double)(end - first)) + (real)0;
        }
    }
}
REGISTER(means_of_groups)
