// Structures that kernels take by value: the typed functions in Rust have the same. STRUCTURE is empty on the
// device.

// Images [m, height, width, channels], and images of as many channels made from them.
struct Images {
    size height, width, channels, out_height, out_width;
};
STRUCTURE(Images)

// Every stride-th row and column of images, with `before` channels of zeros before theirs.
struct Subsampling {
    size height, width, channels, out_height, out_width, out_channels, stride, before;
};
STRUCTURE(Subsampling)

// Values [items, positions, channels] with statistics [items, groups] of groups of `width` channels.
struct Normalized {
    size items, positions, channels, groups, width;
};
STRUCTURE(Normalized)

// Rows of channels in segments of rows: a block sums `lanes` channels of a segment, lanes a power of two.
struct Segments {
    size rows, channels, segment, lanes;
};
STRUCTURE(Segments)

// A convolution of images [m, height, width, channels] to [m, out_height, out_width, outputs].
struct Convolution {
    u32 height, width, channels, out_height, out_width, outputs, kernel_height, kernel_width;
    u32 stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x, groups;
};
STRUCTURE(Convolution)

// Which units of values are dropped: src/elementwise.rs says how they are drawn.
struct Dropping {
    u32 key[8];
    u64 stream, threshold, unit;
};
STRUCTURE(Dropping)
