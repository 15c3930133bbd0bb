// Reading of MessagePack as far as code object metadata uses it: booleans,
// integers, strings, arrays and maps. Nothing is allocated.
// Source: the MessagePack specification, "Formats".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sporkle::amdgpu {

class MessageReader {
 public:
  explicit MessageReader(std::span<const unsigned char> bytes) : bytes_(bytes) {}

  // Each takes the next value, or returns false and takes nothing when it is of
  // another type, or cut off.
  bool array(uint32_t* out_count);
  bool map(uint32_t* out_count);
  bool string(std::string_view* out);
  bool number(uint64_t* out);  // not negative
  bool boolean(bool* out);

  // The next value with everything in it, at most 8 levels deep.
  bool skip();

  bool at_end() const { return at_ == bytes_.size(); }

 private:
  bool big_endian(uint64_t offset, uint32_t bytes, uint64_t* out) const;
  bool length(unsigned char fix, unsigned char fix_mask, unsigned char first_sized,
              uint32_t smallest, uint64_t* out, uint64_t* out_used) const;
  bool skip(int depth);

  std::span<const unsigned char> bytes_;
  uint64_t at_ = 0;
};

}  // namespace sporkle::amdgpu
