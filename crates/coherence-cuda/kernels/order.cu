// Order statistics of the values of a coordinate. Each thread has its own coordinate and reads all of its
// values, once if they fit its registers.

// The values x[e · stride].
struct Column {
    const real* x;
    size stride;
};

FUNCTION real value(Column values, size e) { return values.x[e * values.stride]; }

// The products x[e · x_stride] · y[e · y_stride], rounded to `real`.
struct Products {
    const real* x;
    size x_stride;
    const real* y;
    size y_stride;
};

FUNCTION real value(Products values, size e) { return values.x[e * values.x_stride] * values.y[e * values.y_stride]; }

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

// Calls visit(image) for each of n values.
template <class Values, class Visit>
FUNCTION void each_image(const Values& values, size n, Visit visit) {
    for (size e = 0; e < n; ++e) visit(image(value(values, e)));
}

// Up to N values, kept in registers, sixteen at a time: all indices are constants.
template <int N>
struct Kept {
    Image images[N];
};

template <int N, class Visit>
FUNCTION void each_image(const Kept<N>& kept, size n, Visit visit) {
    UNROLL(N)
    for (int from = 0; from < N; from += 16) {
        if (from + 16 <= (int)n) {
            UNROLL(16)
            for (int e = from; e < from + 16; ++e) visit(kept.images[e]);
        } else if (from < (int)n) {
            UNROLL(16)
            for (int e = from; e < from + 16; ++e)
                if (e < (int)n) visit(kept.images[e]);
        }
    }
}

// What is known of an order statistic: its image is from `low` to `high`; `below` values have smaller images than
// `low`, `up_to` have none larger than `high`.
struct Range {
    Image low, high;
    size below, up_to;
};

// The rank-th smallest image. The range is halved as a range of numbers, which is fast for values that lie evenly, and
// every third time as one of images, which bounds the number of times for any values.
template <class Values>
FUNCTION Image ranked(const Values& values, size n, size rank, Range in) {
    for (u32 time = 1; in.low != in.high; ++time) {
        if (rank == in.below + 1) {
            Image smallest = in.high;
            each_image(values, n, [&](Image v) { smallest = v >= in.low && v < smallest ? v : smallest; });
            return smallest;
        }
        if (rank == in.up_to) {
            Image largest = in.low;
            each_image(values, n, [&](Image v) { largest = v <= in.high && v > largest ? v : largest; });
            return largest;
        }
        Image middle = in.low + (in.high - in.low) / 2;
        const Image mean = image(number(in.low) / 2 + number(in.high) / 2);
        if (time % 3 != 0 && in.low <= mean && mean < in.high) middle = mean;
        u32 up_to_middle = 0;
        each_image(values, n, [&](Image v) { up_to_middle += v <= middle; });
        if (up_to_middle >= rank) in.high = middle, in.up_to = up_to_middle;
        else in.low = middle + 1, in.below = up_to_middle;
    }
    return in.low;
}

// The rank-th smallest and largest of n values, for any rank up to n.
template <class Values>
FUNCTION void bisect(const Values& values, size n, size rank, real* low, real* high) {
    Range all = {~(Image)0, 0, 0, n};
    each_image(values, n, [&](Image v) {
        all.low = v < all.low ? v : all.low;
        all.high = v > all.high ? v : all.high;
    });
    const size first = rank < n + 1 - rank ? rank : n + 1 - rank, second = n + 1 - first;
    const Image smaller = ranked(values, n, first, all);
    u32 up_to = 0;
    each_image(values, n, [&](Image v) { up_to += v <= smaller; });
    Image larger = smaller;
    if (up_to < second) larger = ranked(values, n, second, Range{smaller + 1, all.high, up_to, n});
    *low = number(rank == first ? smaller : larger);
    *high = number(rank == first ? larger : smaller);
}

