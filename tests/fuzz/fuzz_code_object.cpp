// Any bytes as a code object: read, listed and placed without a fault; what is
// accepted is consistent.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "backends/amdgpu/code_object.h"
#include "backends/amdgpu/code_object_list.h"

using namespace sporkle;
using namespace sporkle::amdgpu;

namespace {

constexpr uint64_t address = 0x7f1000000000;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_reason(const Reason& why) {
  require(why.text[0] != '\0' && std::memchr(why.text, '\0', sizeof why.text) != nullptr);
}

void check_segments(const CodeObject& object) {
  require(object.image_bytes % CodeObject::page == 0);
  require(object.image_bytes <= CodeObject::most_image_bytes);
  uint64_t end = 0;
  for (uint32_t i = 0; i < object.segment_count; ++i) {
    const CodeSegment& segment = object.segments[i];
    require(segment.address >= end && segment.file_bytes <= segment.memory_bytes);
    end = segment.address + segment.memory_bytes;
  }
  require(end <= object.image_bytes);
  require(object.code_bytes > 0 && object.code_address + object.code_bytes <= object.image_bytes);
}

void check_kernels(const CodeObject& object) {
  for (uint32_t i = 0; i < object.kernel_count; ++i) {
    CodeKernel kernel;
    pm4::KernelObject made;
    Reason why;
    if (!read_kernel(object, i, &kernel, &why)) {
      require_reason(why);
      continue;
    }
    require(kernel.entry_address % 256 == 0 && kernel.entry_address >= object.code_address);
    require(kernel.entry_address + kernel.code_bytes <= object.code_address + object.code_bytes);
    if (!make_kernel_object(object, kernel, 0x1100, address, kernel.descriptor.kernarg_bytes,
                            &made, &why)) {
      require_reason(why);
      continue;
    }
    require(made.scratch_bytes == 0 && made.kernarg_sgpr + 2 <= made.user_sgpr_count);
  }
}

// The text has one length, whatever room there is.
void check_listing(const CodeObject& object) {
  Reason why;
  uint64_t length = 0, again = 0;
  if (!list_code_object(object, nullptr, 0, &length, &why)) {
    require_reason(why);
    return;
  }
  std::string text(length / 2 + 1, 'x');
  require(list_code_object(object, text.data(), text.size(), &again, &why) && again == length);
  require(std::strlen(text.data()) == text.size() - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exact size lets the sanitizer see a read beyond the end.
  const std::unique_ptr<unsigned char[]> copy(new unsigned char[size]);
  std::memcpy(copy.get(), data, size);
  CodeObject object;
  Reason why;
  if (!read_code_object({copy.get(), size}, &object, &why)) {
    require_reason(why);
    return 0;
  }
  check_segments(object);
  check_kernels(object);
  check_listing(object);
  if (object.image_bytes <= (uint64_t{1} << 20)) {
    const std::unique_ptr<unsigned char[]> memory(new unsigned char[object.image_bytes]);
    if (!place_code_object(object, address, {memory.get(), object.image_bytes}, &why)) {
      require_reason(why);
    }
  }
  return 0;
}
