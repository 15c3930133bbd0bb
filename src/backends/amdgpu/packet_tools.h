// The packet tools of the public interface. No device is needed or opened.
#pragma once

#include "core/conv_problem.h"
#include "sporkle.h"

namespace sporkle::amdgpu {

// Each throws Error. See sporkle.h, "AMD packet tools".
uint64_t encode_stream_file(const char* gfx, const ConvProblem& problem, unsigned char* image,
                            uint64_t capacity, sporkle_pm4_info* out_info);
uint64_t decode_packets(const char* gfx, const unsigned char* image, uint64_t size, char* text,
                        uint64_t capacity);
void validate_stream_file(const unsigned char* image, uint64_t size);
uint64_t list_code(const char* gfx, const unsigned char* bytes, uint64_t size, char* text,
                   uint64_t capacity);

}  // namespace sporkle::amdgpu
