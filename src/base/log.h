// Messages for the user: the context's callback, or warnings on standard error.
#pragma once

#include <atomic>
#include <cstdint>

#include "sporkle.h"

namespace sporkle {

class Log {
 public:
  Log(sporkle_log_callback callback, void* user, int32_t level)
      : callback_(callback), user_(user), level_(level) {}

  bool enabled(int32_t level) const noexcept { return level <= level_; }
  int32_t level() const noexcept { return level_; }

  void write(int32_t level, const char* format, ...) noexcept
      __attribute__((format(printf, 3, 4)));

  // A warning that is given once per cause. `cause` has static storage.
  void warn_once(const char* cause, const char* format, ...) noexcept
      __attribute__((format(printf, 3, 4)));

 private:
  void emit(int32_t level, const char* text) noexcept;
  bool first_time(const char* cause) noexcept;

  sporkle_log_callback callback_;
  void* user_;
  int32_t level_;
  static constexpr int cause_limit = 64;
  std::atomic<uint64_t> causes_[cause_limit] = {};
};

}  // namespace sporkle
