#include "backends/amdgpu/message_pack.h"

namespace sporkle::amdgpu {

bool MessageReader::big_endian(uint64_t offset, uint32_t bytes, uint64_t* out) const {
  if (offset > bytes_.size() || bytes > bytes_.size() - offset) return false;
  *out = 0;
  for (uint32_t i = 0; i < bytes; ++i) *out = *out << 8 | bytes_[offset + i];
  return true;
}

// A length in the first byte (`fix` under ~`fix_mask`), or in the bytes after it,
// `smallest` bytes of them after `first_sized` and twice as many after the next.
bool MessageReader::length(unsigned char fix, unsigned char fix_mask, unsigned char first_sized,
                           uint32_t smallest, uint64_t* out, uint64_t* out_used) const {
  if (at_ == bytes_.size()) return false;
  const unsigned char first = bytes_[at_];
  if ((first & static_cast<unsigned char>(~fix_mask)) == fix) {
    *out = first & fix_mask;
    *out_used = 1;
    return true;
  }
  for (uint32_t size = smallest; size <= 4; size *= 2, ++first_sized) {
    if (first != first_sized) continue;
    *out_used = 1 + size;
    return big_endian(at_ + 1, size, out);
  }
  return false;
}

bool MessageReader::array(uint32_t* out_count) {
  uint64_t count = 0, used = 0;
  if (!length(0x90, 0x0f, 0xdc, 2, &count, &used)) return false;
  // Every element takes a byte: a larger count is cut off, and a loop over it short.
  if (count > bytes_.size() - at_ - used) return false;
  at_ += used;
  *out_count = static_cast<uint32_t>(count);
  return true;
}

bool MessageReader::map(uint32_t* out_count) {
  uint64_t count = 0, used = 0;
  if (!length(0x80, 0x0f, 0xde, 2, &count, &used)) return false;
  if (2 * count > bytes_.size() - at_ - used) return false;
  at_ += used;
  *out_count = static_cast<uint32_t>(count);
  return true;
}

bool MessageReader::string(std::string_view* out) {
  uint64_t size = 0, used = 0;
  if (!length(0xa0, 0x1f, 0xd9, 1, &size, &used)) return false;
  if (size > bytes_.size() - at_ - used) return false;
  *out = {reinterpret_cast<const char*>(bytes_.data() + at_ + used), static_cast<size_t>(size)};
  at_ += used + size;
  return true;
}

bool MessageReader::number(uint64_t* out) {
  if (at_ == bytes_.size()) return false;
  const unsigned char first = bytes_[at_];
  if (first < 0x80) {
    *out = first;
    ++at_;
    return true;
  }
  if (first < 0xcc || first > 0xcf) return false;
  const uint32_t size = 1u << (first - 0xcc);
  if (!big_endian(at_ + 1, size, out)) return false;
  at_ += 1 + size;
  return true;
}

bool MessageReader::boolean(bool* out) {
  if (at_ == bytes_.size() || (bytes_[at_] & 0xfe) != 0xc2) return false;
  *out = bytes_[at_++] == 0xc3;
  return true;
}

bool MessageReader::skip() { return skip(0); }

bool MessageReader::skip(int depth) {
  uint64_t number_value = 0;
  bool truth = false;
  std::string_view text;
  uint32_t count = 0;
  if (number(&number_value) || boolean(&truth) || string(&text)) return true;
  if (depth == 8) return false;
  const bool pairs = map(&count);
  if (!pairs && !array(&count)) return false;
  for (uint64_t i = 0; i < (pairs ? 2 : 1) * uint64_t{count}; ++i) {
    if (!skip(depth + 1)) return false;
  }
  return true;
}

}  // namespace sporkle::amdgpu
