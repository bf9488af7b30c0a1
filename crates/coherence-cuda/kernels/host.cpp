// All kernels in both precisions for the engine `Host`.
#include "host.h"

#include "structures.h"

#define PRECISION "f32"
namespace f32 {
typedef float real;
#include "kernels.cu"
}
#undef PRECISION

#define PRECISION "f64"
namespace f64 {
typedef double real;
#include "kernels.cu"
}

// Runs a kernel. Returns 0, or 1 if there is none of this name, or 2 if its arguments are of other types;
// then `expected` is set to those of the kernel.
extern "C" int coherence_host_launch(
    const char* name, u32 number, const char* signature, void** arguments, const char** expected) {
    auto found = host::kernels().find(name);
    if (found == host::kernels().end()) return 1;
    *expected = found->second.signature.c_str();
    if (found->second.signature != signature) return 2;
    found->second.run(number, arguments);
    return 0;
}
