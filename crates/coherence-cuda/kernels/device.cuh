// The words in which kernels are written: CUDA here, plain C++ in host.h.
//
// A kernel is a function of one block of THREADS threads. What a thread does stands in EACH_THREAD { … };
// between two such parts that exchange values in SHARED memory stands BARRIER. `thread` is the index of
// the thread, `block` that of the block, `blocks` their number. A value that a thread keeps from one part
// to the next is PRIVATE(type, name) and read as OWN(name). Nothing but declarations and loops whose bounds
// are the same for all threads of a block stands outside of EACH_THREAD. EACH_VALUE(j, n) shares the indices
// j < n among the threads of all blocks. UNROLL(n) repeats the body of the loop that follows, so that n loads are under
// way at a time.
// KERNEL_IN_PAIRS is one of so few registers that two blocks fit a multiprocessor.
//
// REGISTER(name) after a kernel makes it known to the host's engine.
#define THREADS 256
#define STRUCTURE(name)
#define KERNEL(name) extern "C" __global__ void name
#define KERNEL_IN_PAIRS(name) extern "C" __global__ void __launch_bounds__(THREADS, 2) name
#define FUNCTION __device__ static inline
#define REGISTER(name)
#define EACH_THREAD
#define BARRIER __syncthreads();
#define SHARED __shared__
#define PRIVATE(type, name) type name
#define OWN(name) name
#define EACH_VALUE(j, n) for (size j = (size)block * THREADS + thread; j < (n); j += (size)blocks * THREADS)
#define PRAGMA(words) _Pragma(#words)
#define UNROLL(n) PRAGMA(unroll n)
#define thread threadIdx.x
#define block blockIdx.x
#define blocks gridDim.x
typedef unsigned long long size;
typedef unsigned int u32;
typedef unsigned long long u64;
