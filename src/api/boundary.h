// The boundary of the C interface: the one place where errors become statuses,
// and the checks that every entry shares.
#pragma once

#include <cstring>

#include "base/error.h"
#include "base/fp_environment.h"
#include "core/object_table.h"

namespace sporkle {

// Keeps `function: reason` as the calling thread's last error.
void set_last_error(const char* function, const char* reason) noexcept;

// Turns the exception in flight into a status and a text.
Status status_of_current_exception(const char* function) noexcept;

// Runs the body of an entry point. The body returns a status or throws. The
// caller may have traps on: even a heuristic in double would be fatal.
template <class Body>
Status boundary(const char* function, Body&& body) noexcept {
  const FpEnvironmentScope scope;
  try {
    return body();
  } catch (...) {
    return status_of_current_exception(function);
  }
}

// An out pointer must not be null.
template <class T>
T& checked_out(T* out, const char* argument) {
  if (out == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null", argument);
  return *out;
}

constexpr uint32_t struct_size_limit = 65536;

// Checks struct_size of a caller's struct: at least the first released size.
void check_struct_size(uint32_t size, uint32_t least, const char* argument);

// Refuses a tail that this version does not know and that is not all zero.
void check_struct_tail(const void* tail, uint64_t bytes, const char* argument);

// A descriptor as this version understands it: missing fields have defaults.
template <class T>
T read_struct(const T* in, const T& defaults, const char* argument) {
  if (in == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null", argument);
  uint32_t size;
  std::memcpy(&size, in, sizeof size);
  check_struct_size(size, sizeof(T), argument);
  T out = defaults;
  std::memcpy(&out, in, size < sizeof(T) ? size : sizeof(T));
  if (size > sizeof(T)) {
    check_struct_tail(reinterpret_cast<const char*>(in) + sizeof(T), size - sizeof(T), argument);
  }
  out.struct_size = sizeof(T);
  return out;
}

// Copies a filled struct out, as much of it as the caller knows.
template <class T>
void check_out_struct(const T* out, const char* argument) {
  if (out == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: null", argument);
  check_struct_size(out->struct_size, sizeof(T), argument);
}

template <class T>
void write_struct(T filled, T* out) {
  filled.struct_size = out->struct_size;
  std::memcpy(out, &filled, filled.struct_size < sizeof(T) ? filled.struct_size : sizeof(T));
}

}  // namespace sporkle
