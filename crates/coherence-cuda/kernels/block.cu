// Sums over the threads of a block, in an order that depends on nothing else.

// Adds sums[i · width + j] over all i, to sums[j]. The width is a power of two, at most THREADS.
FUNCTION void add_up(double* sums, u32 width) {
    BARRIER
    for (u32 half = THREADS / 2; half >= width; half /= 2) {
        EACH_THREAD {
            if (thread < half) sums[thread] += sums[thread + half];
        }
        BARRIER
    }
}
