// Pools: one thread for each value of the result, which adds in the order of coherence-cpu.
//
// The table has three numbers for the window of each output row and then of each output column: its first
// input position, the end of these, and its part of the divisor. Two numbers for each input row and then for
// each input column follow: the first window that contains it, and the end of these.

FUNCTION const size* window_of_row(const size* table, size y) { return table + 3 * y; }

FUNCTION const size* window_of_column(const size* table, Images s, size x) { return table + 3 * (s.out_height + x); }

FUNCTION const size* windows_with_row(const size* table, Images s, size y) {
    return table + 3 * (s.out_height + s.out_width) + 2 * y;
}

FUNCTION const size* windows_with_column(const size* table, Images s, size x) {
    return windows_with_row(table, s, s.height) + 2 * x;
}

KERNEL(max_forward)(const real* x, const size* table, Images s, real* out, u32* from, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.out_height, s.out_width, s.channels);
            const size *rows = window_of_row(table, p.y), *columns = window_of_column(table, s, p.x);
            const real* image = x + p.example * s.height * s.width * s.channels + p.channel;
            size first = rows[0] * s.width + columns[0];
            real best = image[first * s.channels];
            for (size row = rows[0]; row < rows[1]; ++row) {
                for (size column = columns[0]; column < columns[1]; ++column) {
                    const size at = row * s.width + column;
                    const real value = image[at * s.channels];
                    if (value > best || value != value) {
                        best = value;
                        first = at;
                    }
                }
            }
            out[v] = best;
            from[v] = (u32)first;
        }
    }
}
REGISTER(max_forward)

KERNEL(max_backward)(const real* delta, const u32* from, const size* table, Images s, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.height, s.width, s.channels);
            const size *rows = windows_with_row(table, s, p.y), *columns = windows_with_column(table, s, p.x);
            real sum = add ? out[v] : (real)0;
            for (size y = rows[0]; y < rows[1]; ++y) {
                for (size x = columns[0]; x < columns[1]; ++x) {
                    const size at = ((p.example * s.out_height + y) * s.out_width + x) * s.channels + p.channel;
                    sum = sum + (from[at] == p.y * s.width + p.x ? delta[at] : (real)0);
                }
            }
            out[v] = sum;
        }
    }
}
REGISTER(max_backward)

KERNEL(average_forward)(const real* x, const size* table, Images s, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.out_height, s.out_width, s.channels);
            const size *rows = window_of_row(table, p.y), *columns = window_of_column(table, s, p.x);
            const real* image = x + p.example * s.height * s.width * s.channels + p.channel;
            double sum = 0;
            for (size row = rows[0]; row < rows[1]; ++row) {
                for (size column = columns[0]; column < columns[1]; ++column) {
                    sum += image[(row * s.width + column) * s.channels];
                }
            }
            out[v] = (real)(sum / (double)(rows[2] * columns[2]));
        }
    }
}
REGISTER(average_forward)

KERNEL(average_backward)(const real* delta, const size* table, Images s, u32 add, real* out, size n) {
    EACH_THREAD {
        EACH_VALUE(v, n) {
            const Place p = place(v, s.height, s.width, s.channels);
            const size *rows = windows_with_row(table, s, p.y), *columns = windows_with_column(table, s, p.x);
            real sum = add ? out[v] : (real)0;
            for (size y = rows[0]; y < rows[1]; ++y) {
                for (size x = columns[0]; x < columns[1]; ++x) {
                    const size at = ((p.example * s.out_height + y) * s.out_width + x) * s.channels + p.channel;
                    const size count = window_of_row(table, y)[2] * window_of_column(table, s, x)[2];
                    sum = sum + delta[at] / (real)(double)count;
                }
            }
            out[v] = sum;
        }
    }
}
REGISTER(average_backward)
