// Structures that kernels take by value: src/argument.rs has the same. STRUCTURE is empty on the device.
struct Sizes {
    size m;
};
STRUCTURE(Sizes)
