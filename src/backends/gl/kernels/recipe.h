// How a convolution is computed by OpenGL compute shaders, as plain data: which
// programs, which dispatches, which bytes of which tensor behind which binding.
// Nothing here calls OpenGL; the device executes what a Recipe says.
//
//   variants()      the catalogue, constant data; a variant has a stable name
//   rank()          the variants that accept a problem on a device, best first
//   build()         one variant + problem + limits -> Recipe
//   append_source() GLSL text of one program of a recipe
//   pack_weights()  weights and bias -> the bytes of Tensor::packed
//
// A recipe with `packing` dispatches packs on the device instead: create Tensor::raw
// (device-local, weights and then bias as the user gives them), run the dispatches with
// the programs of `packers`, then copy the bias to packed + bias_offset.
//
// To run a recipe: create Tensor::packed (recipe.packed_bytes, device-local,
// filled once) and Tensor::workspace (recipe.workspace_bytes,
// device-local, contents arbitrary, owned by one operation at a time). For each
// dispatch in order:
//
//   if (d.barrier) glMemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
//   glUseProgram(program d.program);
//   glUniform4uiv(0, 2, d.args);   // unless the program object still has these values
//   for each binding b: glBindBufferRange(GL_SHADER_STORAGE_BUFFER, b.slot,
//       buffer of b.tensor, base of that tensor + b.offset, b.bytes);
//   glDispatchCompute(d.groups[0], d.groups[1], d.groups[2]);
//
// Offsets are relative to the start of the tensor. The base of every tensor
// inside its buffer must be a multiple of Limits::offset_alignment and of 16.
// b.offset is a multiple of offset_alignment, b.bytes is at most
// Limits::max_block_bytes, and b.offset + b.bytes never passes the end of the
// tensor. A barrier before the first dispatch (against earlier operations) is
// the device's business; `barrier` covers only dependencies inside the recipe.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/conv_problem.h"
#include "core/parallel.h"

namespace sporkle::gl {

// software: llvmpipe, softpipe, zink over lavapipe, and anything else the CPU computes.
enum class Vendor : uint8_t { nvidia, amd, intel, software, other };

// What a recipe may rely on, filled from glGet* by the device.
struct Limits {
  uint32_t max_groups[3] = {65535, 65535, 65535};  // GL_MAX_COMPUTE_WORK_GROUP_COUNT
  uint32_t max_invocations = 1024;       // GL_MAX_COMPUTE_WORK_GROUP_INVOCATIONS (and size x)
  uint32_t shared_bytes = 32768;         // GL_MAX_COMPUTE_SHARED_MEMORY_SIZE
  uint32_t offset_alignment = 256;       // GL_SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT
  uint32_t max_storage_blocks = 8;       // GL_MAX_COMPUTE_SHADER_STORAGE_BLOCKS
  uint64_t max_block_bytes = 1ull << 27; // GL_MAX_SHADER_STORAGE_BLOCK_SIZE
  uint64_t max_workspace_bytes = 1ull << 31;  // what the device is ready to spend per plan
  uint32_t compute_units = 0;            // GL_SM_COUNT_NV (0x933B) where known, else 0
  Vendor vendor = Vendor::other;
};

enum class Tensor : uint8_t { input, packed, residual, output, workspace, raw };

// gemm: 1x1 stride-1 as matrix product with vec4 loads. pgemm: implicit GEMM in the same
// loop, four pixels per vec4. depthwise: groups of one input channel, patch in registers. igemm: implicit GEMM, taps outside,
// channels inside. itable: implicit GEMM over taps and channels flattened through a table.
// direct: one thread, a few pixels and channels, no shared memory. spread: for small problems,
// the warps of a workgroup share the reduction of a few pixels and channels. stem: few input channels,
// patch and weights in shared memory. winograd: what has 3x3, 4x4 or 5x5 taps per phase of
// its stride, in three dispatches. fused: F(2x2,3x3) in one. fourier: up to 12x12 taps per phase, likewise.
// igemm, itable, direct and spread take any problem whose sizes fit, pgemm kernels up to 16x16.
enum class Family : uint8_t {
  gemm, pgemm, igemm, itable, direct, spread, depthwise, stem, winograd, fused, fourier
};

// exact_order: every output is one chain of fused or unfused multiply-adds in a fixed order
// (split-K: a fixed number of chains); error like any fp32 convolution. winograd2 (4x4
// inputs per tile) and winograd4 (6x6): transforms add rounding and spread NaN and infinity
// inside a tile. fourier (16x16): the error is relative to the largest outputs of a tile.
enum class ErrorClass : uint8_t { exact_order, winograd2, winograd4, fourier };

// One entry of the catalogue. The name ("w4_64x128x8_8x8_l2_p4") is stable and
// unique: it may be stored in a cache and given to find_variant().
struct Variant {
  char name[40];
  Family family;
  uint8_t tile;       // winograd: output tile edge, 2 to 4; else 0
  uint16_t block_m;   // output channels per workgroup
  uint16_t block_n;   // pixels per workgroup; fused: tiles
  uint16_t block_k;   // reduction depth per step; stem: most channels staged at once
  uint8_t thread_m, thread_n;  // outputs per thread
  uint8_t lanes_m;    // threads of 32 that lie along the output channels
  uint8_t steps;      // gemm, pgemm, winograd, fourier: reduction steps written out in the rolled loop;
                      // depthwise: output rows per thread; spread: warps; fused: parts
                      // of the workgroup that share the channels; else 0
  uint16_t splits;    // split-K
  uint8_t kernel = 3; // winograd: edge of the filter per phase, 3 to 5; else unused
};

struct Binding {
  uint32_t slot;     // SSBO binding index in the shader
  Tensor tensor;
  uint64_t offset;   // bytes from the start of the tensor
  uint64_t bytes;
};

constexpr uint32_t max_bindings = 6;
constexpr uint32_t arg_count = 8;

struct Dispatch {
  uint32_t program;          // index into Recipe::programs
  uint32_t groups[3];
  uint32_t args[arg_count];  // uniform uvec4 args[2] at location 0
  uint32_t barrier;          // non-zero: reads what an earlier dispatch of this recipe wrote,
                             // or overwrites what one read
  uint32_t binding_count;
  Binding bindings[max_bindings];
};

// A shader to compile. `defines` is the whole specialisation: equal shader and
// defines mean equal source, so {shader, defines} is the key of a program cache
// in memory; a cache on disk keys by a hash of the source, which changes with the library.
// Tensor addresses and batch size are not part of it, except the number of tiles of winograd
// and fourier without Recipe::any_batch.
struct Program {
  enum class Shader : uint8_t {
    gemm, igemm, direct, spread, depthwise, stem, reduce,
    winograd_input, winograd_weights, winograd_output, winograd_fused,
    fourier_input, fourier_weights, fourier_output
  };
  Shader shader;
  std::pmr::string defines;  // "#define NAME value" lines
};

struct Recipe {
  explicit Recipe(std::pmr::memory_resource* memory)
      : programs(memory), dispatches(memory), packers(memory), packing(memory) {}
  // A plain copy would leave the caller's allocator.
  Recipe(const Recipe& other, std::pmr::memory_resource* memory);
  Recipe(Recipe&&) = default;
  Recipe& operator=(Recipe&&) = default;

