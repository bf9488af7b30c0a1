// Normalisation: statistics and sums in f64, by segments of rows that depend on the sizes alone.

// The statistic of channel j of a row.
FUNCTION size statistic(Normalized s, size row, size j) {
    const size group = s.width == 1 ? j : divided(j, s.width).whole;
    return s.items == 1 ? group : divided(row, s.positions).whole * s.groups + group;
}

// Blocks of a sum over segments.
FUNCTION size tiles(Segments s) { return (s.channels + s.lanes - 1) / s.lanes; }

// The channel of this thread in block `at`.
FUNCTION size channel_of_thread(Segments s, size at) { return at % tiles(s) * s.lanes + thread % (u32)s.lanes; }

FUNCTION size first_row_of_thread(Segments s, size at) { return at / tiles(s) * s.segment + thread / (u32)s.lanes; }

// The end of the segment of block `at`.
FUNCTION size end_of_segment(Segments s, size at) {
    const size end = (at / tiles(s) + 1) * s.segment;
    return end < s.rows ? end : s.rows;
}

// out [segments, channels]: the sums of x, or of its squared deviations from the mean.
KERNEL(moment_sums)(const real* x, const double* mean, Segments s, double* out, size count) {
    SHARED double sums[THREADS];
    for (size at = block; at < count; at += blocks) {
        EACH_THREAD {
            const size j = channel_of_thread(s, at), end = end_of_segment(s, at);
            double sum = 0;
            if (j < s.channels) {
                UNROLL(4)
                for (size r = first_row_of_thread(s, at); r < end; r += THREADS / (u32)s.lanes) {
                    const double value = x[r * s.channels + j];
                    sum += mean ? (value - mean[j]) * (value - mean[j]) : value;
                }
            }
            sums[thread] = sum;
        }
        add_up(sums, (u32)s.lanes);
        EACH_THREAD {
            const size j = channel_of_thread(s, at);
            if (thread < s.lanes && j < s.channels) out[at / tiles(s) * s.channels + j] = sums[thread];
        }
        BARRIER
    }
}
REGISTER(moment_sums)

// of_scale [segments, channels]: Σ δ x̂, and of_shift: Σ δ.
KERNEL(gradient_sums)
(const real* x, const real* delta, const double* mean, const double* inverse, Normalized n, Segments s,
 double* of_scale, double* of_shift, size count) {
    SHARED double products[THREADS];
    SHARED double deltas[THREADS];
    for (size at = block; at < count; at += blocks) {
        EACH_THREAD {
            const size j = channel_of_thread(s, at), end = end_of_segment(s, at);
            double product = 0, sum = 0;
            if (j < s.channels) {
                UNROLL(4)
                for (size r = first_row_of_thread(s, at); r < end; r += THREADS / (u32)s.lanes) {
                    const size v = r * s.channels + j, k = statistic(n, r, j);
                    product += (double)delta[v] * ((x[v] - mean[k]) * inverse[k]);
                    sum += delta[v];
                }
            }
            products[thread] = product;
            deltas[thread] = sum;
        }
        add_up(products, (u32)s.lanes);
        add_up(deltas, (u32)s.lanes);
        EACH_THREAD {
            const size j = channel_of_thread(s, at);
            if (thread < s.lanes && j < s.channels) {
                of_scale[at / tiles(s) * s.channels + j] = products[thread];
                of_shift[at / tiles(s) * s.channels + j] = deltas[thread];
            }
        }
        BARRIER
    }
}
REGISTER(gradient_sums)

#define COLUMNS 8

// out [n] (+)= the sums of the columns of x [segments, n], divided. A block has COLUMNS columns.
KERNEL(sum_segments)(const double* x, size segments, double divisor, u32 add, double* out, size n) {
    SHARED double sums[THREADS];
    for (size at = block; at * COLUMNS < n; at += blocks) {
        EACH_THREAD {
            const size j = at * COLUMNS + thread % COLUMNS;
            double sum = 0;
            if (j < n) {
                for (size s = thread / COLUMNS; s < segments; s += THREADS / COLUMNS) sum += x[s * n + j];
            }
            sums[thread] = sum;
        }
        add_up(sums, COLUMNS);
        EACH_THREAD {
            const size j = at * COLUMNS + thread;
            if (thread < COLUMNS && j < n) out[j] = (add ? out[j] : 0) + sums[thread] / divisor;
        }
        BARRIER
    }
}
REGISTER(sum_segments)

KERNEL(inverse_deviations)(const double* variance, double epsilon, double* inverse, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) inverse[j] = 1 / sqrt(variance[j] + epsilon);
    }
}
REGISTER(inverse_deviations)

// running [2 n]: means, then variances.
KERNEL(running_moments)(const real* running, double epsilon, double* mean, double* inverse, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            mean[j] = running[j];
            inverse[j] = 1 / sqrt(running[n + j] + epsilon);
        }
    }
}
REGISTER(running_moments)

