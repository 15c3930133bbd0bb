#include "api/boundary.h"

#include <algorithm>
#include <cstdio>
#include <new>
#include <stdexcept>

namespace sporkle {

namespace {

constinit thread_local char last_error[512] = {};

}  // namespace

void set_last_error(const char* function, const char* reason) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s: %s", function, reason);
}

Status status_of_current_exception(const char* function) noexcept {
  try {
    throw;
  } catch (const Error& error) {
    set_last_error(function, error.reason.text);
    return error.status;
  } catch (const std::bad_alloc&) {
    set_last_error(function, "memory: the allocator has none left");
    return SPORKLE_ERROR_OUT_OF_MEMORY;
  } catch (const std::length_error&) {
    set_last_error(function, "size: larger than memory can be");
    return SPORKLE_ERROR_OVERFLOW;
  } catch (const std::exception& error) {
    set_last_error(function, error.what());
    return SPORKLE_ERROR_INTERNAL;
  } catch (...) {
    set_last_error(function, "unknown exception");
    return SPORKLE_ERROR_INTERNAL;
  }
}

void check_struct_size(uint32_t size, uint32_t least, const char* argument) {
  if (size < least) {
    fail(SPORKLE_ERROR_VERSION, "%s.struct_size: %u is below %u; use the _INIT macro", argument,
         size, least);
  }
  if (size > struct_size_limit) {
    fail(SPORKLE_ERROR_VERSION, "%s.struct_size: %u is above %u", argument, size,
         struct_size_limit);
  }
}

void check_struct_tail(const void* tail, uint64_t bytes, const char* argument) {
  const auto* p = static_cast<const unsigned char*>(tail);
  if (std::all_of(p, p + bytes, [](unsigned char byte) { return byte == 0; })) return;
  fail(SPORKLE_ERROR_VERSION,
       "%s: fields are set that this version (%d.%d) does not know", argument,
       SPORKLE_VERSION_MAJOR, SPORKLE_VERSION_MINOR);
}

}  // namespace sporkle

uint64_t sporkle_last_error(char* buffer, uint64_t capacity) {
  const uint64_t length = std::strlen(sporkle::last_error);
  if (buffer != nullptr && capacity > 0) {
    const uint64_t copied = std::min(length, capacity - 1);
    std::memcpy(buffer, sporkle::last_error, copied);
    buffer[copied] = '\0';
  }
  return length;
}
