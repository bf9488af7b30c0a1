// Convolutions: patches and their products, folded back by gathering; and depthwise convolutions.
//
// Positions are u32, so that divisions are cheap; indices of values are of type `size`.

// A position of an image of an example.
struct Position {
    size example;
    u32 y, x;
};

FUNCTION Position position(size pixel, u32 height, u32 width) {
    const Quotient row = divided(pixel, width), image = divided(row.whole, height);
    return {image.whole, (u32)image.rest, (u32)row.rest};
}

// The input row under tap `a` of output row y; not less than the height if it lies in the padding.
FUNCTION u32 row_under(Convolution s, u32 y, u32 a) { return y * s.stride_y + a * s.dilation_y - s.padding_y; }

FUNCTION u32 column_under(Convolution s, u32 x, u32 b) { return x * s.stride_x + b * s.dilation_x - s.padding_x; }

// from / stride if this is a whole number below `end`, or else `end`.
FUNCTION u32 multiple(u32 from, u32 stride, u32 end) {
    if (stride == 1) return from < end ? from : end;
    const Quotient of = divided(from, stride);
    return of.rest == 0 && of.whole < end ? (u32)of.whole : end;
}

// The output row whose tap `a` is over input row y; out_height if there is none.
FUNCTION u32 row_over(Convolution s, u32 y, u32 a) {
    const u32 from = y + s.padding_y, shift = a * s.dilation_y;
    return from < shift ? s.out_height : multiple(from - shift, s.stride_y, s.out_height);
}

FUNCTION u32 column_over(Convolution s, u32 x, u32 b) {
    const u32 from = x + s.padding_x, shift = b * s.dilation_x;
    return from < shift ? s.out_width : multiple(from - shift, s.stride_x, s.out_width);
}

// The place of an input or output position's first channel.
FUNCTION size of_input(Convolution s, size example, u32 y, u32 x) {
    return ((example * s.height + y) * s.width + x) * s.channels;
}

FUNCTION size of_output(Convolution s, size example, u32 y, u32 x) {
    return ((example * s.out_height + y) * s.out_width + x) * s.outputs;
}

// The convolution of fours of channels.
FUNCTION Convolution in_fours(Convolution s) {
    s.channels /= 4;
    return s;
}

// Value v of the patches [m · positions, taps · channels of a group] of x, for the group whose channels begin at
// `first`. V is `real` or `Four`: then all channels are counted in fours.
template <class V>
FUNCTION V value_of_patch(const V* x, Convolution s, u32 first, size v) {
    const u32 channels = s.channels / s.groups, taps = s.kernel_height * s.kernel_width;
    const Quotient column = divided(v, channels), pixel = divided(column.whole, taps);
    const Quotient tap = divided(pixel.rest, s.kernel_width);
    const Position p = position(pixel.whole, s.out_height, s.out_width);
    const u32 row = row_under(s, p.y, (u32)tap.whole), at = column_under(s, p.x, (u32)tap.rest);
    if (row < s.height && at < s.width) return x[of_input(s, p.example, row, at) + first + column.rest];
    V zero;
    clear(zero);
    return zero;
}

// The sum of the products [m · positions, taps · channels of a group] that belong to channel j of the group at
// input position p.
template <class V>
FUNCTION V value_of_input(const V* products, Convolution s, Position p, u32 j) {
    const u32 channels = s.channels / s.groups, taps = s.kernel_height * s.kernel_width;
    V total;
    clear(total);
    for (u32 a = 0; a < s.kernel_height; ++a) {
        const u32 y = row_over(s, p.y, a);
        if (y == s.out_height) continue;
        for (u32 b = 0; b < s.kernel_width; ++b) {
            const u32 x = column_over(s, p.x, b);
            if (x == s.out_width) continue;
            const size row = (p.example * s.out_height + y) * s.out_width + x;
            total = sum(total, products[(row * taps + a * s.kernel_width + b) * channels + j]);
        }
    }
    return total;
}

// A thread writes one of the n values of the patches.
template <class V>
FUNCTION void unfold_values(const V* x, Convolution s, u32 first, V* patches, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) patches[v] = value_of_patch(x, s, first, v);
    }
}

// Adds each product to the input value that it belongs to: a thread gathers those of one of the n input values of
// the group.
template <class V>
FUNCTION void fold_back_values(const V* products, Convolution s, u32 first, u32 add, V* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Quotient pixel = divided(v, s.channels / s.groups);
            const Position p = position(pixel.whole, s.height, s.width);
            const V total = value_of_input(products, s, p, (u32)pixel.rest);
            V* to = out + pixel.whole * s.channels + first + pixel.rest;
            *to = add ? sum(*to, total) : total;
        }
    }
}

KERNEL(unfold)(const real* x, Convolution s, u32 first, real* patches, size n) {
    unfold_values(x, s, first, patches, n);
}
REGISTER(unfold)

// For numbers of channels and addresses that are multiples of four values.
KERNEL(unfold_fours)(const real* x, Convolution s, u32 first, real* patches, size n) {
    unfold_values((const Four*)x, in_fours(s), first / 4, (Four*)patches, n / 4);
}
REGISTER(unfold_fours)

KERNEL(fold_back)(const real* products, Convolution s, u32 first, u32 add, real* out, size n) {
    fold_back_values(products, s, first, add, out, n);
}
REGISTER(fold_back)

