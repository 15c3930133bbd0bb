// The AMD packet tools.
#include "api/boundary.h"
#include "api/problem.h"
#include "backends/registry.h"

using namespace sporkle;

sporkle_status sporkle_pm4_encode(const char* gfx, const sporkle_conv2d_desc* desc, void* image,
                                  uint64_t capacity, uint64_t* out_size,
                                  sporkle_pm4_info* out_info) {
  return boundary("sporkle_pm4_encode", [&]() -> Status {
    checked_out(out_size, "out_size");
    if (out_info != nullptr) check_out_struct(out_info, "out_info");
    if (image == nullptr && capacity != 0) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "image: null");
    }
    const ConvProblem problem = read_problem(desc);
    sporkle_pm4_info info{};
    *out_size = pm4_encode(gfx, problem, static_cast<unsigned char*>(image), capacity,
                           out_info != nullptr ? &info : nullptr);
    if (out_info != nullptr) write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_pm4_decode(const char* gfx, const void* image, uint64_t size, char* text,
                                  uint64_t capacity, uint64_t* out_length) {
  return boundary("sporkle_pm4_decode", [&]() -> Status {
    checked_out(out_length, "out_length");
    if (text == nullptr && capacity != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "text: null");
    *out_length =
        pm4_decode(gfx, static_cast<const unsigned char*>(image), size, text, capacity);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_pm4_validate(const void* image, uint64_t size) {
  return boundary("sporkle_pm4_validate", [&]() -> Status {
    pm4_validate(static_cast<const unsigned char*>(image), size);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_pm4_list_code(const char* gfx, const void* object, uint64_t size, char* text,
                                     uint64_t capacity, uint64_t* out_length) {
  return boundary("sporkle_pm4_list_code", [&]() -> Status {
    checked_out(out_length, "out_length");
    if (text == nullptr && capacity != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "text: null");
    *out_length =
        pm4_list_code(gfx, static_cast<const unsigned char*>(object), size, text, capacity);
    return SPORKLE_OK;
  });
}
