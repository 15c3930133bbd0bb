#include "base/error.h"

#include <cstdarg>
#include <cstdio>

namespace sporkle {

void Reason::set(const char* format, ...) noexcept {
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
}

void fail(Status status, const char* format, ...) {
  Error error;
  error.status = status;
  va_list args;
  va_start(args, format);
  std::vsnprintf(error.reason.text, sizeof error.reason.text, format, args);
  va_end(args);
  throw error;
}

}  // namespace sporkle
