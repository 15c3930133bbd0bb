// The default floating-point environment for as long as the library computes
// on a thread that is not its own: callers run with traps, other rounding or
// flush-to-zero on.
#pragma once

#include <cfenv>
#include <cstdint>

namespace sporkle {

// Saves the environment, flags included, and restores it exactly: what is
// computed in between raises no trap and leaves no flag. Library threads start
// with the default environment and do not need this.
//
// On x86 the C functions cost 0.4 us because of the x87 unit, too much for the
// calls that cost 20 ns; its registers are touched only when the caller has
// changed its control word.
class FpEnvironmentScope {
 public:
  FpEnvironmentScope() noexcept {
#if defined(__x86_64__)
    mxcsr_ = __builtin_ia32_stmxcsr();
    uint16_t control;
    asm volatile("fnstcw %0" : "=m"(control));
    whole_ = control != x87_default;
    if (!whole_) {
      __builtin_ia32_ldmxcsr(mxcsr_default);
      return;
    }
#endif
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FpEnvironmentScope() {
#if defined(__x86_64__)
    if (!whole_) {
      __builtin_ia32_ldmxcsr(mxcsr_);
      return;
    }
#endif
    std::fesetenv(&saved_);
  }
  FpEnvironmentScope(const FpEnvironmentScope&) = delete;
  FpEnvironmentScope& operator=(const FpEnvironmentScope&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint32_t mxcsr_default = 0x1f80;
  static constexpr uint16_t x87_default = 0x37f;
  uint32_t mxcsr_;
  bool whole_;
#endif
  std::fenv_t saved_;
};

}  // namespace sporkle
