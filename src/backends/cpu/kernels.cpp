// Compiles the kernels once per instruction set: foreach_target.h includes this
// file again for every set, each time within its own namespace and with its own
// compiler target. Nothing of the standard library is inlined in there.
#include "backends/cpu/kernels.h"

// Every set is compiled whatever the compiler's baseline is. SCALAR rather than
// EMU128, which some GCC 12 miscompile. Sets without their own name are left out.
#define HWY_BROKEN_EMU128 1
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sporkle::cpu::HWY_NAMESPACE {

#include "backends/cpu/kernel_lanes.inc"
#include "backends/cpu/kernel_tile.inc"
#include "backends/cpu/kernel_finish.inc"
#include "backends/cpu/kernel_pack.inc"
#if HWY_TARGET != HWY_SCALAR
#include "backends/cpu/kernel_winograd_math.inc"
#include "backends/cpu/kernel_winograd_input.inc"
#include "backends/cpu/kernel_winograd_output.inc"
#include "backends/cpu/kernel_winograd_few.inc"
#include "backends/cpu/kernel_blocked.inc"
#endif
#include "backends/cpu/kernel_table.inc"

}  // namespace sporkle::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sporkle::cpu {

const Kernels* kernels_compiled(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar: return &N_SCALAR::table;
#if HWY_TARGETS & HWY_AVX2
    case Isa::avx2: return &N_AVX2::table;
#endif
#if HWY_TARGETS & HWY_AVX3
    case Isa::avx512: return &N_AVX3::table;
#endif
#if HWY_TARGETS & HWY_NEON
    case Isa::neon: return &N_NEON::table;
#endif
    default: return nullptr;
  }
}

}  // namespace sporkle::cpu
#endif
