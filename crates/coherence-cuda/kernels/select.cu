// Robust means of columns, and steps along them.

KERNEL(select_columns)(
    const real* values, size n, size d, size rank, u32 finish, u32 is_step, real rate, real* out) {
    EACH_THREAD {
        EACH_VALUE(j, d) {
            Column column = {values + j, d, nullptr, 0};
            real mean = aggregate(column, n, rank, finish);
            out[j] = is_step ? out[j] - rate * mean : mean;
        }
    }
}
REGISTER(select_columns)

// Of the outer products delta[e, j] · a[e, k], for out [o, i].
KERNEL(select_outer)(
    const real* a, const real* delta, size m, size i, size o, size rank, u32 finish, u32 is_step, real rate,
    real* out) {
    EACH_THREAD {
        EACH_VALUE(at, o * i) {
            Column column = {delta + at / i, o, a + at % i, i};
            real mean = aggregate(column, m, rank, finish);
            out[at] = is_step ? out[at] - rate * mean : mean;
        }
    }
}
REGISTER(select_outer)

// The median of the means of k groups of rows [_, d].
KERNEL(median_of_means)(const real* rows, const u32* bounds, size k, size d, size rank, u32 finish, real* out) {
    EACH_THREAD {
        EACH_VALUE(j, d) {
            GroupMeans means = {rows + j, d, bounds};
            out[j] = aggregate(means, k, rank, finish);
        }
    }
}
REGISTER(median_of_means)