  Variant variant{};
  bool any_batch = false;        // the programs are those of every batch size
  ErrorClass error_class = ErrorClass::exact_order;
  uint64_t packed_bytes = 0;     // multiple of 16, at least 16
  uint64_t bias_offset = 0;      // inside Tensor::packed
  uint64_t table_offset = 0;     // likewise; private to build and pack_weights
  uint64_t workspace_bytes = 0;  // 0: no workspace; else a multiple of 16
  std::pmr::vector<Program> programs;
  std::pmr::vector<Dispatch> dispatches;
  std::pmr::vector<Program> packers;   // of `packing`; once per plan
  std::pmr::vector<Dispatch> packing;  // empty: pack_weights packs
};

// The whole catalogue, in no particular order; static data.
std::span<const Variant> variants() noexcept;

// The variant of that name, or null.
const Variant* find_variant(const char* name) noexcept;

// Names of all variants and texts of all shaders in 32 bits: what was found out about other
// kernels says nothing about these. Computed once per process.
uint32_t catalogue_mark() noexcept;

// Whether build() would succeed; `reason` (may be null) says why not.
bool accepts(const Variant& variant, const ConvProblem& problem, const Limits& limits,
             Reason* reason) noexcept;

// The variants worth trying for a problem on this device, best guess first; all
// of them accept. Empty when nothing accepts; `reason` (may be null) then says
// why the most general variant refused. A tuner times the first few. With `any_batch` the
// order is the same whatever the batch size.
std::pmr::vector<const Variant*> rank(const ConvProblem& problem, const Limits& limits,
                                      std::pmr::memory_resource* memory, Reason* reason,
                                      bool any_batch = false);

// Throws Error (SPORKLE_ERROR_UNSUPPORTED with the reason) when the variant refuses. With
// `any_batch` the programs are the same text whatever the batch size, so that no compiler can
// make other sums of a part of the batch.
Recipe build(const Variant& variant, const ConvProblem& problem, const Limits& limits,
             std::pmr::memory_resource* memory, bool any_batch = false);

// A short name of a program for logs and labels, for example "igemm".
const char* shader_name(Program::Shader shader) noexcept;

// Appends the complete GLSL 4.30 source, #version line first.
void append_source(const Program& program, std::pmr::string& sink);

// Of a recipe without `packing`: fills all recipe.packed_bytes of `out` (16-byte aligned; may be write-only
// mapped memory: every byte is written once and none is read).
// `bias` is null exactly when the problem has none. `parallel` may be null.
void pack_weights(const Recipe& recipe, const ConvProblem& problem, const float* weights,
                  const float* bias, std::byte* out, ParallelFor* parallel);

// What the shader of itable reads beside the weights, at recipe.table_offset of the packed
// ones; empty for every other family.
std::pmr::vector<std::byte> tap_table(const Recipe& recipe, const ConvProblem& problem,
                                      std::pmr::memory_resource* memory);

}  // namespace sporkle::gl
