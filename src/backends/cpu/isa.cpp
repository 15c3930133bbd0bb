#include "backends/cpu/isa.h"

#include <cstring>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "backends/cpu/kernels.h"

namespace sporkle::cpu {

namespace {

constexpr const char* names[] = {"scalar", "avx2", "avx512", "neon"};
static_assert(sizeof names / sizeof names[0] == static_cast<uint32_t>(Isa::count));

#if defined(__x86_64__)

// Bits of cpuid; the state bits say that the system saves the registers.
constexpr uint32_t leaf1_ecx_avx2 = (1u << 12) | (1u << 27) | (1u << 28) | (1u << 29);
constexpr uint32_t leaf1_ecx_crypto = (1u << 1) | (1u << 25);
constexpr uint32_t leaf7_ebx_avx2 = (1u << 3) | (1u << 5) | (1u << 8);
constexpr uint32_t leaf7_ebx_avx512 =
    (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31);
constexpr uint64_t state_avx = 0x6;
constexpr uint64_t state_avx512 = 0xe6;

bool has_all(uint64_t value, uint64_t bits) noexcept { return (value & bits) == bits; }

uint64_t enabled_state() noexcept {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool cpu_has(Isa isa) noexcept {
  if (isa == Isa::scalar) return true;
  if (isa == Isa::neon) return false;
  uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  if (!has_all(c, leaf1_ecx_avx2 | leaf1_ecx_crypto)) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  const uint64_t state = enabled_state();
  if (!has_all(b, leaf7_ebx_avx2) || !has_all(state, state_avx)) return false;
  return isa == Isa::avx2 || (has_all(b, leaf7_ebx_avx512) && has_all(state, state_avx512));
}

#else

// NEON is part of the arm64 baseline.
bool cpu_has(Isa isa) noexcept { return isa == Isa::scalar || isa == Isa::neon; }

#endif

}  // namespace

const char* isa_name(Isa isa) noexcept { return names[static_cast<uint32_t>(isa)]; }

bool isa_usable(Isa isa) noexcept { return kernels_compiled(isa) != nullptr && cpu_has(isa); }

Isa isa_best() noexcept {
  for (const Isa isa : {Isa::avx512, Isa::avx2, Isa::neon}) {
    if (isa_usable(isa)) return isa;
  }
  return Isa::scalar;
}

Isa isa_parse(const char* name, const char* argument) {
  if (std::strcmp(name, "auto") == 0) return isa_best();
  for (uint32_t i = 0; i < static_cast<uint32_t>(Isa::count); ++i) {
    if (std::strcmp(name, names[i]) != 0) continue;
    const Isa isa = static_cast<Isa>(i);
    if (isa_usable(isa)) return isa;
    fail(SPORKLE_ERROR_UNSUPPORTED, "%s: this CPU or this build has no %s", argument, name);
  }
  fail(SPORKLE_ERROR_INVALID_ARGUMENT,
       "%s: \"%.32s\" is none of auto, scalar, avx2, avx512, neon", argument, name);
}

}  // namespace sporkle::cpu
