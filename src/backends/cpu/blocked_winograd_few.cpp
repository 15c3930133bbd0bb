// Few Winograd tiles on blocked tensors: weights are transformed as they are read.
#include "backends/cpu/blocked_step.h"
#include "backends/cpu/winograd_few.h"
#include "backends/cpu/winograd_weights.h"

namespace sporkle::cpu {

namespace {

constexpr ptrdiff_t taps = 9, rows = 6;  // of positions, and columns

}  // namespace

// [vector of output channels][channel][tap][lane], and the direct form beside it.
void BlockedWinograd::pack_few(const PlanRequest& request) {
  direct_ = pack_direct(request);
  weights_ = AlignedBlock(request.memory,
                          sizeof(float) * static_cast<uint64_t>(vectors_ * lanes_ * problem_.c * taps));
  float* out = weights_.floats();
  for (ptrdiff_t k = 0; k < vectors_ * lanes_; k += lanes_) {
    for (ptrdiff_t i = 0; i < problem_.c * taps; ++i, out += lanes_) {
      for (ptrdiff_t lane = 0; lane < lanes_; ++lane) {
        const bool there = k + lane < problem_.k;
        out[lane] = there ? request.weights[(k + lane) * problem_.c * taps + i] : 0.0f;
      }
    }
  }
}

// From [position][block of channels][tile][lane] to what the products read, times the
// factors that their transformation of the weights leaves out.
void BlockedWinograd::mix(const Run& run, ptrdiff_t first_block,
                          ptrdiff_t last_block) const noexcept {
  const ptrdiff_t count = run.tiles.count, group = few_tiles();
  const ptrdiff_t first = first_block * lanes_;
  const ptrdiff_t last = std::min<ptrdiff_t>(last_block * lanes_, problem_.c);
  float scales[rows];
  for (int i = 0; i < rows; ++i) scales[i] = static_cast<float>(weight_scale(4, i));
  for (ptrdiff_t t = 0; t < groups(count) * group; ++t) {
    for (ptrdiff_t i = 0; i < positions_; ++i) {
      const float scale = scales[i / rows] * scales[i % rows];
      const float* const from = run.input + i * input_position(count) + t * lanes_;
      float* const to = run.mixed + t / group * few_group() +
                        i / rows * problem_.c * rows * group + i % rows * group + t % group;
      for (ptrdiff_t c = first; c < last; ++c) {
        to[c * rows * group] =
            t < count ? from[c / lanes_ * count * lanes_ + c % lanes_] * scale : 0.0f;
      }
    }
  }
}

void BlockedWinograd::multiply_few(const Run& run, ptrdiff_t block, ptrdiff_t first,
                                   ptrdiff_t last) const noexcept {
  const ptrdiff_t width = vectors(block) * lanes_;
  for (ptrdiff_t g = first; g < last; ++g) {
    for (ptrdiff_t v = 0; v < vectors(block); ++v) {
      const ptrdiff_t lane = (block * blocked_vectors + v) * lanes_;
      winograd_few_multiply(kernels_, {weights_.floats() + lane * problem_.c * taps,
                                       run.mixed + g * few_group(), problem_.c,
                                       run.task + g * few_tiles() * width + v * lanes_,
                                       sums_position(run.tiles.count), width});
    }
  }
}

}  // namespace sporkle::cpu
