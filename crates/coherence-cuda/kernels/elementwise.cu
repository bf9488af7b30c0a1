// Operations on each value by itself: a value's thread does not depend on the number of blocks.

KERNEL(axpy)(real factor, const real* x, real* y, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) y[j] = y[j] + factor * x[j];
    }
}
REGISTER(axpy)

KERNEL(scale)(real factor, real* x, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) x[j] = factor * x[j];
    }
}
REGISTER(scale)

// A SUM of m values to their mean; a zero is +0.
KERNEL(divide)(real m, real* sums, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) sums[j] = sums[j] / m + (real)0;
    }
}
REGISTER(divide)

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

// src/activation.rs has the same order.
enum { IDENTITY, RELU, LEAKY_RELU, RELU6, TANH, SIGMOID, SILU, GELU };

// φ(z); NaN stays NaN.
FUNCTION real activation(u32 function, real slope, real z) {
    const real zero = 0, six = 6;
    switch (function) {
        case RELU: return z < zero ? zero : z;
        case LEAKY_RELU: return z < zero ? slope * z : z;
        case RELU6: return z < zero ? zero : z > six ? six : z;
        case TANH: return hyperbolic_tangent(z);
        case SIGMOID: return logistic(z);
        case SILU: return z * logistic(z);
        case GELU: return (real)((double)z * normal_distribution((double)z));
        default: return z;
    }
}

// φ′ from h = φ(z), or from z for SiLU and GELU.
FUNCTION real derivative(u32 function, real slope, real kept) {
    const real zero = 0, one = 1, six = 6;
    switch (function) {
        case LEAKY_RELU: return kept > zero ? one : slope;
        case RELU6: return kept > zero && kept < six ? one : zero;
        case TANH: return one - kept * kept;
        case SIGMOID: return kept * (one - kept);
        case SILU: {
            real s = logistic(kept);
            return s * (one + kept * (one - s));
        }
        case GELU: {
            double z = (double)kept;
            return (real)(normal_distribution(z) + z * normal_density(z));
        }
        default: return one;
    }
}

KERNEL(activate)(u32 function, real slope, const real* bias, size o, real* x, real* z, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            real sum = bias ? x[j] + bias[divided(j, o).rest] : x[j];
            if (z) z[j] = sum;
            x[j] = activation(function, slope, sum);
        }
    }
}
REGISTER(activate)

KERNEL(activation_backward)(u32 function, real slope, const real* kept, real* delta, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            // A product would make NaN of an infinite delta where the unit is off.
            if (function == RELU) delta[j] = kept[j] > (real)0 ? delta[j] : (real)0;
            else delta[j] = delta[j] * derivative(function, slope, kept[j]);
        }
    }
}
REGISTER(activation_backward)

FUNCTION u32 rotate(u32 x, u32 n) { return x << n | x >> (32 - n); }

// Bits 64 · unit to 64 · unit + 63 of a stream of ChaCha8: Bernstein (2008), *ChaCha, a variant of Salsa20*,
// with a counter and a stream of 64 bits each.
FUNCTION u64 random_bits(Dropping by, u64 unit) {
    u64 counter = unit / 8;
    u32 begin[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u};
    for (int k = 0; k < 8; ++k) begin[4 + k] = by.key[k];
    begin[12] = (u32)counter, begin[13] = (u32)(counter >> 32);
    begin[14] = (u32)by.stream, begin[15] = (u32)(by.stream >> 32);
    u32 x[16];
    for (int k = 0; k < 16; ++k) x[k] = begin[k];
#define QUARTER_ROUND(a, b, c, d) \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16), x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12), \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8), x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
    for (int round = 0; round < 4; ++round) {
        QUARTER_ROUND(0, 4, 8, 12)
        QUARTER_ROUND(1, 5, 9, 13)
        QUARTER_ROUND(2, 6, 10, 14)
        QUARTER_ROUND(3, 7, 11, 15)
        QUARTER_ROUND(0, 5, 10, 15)
        QUARTER_ROUND(1, 6, 11, 12)
        QUARTER_ROUND(2, 7, 8, 13)
        QUARTER_ROUND(3, 4, 9, 14)
    }
    u64 bits = 0;
    for (u32 k = 0; k < 8; ++k) // constant indices keep the words in registers
        if (k == unit % 8)
            bits = (u64)(x[2 * k + 1] + begin[2 * k + 1]) << 32 | (x[2 * k] + begin[2 * k]);
    return bits;
}

// out += factor · from for the values that are not dropped.
KERNEL(add_kept)(Dropping by, real factor, const real* from, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(j, n) {
            if (random_bits(by, divided(j, by.unit).whole) >= by.threshold) out[j] = out[j] + factor * from[j];
        }
    }
}
REGISTER(add_kept)
