// The one file of the library that writes to standard error.
#include "base/log.h"

#include <cstdarg>
#include <cstdio>
#include <unistd.h>

namespace sporkle {

namespace {

uint64_t hash_text(const char* text) noexcept {
  uint64_t hash = 1469598103934665603u;  // FNV-1a, 64 bits
  for (; *text != '\0'; ++text) {
    hash = (hash ^ static_cast<unsigned char>(*text)) * 1099511628211u;
  }
  return hash | 1u;
}

}  // namespace

void Log::emit(int32_t level, const char* text) noexcept {
  if (callback_ != nullptr) {
    callback_(user_, level, text);
    return;
  }
  static constexpr const char* names[] = {"", "error", "warning", "info", "debug"};
  char line[1200];
  const int length =
      std::snprintf(line, sizeof line, "sporkle: %s: %s\n", names[level < 5 ? level : 4], text);
  // One write per line: lines of several threads do not mix.
  if (length <= 0) return;
  const size_t bytes = static_cast<size_t>(length) < sizeof line ? length : sizeof line - 1;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, bytes);
}

bool Log::first_time(const char* cause) noexcept {
  const uint64_t hash = hash_text(cause);
  for (auto& entry : causes_) {
    uint64_t seen = 0;
    if (entry.compare_exchange_strong(seen, hash)) return true;
    if (seen == hash) return false;
  }
  return true;
}

void Log::write(int32_t level, const char* format, ...) noexcept {
  if (!enabled(level) || level <= SPORKLE_LOG_OFF) return;
  char text[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  emit(level, text);
}

void Log::warn_once(const char* cause, const char* format, ...) noexcept {
  if (!enabled(SPORKLE_LOG_WARNING) || !first_time(cause)) return;
  char text[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  emit(SPORKLE_LOG_WARNING, text);
}

}  // namespace sporkle
