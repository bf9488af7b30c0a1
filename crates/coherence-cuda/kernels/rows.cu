// Sums over rows, and squared norms and dots of rows, in f64.

// out[e, j] (+)= Σ_p x[e, p, j] for x [m, positions, c]: a block has 32 columns of one e.
KERNEL(position_sums)(const real* x, size m, size positions, size c, u32 add, real* out) {
    SHARED double sums[THREADS];
    size strips = (c + 31) / 32;
    for (size at = block; at < m * strips; at += blocks) {
        size e = at / strips, start = at % strips * 32;
        EACH_THREAD {
            size j = start + thread % 32;
            double sum = 0;
            if (j < c)
                for (size p = thread / 32; p < positions; p += THREADS / 32)
                    sum += (double)x[(e * positions + p) * c + j];
            sums[thread] = sum;
        }
        add_up(sums, 32);
        EACH_THREAD {
            size j = start + thread;
            if (thread < 32 && j < c) {
                real* to = out + e * c + j;
                *to = (real)((add ? (double)*to : 0.0) + sums[thread]);
            }
        }
        BARRIER
    }
}
REGISTER(position_sums)

// out [d] (+)= the sums of the columns of x [n, d], in the order of rows: a thread for each of many columns.
KERNEL(sums_of_columns)(const real* x, size n, u32 add, real* out, size d) {
    EACH_THREAD {
        EACH_VALUE(j, d) {
            double sum = 0;
            UNROLL(8)
            for (size e = 0; e < n; ++e) sum += (double)x[e * d + j];
            out[j] = (real)((add ? (double)out[j] : 0.0) + sum);
        }
    }
}
REGISTER(sums_of_columns)

// The part of a lane of 32 in the dot of two rows.
FUNCTION double dot_of_lane(const real* x, const real* y, size width, u32 lane) {
    double sum = 0;
    for (size j = lane; j < width; j += 32) sum += (double)x[j] * (double)y[j];
    return sum;
}

// out[e] += x[e] · y[e]; the rows of y are y_stride apart, 0 if all are the same. A block has 8 rows.
KERNEL(dots_of_rows)(const real* x, const real* y, size y_stride, size width, size m, double* out) {
    SHARED double sums[THREADS];
    for (size start = (size)block * 8; start < m; start += (size)blocks * 8) {
        EACH_THREAD {
            size e = start + thread / 32;
            u32 lane = thread % 32;
            sums[lane * 8 + thread / 32] =
                e < m ? dot_of_lane(x + e * width, y + e * y_stride, width, lane) : 0.0;
        }
        add_up(sums, 8);
        EACH_THREAD {
            if (thread < 8 && start + thread < m) out[start + thread] += sums[thread];
        }
        BARRIER
    }
}
REGISTER(dots_of_rows)

// out [segments, rows]: x[r] · y[r] over each segment of the columns of x and y [rows, width]; one block each.
KERNEL(dots_of_segments)
(const real* x, const real* y, size rows, size width, size segment, double* out, size count) {
    SHARED double sums[THREADS];
    for (size at = block; at < count; at += blocks) {
        EACH_THREAD {
            const size start = at / rows * segment, row = at % rows * width;
            const size end = start + segment < width ? start + segment : width;
            double sum = 0;
            for (size i = start + thread; i < end; i += THREADS) sum += (double)x[row + i] * y[row + i];
            sums[thread] = sum;
        }
        add_up(sums, 1);
        EACH_THREAD {
            if (thread == 0) out[at] = sums[0];
        }
        BARRIER
    }
}
REGISTER(dots_of_segments)

// out[e] += ‖a_e‖² ‖delta_e‖² for rows a [m, i] and delta [m, o].
KERNEL(outer_sq_norms)(const real* a, size i, const real* delta, size o, size m, double* out) {
    SHARED double of_a[THREADS];
    SHARED double of_delta[THREADS];
    for (size start = (size)block * 8; start < m; start += (size)blocks * 8) {
        EACH_THREAD {
            size e = start + thread / 32;
            u32 lane = thread % 32, to = lane * 8 + thread / 32;
            of_a[to] = e < m ? dot_of_lane(a + e * i, a + e * i, i, lane) : 0.0;
            of_delta[to] = e < m ? dot_of_lane(delta + e * o, delta + e * o, o, lane) : 0.0;
        }
        add_up(of_a, 8);
        add_up(of_delta, 8);
        EACH_THREAD {
            if (thread < 8 && start + thread < m)
                out[start + thread] += of_a[thread] * of_delta[thread];
        }
        BARRIER
    }
}
REGISTER(outer_sq_norms)

// out [o, i] = delta ⊗ a.
KERNEL(outer_product)(const real* a, size i, const real* delta, size o, real* out) {
    EACH_THREAD {
        EACH_VALUE(at, o * i) {
            const Quotient of = divided(at, i);
            out[at] = delta[of.whole] * a[of.rest];
        }
    }
}
REGISTER(outer_product)
