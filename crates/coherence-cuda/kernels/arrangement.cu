// Values moved or scaled by channel and position: one thread for each value of the result.

// A value of images [m, height, width, channels].
struct Place {
    size example, y, x, channel;
};

FUNCTION Place place(size v, size height, size width, size channels) {
    const Quotient pixel = divided(v, channels), row = divided(pixel.whole, width), image = divided(row.whole, height);
    return {image.whole, image.rest, row.rest, pixel.rest};
}

// x [rows, len] to the channels from `start` on of out [rows, whole].
KERNEL(put_channels)(const real* x, size start, size len, size whole, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Quotient row = divided(v, len);
            real* to = out + row.whole * whole + start + row.rest;
            *to = add ? *to + x[v] : x[v];
        }
    }
}
REGISTER(put_channels)

// The channels from `start` on of x [rows, whole] to out [rows, len].
KERNEL(take_channels)(const real* x, size start, size len, size whole, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Quotient row = divided(v, len);
            const real from = x[row.whole * whole + start + row.rest];
            out[v] = add ? out[v] + from : from;
        }
    }
}
REGISTER(take_channels)

KERNEL(subsample)(const real* a, Subsampling s, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.out_height, s.out_width, s.out_channels);
            const size row = p.example * s.height + p.y * s.stride;
            const size channel = p.channel - s.before; // of channels before: larger than any
            const bool is_input = channel < s.channels;
            out[v] = is_input ? a[(row * s.width + p.x * s.stride) * s.channels + channel] : (real)0;
        }
    }
}
REGISTER(subsample)

KERNEL(subsample_backward)(const real* delta, Subsampling s, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.height, s.width, s.channels);
            const Quotient in_y = divided(p.y, s.stride), in_x = divided(p.x, s.stride);
            const size y = in_y.whole, x = in_x.whole;
            const bool is_taken = in_y.rest == 0 && in_x.rest == 0 && y < s.out_height && x < s.out_width;
            const real before = add ? out[v] : (real)0;
            const size from = ((p.example * s.out_height + y) * s.out_width + x) * s.out_channels + s.before;
            out[v] = is_taken ? before + delta[from + p.channel] : before;
        }
    }
}
REGISTER(subsample_backward)

// out[e, p, j] = a[e, p, j] · s[e, j], where an example has `image` values.
KERNEL(scale_channels)(const real* a, const real* s, size image, size channels, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) out[v] = a[v] * s[divided(v, image).whole * channels + divided(v, channels).rest];
    }
}
REGISTER(scale_channels)

KERNEL(scale_channels_backward)
(const real* delta, const real* s, size image, size channels, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const size of = divided(v, image).whole * channels + divided(v, channels).rest;
            out[v] = (add ? out[v] : (real)0) + delta[v] * s[of];
        }
    }
}
REGISTER(scale_channels_backward)

KERNEL(scale_channels_gradient)
(const real* delta, const real* a, size image, size channels, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            real sum = add ? out[v] : (real)0;
            const size start = v / channels * image + v % channels;
            for (size at = start; at < start + image; at += channels) sum = sum + delta[at] * a[at];
            out[v] = sum;
        }
    }
}
REGISTER(scale_channels_gradient)