// The same of values that fit the registers, each read once.
template <int N, class Values>
FUNCTION void bisect_kept(const Values& values, size n, size rank, real* low, real* high) {
    Kept<N> kept;
    UNROLL(N)
    for (int e = 0; e < N; ++e) kept.images[e] = e < (int)n ? image(value(values, e)) : 0;
    bisect(kept, n, rank, low, high);
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

FUNCTION void exchange(Image& a, Image& b) {
    const Image smaller = a < b ? a : b;
    b = a < b ? b : a;
    a = smaller;
}

// Sorts the N images x by Batcher's merge exchange, from the pass that compares i with i + D where i & P is R: Knuth,
// The Art of Computer Programming 3, 5.2.2, algorithm M, whose q is Q, at first FIRST.
template <int N, int FIRST, int P, int Q, int R, int D>
FUNCTION void merge_exchange(Image (&x)[N]) {
    UNROLL(N)
    for (int i = 0; i < N - D; ++i)
        if ((i & P) == R) exchange(x[i], x[i + D]);
    if constexpr (Q != P) merge_exchange<N, FIRST, P, Q / 2, P, Q - P>(x);
    else if constexpr (P > 1) merge_exchange<N, FIRST, P / 2, FIRST, 0, P / 2>(x);
}

// The two in the middle of n values, LEAST to N of them, N even: rank is (n + 1) / 2. As many ends are added below and
// above as bring them to the middle of N. The same comparisons for all values: threads do not diverge, the images stay
// in registers, and what does not lead to the middle is not compiled.
template <int N, int LEAST, int FIRST, class Values>
FUNCTION void middle_of(const Values& values, size n, size rank, real* low, real* high) {
    static_assert(N <= 2 * FIRST && N > FIRST, "FIRST is the largest power of two below N");
    Image x[N];
    const int count = (int)n, below = N / 2 - (int)rank;
    UNROLL(N)
    for (int e = 0; e < N; ++e)
        x[e] = e < LEAST || e < count ? image(value(values, e)) : e < count + below ? 0 : ~(Image)0;
    merge_exchange<N, FIRST, FIRST, FIRST, 0, FIRST>(x);
    *low = number(x[N / 2 - 1]);
    *high = 2 * rank == n ? number(x[N / 2]) : *low;
}

// The middle of up to 100 values, the papers' mini-batches, or of 50 of f64.
struct Middle {
    template <class Values>
    FUNCTION void order_statistics(Values values, size n, size rank, real* low, real* high) {
        constexpr int WORDS = sizeof(real) / sizeof(u32);
        if (n <= 32 / WORDS) middle_of<32 / WORDS, 1, 16 / WORDS>(values, n, rank, low, high);
        else if (n <= 64 / WORDS) middle_of<64 / WORDS, 32 / WORDS, 32 / WORDS>(values, n, rank, low, high);
        else middle_of<100 / WORDS, 64 / WORDS, 64 / WORDS>(values, n, rank, low, high);
    }
};

// Ranks up to 9, which need few registers.
struct Outer {
    template <class Values>
    FUNCTION void order_statistics(Values values, size n, size rank, real* low, real* high) {
        if (rank <= 2) extremes<2>(values, n, rank, low, high);
        else if (rank <= 5) extremes<5>(values, n, rank, low, high);
        else extremes<9>(values, n, rank, low, high);
    }
};

// Any rank.
struct Inner {
    template <class Values>
    FUNCTION void order_statistics(Values values, size n, size rank, real* low, real* high) {
        if (n <= 64) bisect_kept<64>(values, n, rank, low, high);
        else if (n <= 128 && sizeof(real) == 4) bisect_kept<128>(values, n, rank, low, high);
        else bisect(values, n, rank, low, high);
    }
};

// The robust mean of n values; a zero is +0. Sums are in f64, in the order of the values; a NaN that is
// not clipped makes the mean NaN.
template <class Ranks, class Values>
FUNCTION real aggregate(Values values, size n, size rank, u32 finish) {
    real low = -infinity(), high = infinity();
    if (finish != MEAN) Ranks::order_statistics(values, n, rank, &low, &high);
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