KERNEL(update_running)
(const double* mean, const double* variance, double unbiased, double momentum, real* running, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            running[j] = (real)((1 - momentum) * running[j] + momentum * mean[j]);
            running[n + j] = (real)((1 - momentum) * running[n + j] + momentum * (variance[j] * unbiased));
        }
    }
}
REGISTER(update_running)

// affine [2 channels]: scales, then shifts.
KERNEL(normalize)
(const real* x, const double* mean, const double* inverse, const real* affine, Normalized s, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Quotient row = divided(v, s.channels);
            const size j = row.rest, k = statistic(s, row.whole, j);
            const double factor = affine[j] * inverse[k];
            out[v] = (real)factor * x[v] + (real)(affine[s.channels + j] - mean[k] * factor);
        }
    }
}
REGISTER(normalize)

// Backward by statistics that are given.
KERNEL(backward_evaluation)
(const real* delta, const double* inverse, const real* scale, size channels, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const size j = divided(v, channels).rest;
            const real term = (real)(scale[j] * inverse[j]) * delta[v];
            out[v] = add ? out[v] + term : term;
        }
    }
}
REGISTER(backward_evaluation)

// Backward by the statistics of the batch, from the gradients of scale and shift.
KERNEL(backward_training)
(const real* x, const real* delta, const double* mean, const double* inverse, const real* scale,
 const double* of_scale, const double* of_shift, size channels, u32 add, real* out, size n) {
    const double rows = (double)(n / channels);
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const size j = divided(v, channels).rest;
            const double factor = scale[j] * inverse[j];
            const real b = (real)(factor * of_shift[j] / rows);
            const real k = (real)(factor * inverse[j] * of_scale[j] / rows);
            const real term = (real)factor * delta[v] - b - k * (x[v] - (real)mean[j]);
            out[v] = add ? out[v] + term : term;
        }
    }
}
REGISTER(backward_training)

// Where value v of a group lies after the group's first value.
FUNCTION size of_group(Normalized s, size v) {
    const Quotient position = divided(v, s.width);
    return position.whole * s.channels + position.rest;
}

// Mean and biased variance of each item and group: one block each.
KERNEL(group_moments)(const real* x, Normalized s, double* mean, double* variance, size count) {
    SHARED double sums[THREADS];
    SHARED double squares[THREADS];
    const size values = s.positions * s.width;
    for (size at = block; at < count; at += blocks) {
        const real* group = x + at / s.groups * s.positions * s.channels + at % s.groups * s.width;
        EACH_THREAD {
            double sum = 0;
            for (size v = thread; v < values; v += THREADS) sum += group[of_group(s, v)];
            sums[thread] = sum;
        }
        add_up(sums, 1);
        EACH_THREAD {
            const double centre = sums[0] / (double)values;
            double sum = 0;
            for (size v = thread; v < values; v += THREADS) {
                const double deviation = group[of_group(s, v)] - centre;
                sum += deviation * deviation;
            }
            squares[thread] = sum;
            if (thread == 0) mean[at] = centre;
        }
        add_up(squares, 1);
        EACH_THREAD {
            if (thread == 0) variance[at] = squares[0] / (double)values;
        }
        BARRIER
    }
}
REGISTER(group_moments)

// Backward through the statistics of each item and group: one block each.
KERNEL(group_backward)
(const real* x, const real* delta, const double* mean, const double* inverse, const real* scale, Normalized s,
 u32 add, real* out, size count) {
    SHARED double deltas[THREADS];
    SHARED double products[THREADS];
    const size values = s.positions * s.width;
    for (size at = block; at < count; at += blocks) {
        const size start = at / s.groups * s.positions * s.channels + at % s.groups * s.width;
        const real* scales = scale + at % s.groups * s.width;
        EACH_THREAD {
            double sum = 0, product = 0;
            for (size v = thread; v < values; v += THREADS) {
                const size i = start + of_group(s, v);
                const double term = (double)delta[i] * scales[divided(v, s.width).rest];
                sum += term;
                product += term * (x[i] - mean[at]);
            }
            deltas[thread] = sum;
            products[thread] = product;
        }
        add_up(deltas, 1);
        add_up(products, 1);
        EACH_THREAD {
            const double factor = inverse[at];
            const real b = (real)(factor * (deltas[0] / (double)values));
            const real k = (real)(factor * factor * factor * (products[0] / (double)values));
            for (size v = thread; v < values; v += THREADS) {
                const size i = start + of_group(s, v);
                const real term = (real)(scales[divided(v, s.width).rest] * factor) * delta[i] - b - k * (x[i] - (real)mean[at]);
                out[i] = add ? out[i] + term : term;
            }
        }
        BARRIER
    }
}
REGISTER(group_backward)

KERNEL(narrow)(const double* from, u32 add, real* to, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) to[j] = (real)((add ? (double)to[j] : 0.0) + from[j]);
    }
}
REGISTER(narrow)
