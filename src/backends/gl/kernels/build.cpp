#include "backends/gl/kernels/emit.h"

namespace sporkle::gl {
namespace {

ErrorClass error_class_of(const Variant& v) {
  if (v.family == Family::fourier) return ErrorClass::fourier;
  if (v.family != Family::winograd && v.family != Family::fused) return ErrorClass::exact_order;
  return tile_edge(v) == 6 ? ErrorClass::winograd4 : ErrorClass::winograd2;
}

}  // namespace

bool accepts(const Variant& variant, const ConvProblem& problem, const Limits& limits,
             Reason* reason) noexcept {
  Geometry geometry;
  return make_geometry(variant, problem, limits, &geometry, reason);
}

Recipe::Recipe(const Recipe& other, std::pmr::memory_resource* memory)
    : variant(other.variant),
      any_batch(other.any_batch),
      error_class(other.error_class),
      packed_bytes(other.packed_bytes),
      bias_offset(other.bias_offset),
      table_offset(other.table_offset),
      workspace_bytes(other.workspace_bytes),
      programs(memory),
      dispatches(other.dispatches, memory),
      packers(memory),
      packing(other.packing, memory) {
  const auto copy = [memory](const std::pmr::vector<Program>& from, std::pmr::vector<Program>* to) {
    to->reserve(from.size());
    for (const Program& one : from) {
      to->push_back({one.shader, std::pmr::string(one.defines, memory)});
    }
  };
  copy(other.programs, &programs);
  copy(other.packers, &packers);
}

Recipe build(const Variant& variant, const ConvProblem& problem, const Limits& limits,
             std::pmr::memory_resource* memory, bool any_batch) {
  Geometry geometry;
  Reason reason;
  if (!make_geometry(variant, problem, limits, &geometry, &reason))
    fail(SPORKLE_ERROR_UNSUPPORTED, "%s: %s", variant.name, reason.text);
  Recipe recipe(memory);
  recipe.variant = variant;
  recipe.any_batch = any_batch;
  recipe.error_class = error_class_of(variant);
  recipe.packed_bytes = geometry.packed_bytes;
  recipe.bias_offset = geometry.bias_offset;
  recipe.table_offset = geometry.table_offset;
  recipe.workspace_bytes = geometry.workspace_bytes;
  if (is_transformed(variant.family)) {
    build_transformed(recipe, problem, limits, geometry);
  } else if (variant.family == Family::fused) {
    build_fused(recipe, problem, limits, geometry);
  } else {
    build_tiled(recipe, problem, limits, geometry);
  }
  return recipe;
}

}  // namespace sporkle::gl
