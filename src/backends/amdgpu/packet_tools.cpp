#include "backends/amdgpu/packet_tools.h"

#include <algorithm>

#include "backends/amdgpu/code_object_list.h"
#include "backends/amdgpu/conv_launch.h"
#include "backends/amdgpu/embedded_objects.h"
#include "backends/amdgpu/pm4/decoder.h"
#include "backends/amdgpu/pm4/encoder.h"
#include "backends/amdgpu/preparation_time.h"
#include "backends/amdgpu/stream_file.h"

namespace sporkle::amdgpu {

namespace {

// No device is open: these addresses stand for its allocations.
constexpr uint64_t code_address = 0x7f1000000000;
constexpr uint64_t kernarg_address = 0x7f1001000000;
constexpr uint64_t fence_address = 0x7f1002000000;
constexpr uint64_t page = 4096;

pm4::Target target_of(const char* gfx) {
  if (gfx == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "gfx: null");
  pm4::Target target;
  if (!pm4::parse_target(gfx, &target)) {
    fail(SPORKLE_ERROR_UNSUPPORTED, "gfx: \"%.24s\" is not covered; covered are %s", gfx,
         pm4::covered_targets());
  }
  return target;
}

void check_image(const unsigned char* image, uint64_t size) {
  if (image == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "image: null");
  if (reinterpret_cast<uintptr_t>(image) % alignof(uint32_t) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "image: not aligned to 4 bytes");
  }
  if (size > uint64_t{8} * StreamFile::most_dwords) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "size: more than %u bytes", 8 * StreamFile::most_dwords);
  }
}

void read_image(const unsigned char* image, uint64_t size, StreamFile* out) {
  Reason why;
  check_image(image, size);
  if (!read_stream_file({image, size}, out, &why)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s", why.text);
  }
}

}  // namespace

uint64_t encode_stream_file(const char* gfx, const ConvProblem& problem, unsigned char* image,
                            uint64_t capacity, sporkle_pm4_info* out_info) {
  const pm4::Target target = target_of(gfx);
  Reason why;
  ConvLaunch launch;
  if (!find_conv_launch(target, problem, code_address, &launch, &why)) {
    fail(SPORKLE_ERROR_UNSUPPORTED, "gfx: %s", why.text);
  }
  StreamFile file{};
  file.target = target;
  file.kind = pm4::StreamKind::ring;
  file.kernel_count = 1;
  file.kernels[0] = launch.kernel;
  file.range_count = 2;
  file.ranges[0] = {kernarg_address, page, pm4::AddressRange::arguments, 0};
  file.ranges[1] = {fence_address, page, pm4::AddressRange::fences, 0};
  pm4::DispatchRequest request{&file.kernels[0], {}, {}, kernarg_address};
  std::copy_n(launch.groups, 3, request.groups);
  std::copy_n(launch.threads, 3, request.threads);
  const pm4::FenceWrite fence{fence_address, 1};
  uint32_t words[pm4::Encoder::most_dispatch_dwords];
  pm4::Encoder encoder(target);
  const uint32_t count = encoder.dispatch(launch.conv_class, request, fence, words, &why);
  if (count == 0) fail(SPORKLE_ERROR_INTERNAL, "%s", why.text);
  file.words = {words, count};
  if (out_info != nullptr) {
    *out_info = measure_preparation(file.registry(), launch.conv_class, request, fence);
  }
  return write_stream_file(file, image, capacity);
}

uint64_t decode_packets(const char* gfx, const unsigned char* image, uint64_t size, char* text,
                        uint64_t capacity) {
  if (gfx == nullptr) {
    StreamFile file{};
    read_image(image, size, &file);
    return pm4::decode(file.words, file.target.generation, text, capacity);
  }
  const pm4::Target target = target_of(gfx);
  check_image(image, size);
  if (size % sizeof(uint32_t) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "size: not a multiple of 4 bytes");
  }
  return pm4::decode({reinterpret_cast<const uint32_t*>(image), size / sizeof(uint32_t)},
                     target.generation, text, capacity);
}

void validate_stream_file(const unsigned char* image, uint64_t size) {
  StreamFile file{};
  read_image(image, size, &file);
  const pm4::Registry registry = file.registry();
  pm4::Validator validator(registry);
  pm4::ValidatedStream stream;
  pm4::Refusal refusal;
  if (!validator.check(file.words, file.kind, &stream, &refusal)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "image: %s", refusal.reason.text);
  }
}

uint64_t list_code(const char* gfx, const unsigned char* bytes, uint64_t size, char* text,
                   uint64_t capacity) {
  CodeObject object;
  Reason why;
  uint64_t length = 0;
  if (bytes == nullptr) {
    if (size != 0 || gfx == nullptr) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "object: null%s", size != 0 ? "" : ", and no gfx");
    }
    if (!find_embedded_object(target_of(gfx).processor, &object, &why)) {
      fail(SPORKLE_ERROR_UNSUPPORTED, "gfx: %s", why.text);
    }
  } else if (!read_code_object({bytes, size}, &object, &why)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "object: %s", why.text);
  }
  if (gfx != nullptr && !runs_on(object, target_of(gfx).processor)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "object: for %s, not for %.24s", object.target, gfx);
  }
  if (!list_code_object(object, text, capacity, &length, &why)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "object: %s", why.text);
  }
  return length;
}

}  // namespace sporkle::amdgpu
