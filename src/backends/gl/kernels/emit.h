// Writes the parts of a Recipe: defines of a program, bindings and grid of a dispatch.
#pragma once

#include <cstdio>
#include <cstring>

#include "backends/gl/kernels/geometry.h"

namespace sporkle::gl {

class Defines {
 public:
  explicit Defines(std::pmr::string& sink) : sink_(sink) {}

  Defines& add(const char* name, int64_t value) {
    char line[96];
    const int length = std::snprintf(line, sizeof line, "#define %s %lld\n", name,
                                     static_cast<long long>(value));
    sink_.append(line, length);
    return *this;
  }

  Defines& add_text(const char* name, const char* expression) {
    sink_.append("#define ").append(name).append(" ").append(expression).append("\n");
    return *this;
  }

  Defines& add_bits(const char* name, float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    char line[96];
    const int length = std::snprintf(line, sizeof line, "#define %s 0x%08xu\n", name, bits);
    sink_.append(line, length);
    return *this;
  }

 private:
  std::pmr::string& sink_;
};

// Starts a program and returns its defines. The epilogue defines (bias, residual,
// activation) are those of the problem, or none of them when `finish` is false.
Defines add_program(Recipe& recipe, Program::Shader shader, uint32_t threads,
                    const ConvProblem& problem, bool finish);

// Tile sizes of the families that multiply through shared memory.
void add_tile_defines(Defines& defines, const Variant& variant, const Geometry& geometry);

// Tiles of the gemm shader in vec4s.
void add_quad_defines(Defines& defines, const Variant& variant);

// Sizes of the gemm shader without GATHER: `depth` rows of `plane` elements per group and image.
void add_gemm_defines(Defines& defines, const Variant& variant, int64_t depth, int64_t in_rows,
                      int64_t out_rows, int64_t plane);

// What every shader that reads the input tensor or writes the output knows.
void add_problem_defines(Defines& defines, const ConvProblem& problem);

class DispatchBuilder {
 public:
  DispatchBuilder(Recipe& recipe, const Limits& limits, uint32_t program)
      : recipe_(recipe), limits_(limits) {
    dispatch_.program = program;
  }

  // Binds bytes [begin, end) of a tensor, aligned down as the device demands.
  // Returns the elements between the start of the binding and `begin`.
  uint32_t bind(uint32_t slot, Tensor tensor, uint64_t begin, uint64_t end);

  void set_arg(uint32_t index, uint64_t value) {
    dispatch_.args[index] = static_cast<uint32_t>(value);
  }

  // Emits the dispatch: `columns` along x, `tiles` folded over y and z.
  // `list` null: to the dispatches of the recipe.
  void finish(int64_t columns, int64_t tiles, bool barrier,
              std::pmr::vector<Dispatch>* list = nullptr);

  // Emits the dispatch with this grid.
  void finish_box(int64_t x, int64_t y, int64_t z, bool barrier,
                  std::pmr::vector<Dispatch>* list = nullptr);

 private:
  Recipe& recipe_;
  const Limits& limits_;
  Dispatch dispatch_{};
};

// Binds the weights of `count` slabs from `first` (slot 1) and tells the shader.
void bind_slabs(DispatchBuilder& dispatch, const Variant& variant, const Geometry& geometry,
                int64_t first, int64_t count);

// Adds a binding of the problem's bias (slot 2) and residual (slot 3).
void bind_epilogue(DispatchBuilder& dispatch, const Recipe& recipe, const Geometry& geometry,
                   const ConvProblem& problem, uint64_t begin, uint64_t end);

// The kinds of recipe; `recipe` has its variant and layout, no programs yet.
void build_tiled(Recipe& recipe, const ConvProblem& problem, const Limits& limits,
                 const Geometry& geometry);
void build_transformed(Recipe& recipe, const ConvProblem& problem, const Limits& limits,
                       const Geometry& geometry);
void build_fused(Recipe& recipe, const ConvProblem& problem, const Limits& limits,
                 const Geometry& geometry);

// The program and dispatch that transform the weights of winograd, fused and fourier.
void build_packing(Recipe& recipe, const ConvProblem& problem, const Limits& limits,
                   const Geometry& geometry);

}  // namespace sporkle::gl
