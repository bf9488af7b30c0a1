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
