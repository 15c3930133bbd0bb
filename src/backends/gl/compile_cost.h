// What a driver takes to make programs run for the first time, learned as programs are
// made: the tuner begins no candidate that cannot be expected to end in time. Not
// synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/gl/kernels/recipe.h"

namespace sporkle::gl {

class CompileCost {
 public:
  CompileCost() noexcept;

  // Nanoseconds for those of the recipe's programs and packers that are not among `known`, nor
  // packers learned about before: problems share these. Time grows with the source; its rate
  // depends on the kind of shader.
  uint64_t of(const Recipe& recipe, const std::pmr::vector<const Program*>& known) const;

  // `expected` is what of() said, `ns` what they took. A driver that had some of them in its
  // cache will not have the next: less than expected counts by and by.
  void learn(const Recipe& recipe, uint64_t expected, uint64_t ns) noexcept;

 private:
  // One rate per shader, and one for pgemm, which is a form of the gemm shader.
  static constexpr size_t kinds = static_cast<size_t>(Program::Shader::fourier_output) + 2;
  static constexpr size_t packer_limit = 64;
  static size_t kind_of(const Program& program, Family family) noexcept;
  bool is_met(const Program& packer) const noexcept;
  double ns_per_byte_[kinds];
  uint64_t packers_[packer_limit];  // hashes of those compiled before
  size_t packer_count_ = 0;
};

}  // namespace sporkle::gl
