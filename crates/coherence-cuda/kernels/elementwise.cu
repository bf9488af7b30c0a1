// Operations on each value by itself: a value's thread does not depend on the number of blocks.

KERNEL(axpy)(real factor, const real* x, real* y, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) y[j] = y[j] + factor * x[j];
    }
}
REGISTER(axpy)
