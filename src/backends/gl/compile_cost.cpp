#include "backends/gl/compile_cost.h"

#include <algorithm>

namespace sporkle::gl {

namespace {

using Shader = Program::Shader;

constexpr double least_rate = 100, most_rate = 50'000;

// First guesses, ns per byte of source, first dispatch included: NVIDIA driver 580, H100.
double first_guess(Shader shader) noexcept {
  switch (shader) {
    case Shader::gemm: return 1700;
    case Shader::igemm: return 3800;
    case Shader::direct:
    case Shader::depthwise: return 3000;
    case Shader::spread: return 3700;
    case Shader::stem: return 4000;
    case Shader::reduce: return 2400;
    case Shader::winograd_input: return 5000;
    case Shader::winograd_weights: return 3500;
    case Shader::winograd_output: return 1900;
    case Shader::winograd_fused: return 5500;
    case Shader::fourier_input:
    case Shader::fourier_weights:
    case Shader::fourier_output: break;
  }
  return 7500;
}
constexpr double pgemm_guess = 3300;

bool is_known(const Program& program, const std::pmr::vector<const Program*>& known) noexcept {
  return std::any_of(known.begin(), known.end(), [&](const Program* other) {
    return other->shader == program.shader && other->defines == program.defines;
  });
}

uint64_t hash_of(const Program& program) noexcept {
  uint64_t hash = 1469598103934665603u + static_cast<uint64_t>(program.shader);  // FNV-1a
  for (const char c : program.defines) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

}  // namespace

CompileCost::CompileCost() noexcept {
  for (size_t i = 0; i + 1 < kinds; ++i) ns_per_byte_[i] = first_guess(static_cast<Shader>(i));
  ns_per_byte_[kinds - 1] = pgemm_guess;
}

size_t CompileCost::kind_of(const Program& program, Family family) noexcept {
  if (program.shader == Shader::gemm && family == Family::pgemm) return kinds - 1;
  return static_cast<size_t>(program.shader);
}

bool CompileCost::is_met(const Program& packer) const noexcept {
  const uint64_t* const end = packers_ + packer_count_;
  return std::find(packers_, end, hash_of(packer)) != end;
}

uint64_t CompileCost::of(const Recipe& recipe,
                         const std::pmr::vector<const Program*>& known) const {
  double sum = 0;
  std::pmr::string source(recipe.programs.get_allocator());
  const auto add = [&](const Program& program) {
    source.clear();
    append_source(program, source);
    sum += static_cast<double>(source.size()) *
           ns_per_byte_[kind_of(program, recipe.variant.family)];
  };
  for (const Program& program : recipe.programs) {
    if (!is_known(program, known)) add(program);
  }
  for (const Program& packer : recipe.packers) {
    if (!is_known(packer, known) && !is_met(packer)) add(packer);
  }
  return static_cast<uint64_t>(sum);
}

void CompileCost::learn(const Recipe& recipe, uint64_t expected, uint64_t ns) noexcept {
  for (const Program& packer : recipe.packers) {
    if (is_met(packer) || packer_count_ == packer_limit) continue;
    packers_[packer_count_++] = hash_of(packer);
  }
  if (expected == 0) return;
  const double ratio = static_cast<double>(ns) / static_cast<double>(expected);
  const double factor = 1 + (ratio > 1 ? 0.5 : 0.2) * (ratio - 1);
  bool seen[kinds] = {};
  for (const Program& program : recipe.programs) {
    const size_t i = kind_of(program, recipe.variant.family);
    if (seen[i]) continue;
    seen[i] = true;
    ns_per_byte_[i] = std::clamp(ns_per_byte_[i] * factor, least_rate, most_rate);
  }
}

}  // namespace sporkle::gl
