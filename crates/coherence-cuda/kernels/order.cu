// Order statistics of the values of a coordinate, by whole threads: each thread has its own coordinate and
// reads all its values, as often as it needs them.

// The values x[e · x_stride], or x[e · x_stride] · y[e · y_stride] if there is a y, rounded to `real`.
struct Column {
    const real* x;
    size x_stride;
    const real* y;
    size y_stride;
};

FUNCTION real value(Column values, size e) {
    real x = values.x[e * values.x_stride];
    return values.y ? x * values.y[e * values.y_stride] : x;
}

// The means of groups of the values x[e · stride]; group g has the values bounds[g] to bounds[g + 1].
struct GroupMeans {
    const real* x;
    size stride;
    const u32* bounds;
};

FUNCTION real value(GroupMeans values, size g) {
    double sum = 0;
    for (u32 e = values.bounds[g]; e < values.bounds[g + 1]; ++e) sum += (double)values.x[e * values.stride];
    return (real)(sum / (double)(values.bounds[g + 1] - values.bounds[g])) + (real)0;
}

// What is made of two order statistics: coherence_cpu::order::Finish, in this order.
enum { MEAN, CLIPPED_MEAN, INNER_MEAN, MIDDLE };

// The order of these integers is that of the numbers; −0 comes before +0, a NaN is an end.
FUNCTION u32 image(float x) {
    u32 bits = __float_as_uint(x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}
FUNCTION u64 image(double x) {
    u64 bits = (u64)__double_as_longlong(x);
    return bits >> 63 ? ~bits : bits | 0x8000000000000000ull;
}
FUNCTION float number(u32 image) {
    return __uint_as_float(image >> 31 ? image & 0x7fffffffu : ~image);
}
FUNCTION double number(u64 image) {
    return __longlong_as_double((long long)(image >> 63 ? image & 0x7fffffffffffffffull : ~image));
}
typedef decltype(image((real)0)) Image;

FUNCTION real infinity() { return (real)__longlong_as_double(0x7ff0000000000000ll); }

// The rank-th smallest and largest of n values, whatever the rank: their images bit by bit, from the number
// of values below a candidate.
template <class Values>
FUNCTION void bisect(Values values, size n, size rank, real* low, real* high) {
    size from_below = rank, from_above = n + 1 - rank;
    Image smaller = 0, larger = 0;
    for (int bit = 8 * (int)sizeof(Image) - 1; bit >= 0; --bit) {
        Image smaller_candidate = smaller | (Image)1 << bit, larger_candidate = larger | (Image)1 << bit;
        size below_smaller = 0, below_larger = 0;
        for (size e = 0; e < n; ++e) {
            Image v = image(value(values, e));
            below_smaller += v < smaller_candidate;
            below_larger += v < larger_candidate;
        }
        if (below_smaller < from_below) smaller = smaller_candidate;
        if (below_larger < from_above) larger = larger_candidate;
    }
    *low = number(smaller);
    *high = number(larger);
}

// The same for ranks up to K: the K smallest and largest in registers.
template <int K, class Values>
FUNCTION void extremes(Values values, size n, size rank, real* low, real* high) {
    real smallest[K], largest[K];
    for (int k = 0; k < K; ++k) smallest[k] = infinity(), largest[k] = -infinity();
    for (size e = 0; e < n; ++e) {
        real v = value(values, e), up = v, down = v;
        for (int k = 0; k < K; ++k) {
            if (up < smallest[k]) {
                real kept = smallest[k];
                smallest[k] = up;
                up = kept;
            }
            if (down > largest[k]) {
                real kept = largest[k];
                largest[k] = down;
                down = kept;
            }
        }
    }
    for (int k = 0; k < K; ++k)
        if ((size)k + 1 == rank) *low = smallest[k], *high = largest[k];
}

template <class Values>
FUNCTION void order_statistics(Values values, size n, size rank, real* low, real* high) {
    if (rank <= 2) extremes<2>(values, n, rank, low, high);
    else if (rank <= 5) extremes<5>(values, n, rank, low, high);
    else if (rank <= 9) extremes<9>(values, n, rank, low, high);
    else bisect(values, n, rank, low, high);
}

// The robust mean of n values; a zero is +0. Sums are in f64, in the order of the values; a NaN that is
// not clipped makes the mean NaN.
template <class Values>
FUNCTION real aggregate(Values values, size n, size rank, u32 finish) {
    real low = -infinity(), high = infinity();
    if (finish != MEAN) order_statistics(values, n, rank, &low, &high);
    if (low == high) return low + (real)0;
    double tails = (double)low + (double)high, total = 0, count = (double)n;
    if (finish == MIDDLE) return (real)(tails / 2.0) + (real)0;
    for (size e = 0; e < n; ++e) {
        real v = value(values, e);
        total += (double)(v < low ? low : v > high ? high : v);
    }
    if (finish == INNER_MEAN) {
        double cut = (double)(rank - 1);
        total -= cut * tails;
        count -= 2.0 * cut;
    }
    return (real)(total / count) + (real)0;
}
