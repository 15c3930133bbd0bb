// Errors inside the library: a status with a text of fixed size, thrown, and
// turned into a sporkle_status by the one boundary function in src/api.
#pragma once

#include "sporkle.h"

namespace sporkle {

using Status = sporkle_status;

// A short text without allocation: the reason of a refusal or of an error.
struct Reason {
  char text[256] = {};

  void set(const char* format, ...) noexcept __attribute__((format(printf, 2, 3)));
};

// What internal code throws. The text reads `argument: reason`.
struct Error {
  Status status = SPORKLE_ERROR_INTERNAL;
  Reason reason;
};

[[noreturn]] void fail(Status status, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

}  // namespace sporkle
