// Text of any length into a buffer of fixed length.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace sporkle::pm4 {

// Keeps what fits, NUL-terminated when capacity > 0, and counts what does not.
class Text {
 public:
  Text(char* buffer, uint64_t capacity) : buffer_(buffer), capacity_(capacity) {
    if (capacity_ > 0) buffer_[0] = '\0';
  }

  void print(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const uint64_t left = length_ < capacity_ ? capacity_ - length_ : 0;
    const int more = std::vsnprintf(left ? buffer_ + length_ : nullptr, left, format, arguments);
    va_end(arguments);
    if (more > 0) length_ += static_cast<uint64_t>(more);
  }

  // What the text would be long with room for all of it, without its NUL.
  uint64_t length() const { return length_; }

 private:
  char* buffer_;
  uint64_t capacity_;
  uint64_t length_ = 0;
};

}  // namespace sporkle::pm4
