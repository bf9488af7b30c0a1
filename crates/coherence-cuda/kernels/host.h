// The words of device.cuh as plain C++: the threads of a block one after the other in each part.
#pragma once
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>

#define THREADS 256
#define KERNEL(name) static void name
#define KERNEL_IN_PAIRS KERNEL
#define FUNCTION static inline
#define REGISTER(name) static const host::Registered name##_registered(PRECISION, #name, &name);
#define EACH_THREAD for (thread = 0; thread < THREADS; ++thread)
#define BARRIER
#define SHARED
#define PRIVATE(type, name) type name[THREADS]
#define OWN(name) name[thread]
#define EACH_VALUE(j, n) for (size j = (size)block * THREADS + thread; j < (n); j += (size)blocks * THREADS)
#define UNROLL(n)
typedef unsigned long long size;
typedef unsigned int u32;
typedef unsigned long long u64;

static thread_local u32 thread, block, blocks;

static inline u32 __float_as_uint(float x) { u32 bits; std::memcpy(&bits, &x, sizeof bits); return bits; }
static inline float __uint_as_float(u32 bits) { float x; std::memcpy(&x, &bits, sizeof x); return x; }
static inline long long __double_as_longlong(double x) { long long bits; std::memcpy(&bits, &x, sizeof bits); return bits; }
static inline double __longlong_as_double(long long bits) { double x; std::memcpy(&x, &bits, sizeof x); return x; }

namespace host {

// One or two letters for the type of an argument; src/argument.rs has the same.
template <class A> struct Code;
template <> struct Code<float> { static std::string of() { return "f"; } };
template <> struct Code<double> { static std::string of() { return "d"; } };
template <> struct Code<u32> { static std::string of() { return "u"; } };
template <> struct Code<size> { static std::string of() { return "z"; } };
template <class V> struct Code<const V*> { static std::string of() { return "c" + Code<V>::of(); } };
template <class V> struct Code<V*> { static std::string of() { return "m" + Code<V>::of(); } };
struct Kernel {
    std::string signature;
    std::function<void(u32, void**)> run;
};

inline std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

template <class... A, std::size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(arguments[I])...);
}

struct Registered {
    template <class... A> Registered(const char* precision, const char* name, void (*kernel)(A...)) {
        auto run = [kernel](u32 number, void** arguments) {
            blocks = number;
            for (block = 0; block < number; ++block)
                call(kernel, arguments, std::index_sequence_for<A...>());
        };
        kernels()[std::string(name) + "_" + precision] = {(Code<A>::of() + ... + ""), run};
    }
};

}  // namespace host

// A structure: its size and its name.
#define STRUCTURE(name) \
template <> struct host::Code<name> { \
    static std::string of() { return "(" #name " " + std::to_string(sizeof(name)) + ")"; } \
};