KERNEL(fold_back_fours)(const real* products, Convolution s, u32 first, u32 add, real* out, size n) {
    fold_back_values((const Four*)products, in_fours(s), first / 4, add, (Four*)out, n / 4);
}
REGISTER(fold_back_fours)

// A thread for each output value.
KERNEL(depthwise_forward)(const real* x, const real* weight, Convolution s, u32 add, real* out, size n) {
    EACH_THREAD {
        const u32 taps = s.kernel_height * s.kernel_width;
        EACH_VALUE(v, n) {
            const Quotient pixel = divided(v, s.channels);
            const Position p = position(pixel.whole, s.out_height, s.out_width);
            const u32 channel = (u32)pixel.rest;
            real sum = 0;
            for (u32 a = 0; a < s.kernel_height; ++a) {
                const u32 row = row_under(s, p.y, a);
                if (row >= s.height) continue;
                for (u32 b = 0; b < s.kernel_width; ++b) {
                    const u32 at = column_under(s, p.x, b);
                    if (at >= s.width) continue;
                    const real value = x[of_input(s, p.example, row, at) + channel];
                    sum = sum + value * weight[(size)channel * taps + a * s.kernel_width + b];
                }
            }
            out[v] = add ? out[v] + sum : sum;
        }
    }
}
REGISTER(depthwise_forward)

// A thread for each input value.
KERNEL(depthwise_backward)(const real* delta, const real* weight, Convolution s, u32 add, real* out, size n) {
    EACH_THREAD {
        const u32 taps = s.kernel_height * s.kernel_width;
        EACH_VALUE(v, n) {
            const Quotient pixel = divided(v, s.channels);
            const Position p = position(pixel.whole, s.height, s.width);
            const u32 channel = (u32)pixel.rest;
            real sum = 0;
            for (u32 a = 0; a < s.kernel_height; ++a) {
                const u32 y = row_over(s, p.y, a);
                if (y == s.out_height) continue;
                for (u32 b = 0; b < s.kernel_width; ++b) {
                    const u32 x = column_over(s, p.x, b);
                    if (x == s.out_width) continue;
                    const real value = delta[of_output(s, p.example, y, x) + channel];
                    sum = sum + value * weight[(size)channel * taps + a * s.kernel_width + b];
                }
            }
            out[v] = add ? out[v] + sum : sum;
        }
    }
}
REGISTER(depthwise_backward)

// out [m / each, channels, taps], of `channels` channels from `first` on: the gradients summed over runs of
// `each` examples, in f64. A thread for each value; neighbouring threads have neighbouring channels.
KERNEL(depthwise_gradients)
(const real* x, const real* delta, Convolution s, u32 first, u32 channels, size each, real* out, size n) {
    EACH_THREAD {
        const u32 taps = s.kernel_height * s.kernel_width;
        EACH_VALUE(v, n) {
            const u32 channel = (u32)(v % channels), tap = (u32)(v / channels % taps);
            const u32 a = tap / s.kernel_width, b = tap % s.kernel_width;
            const size start = v / channels / taps * each;
            double sum = 0;
            for (size e = start; e < start + each; ++e) {
                for (u32 y = 0; y < s.out_height; ++y) {
                    const u32 row = row_under(s, y, a);
                    if (row >= s.height) continue;
                    for (u32 at = 0; at < s.out_width; ++at) {
                        const u32 column = column_under(s, at, b);
                        if (column >= s.width) continue;
                        const double value = x[of_input(s, e, row, column) + first + channel];
                        sum += value * delta[of_output(s, e, y, at) + first + channel];
                    }
                }
            }
            out[(v / channels / taps * channels + channel) * taps + tap] = (real)sum;
        }
    }
}
REGISTER(depthwise_gradients)

// out[e] += ‖g_e‖² for gradients g_e = Σ_p δ_p ⊗ a_p of few positions p, from the Gram matrices of a and δ:
// Σ_{p, q} (a_p · a_q) (δ_p · δ_q). a [count, positions, patch], delta [count, positions, outputs]; one block
// for each example.
KERNEL(add_gram_norms)
(const real* a, const real* delta, size positions, size patch, size outputs, double* out, size count) {
    SHARED double of_a[THREADS];
    SHARED double of_delta[THREADS];
    for (size e = block; e < count; e += blocks) {
        PRIVATE(double, norm);
        EACH_THREAD { OWN(norm) = 0; }
        for (size p = e * positions; p < (e + 1) * positions; ++p) {
            for (size q = e * positions; q <= p; ++q) {
                EACH_THREAD {
                    double product = 0, delta_product = 0;
                    for (size k = thread; k < patch; k += THREADS) {
                        product += (double)a[p * patch + k] * a[q * patch + k];
                    }
                    for (size k = thread; k < outputs; k += THREADS) {
                        delta_product += (double)delta[p * outputs + k] * delta[q * outputs + k];
                    }
                    of_a[thread] = product;
                    of_delta[thread] = delta_product;
                }
                add_up(of_a, 1);
                add_up(of_delta, 1);
                EACH_THREAD {
                    if (thread == 0) OWN(norm) += (q < p ? 2 : 1) * of_a[0] * of_delta[0];
                }
                BARRIER
            }
        }
        EACH_THREAD {
            if (thread == 0) out[e] += OWN(norm);
        }
        BARRIER
    }
}
REGISTER(add_gram_norms)
