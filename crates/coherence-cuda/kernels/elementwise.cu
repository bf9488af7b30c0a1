// Operations on each value by itself: a value's thread does not depend on the number of blocks.

KERNEL(axpy)(real factor, const real* x, real* y, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) y[j] = y[j] + factor * x[j];
    }
}
REGISTER(axpy)

KERNEL(fill_u32)(u32 bits, u32* out, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) out[j] = bits;
    }
}
REGISTER(fill_u32)

KERNEL(fill_u64)(u64 bits, u64* out, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) out[j] = bits;
    }
}
REGISTER(fill_u64)
