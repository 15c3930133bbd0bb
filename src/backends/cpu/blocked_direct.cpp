// Convolutions on blocked tensors by their definition.
#include <algorithm>

#include "backends/cpu/blocked_step.h"
#include "backends/cpu/schedule.h"

namespace sporkle::cpu {

namespace {

// Inputs that go through all output channels before the next ones.
constexpr ptrdiff_t part_bytes = 512 * 1024;
constexpr ptrdiff_t line_bytes = 64;

}  // namespace

uint64_t BlockedShape::bytes() const {
  uint64_t total = sizeof(float);
  for (const ptrdiff_t factor : {images, blocks(), block()}) {
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(factor), &total)) {
      fail(SPORKLE_ERROR_OVERFLOW, "steps: a tensor between them does not fit");
    }
  }
  return total;
}

BlockedStep::BlockedStep(const PlanRequest& request)
    : problem_(request.problem),
      kernels_(request.kernels),
      threads_(request.threads),
      lanes_(request.kernels.lanes),
      in_blocks_(divide_up(request.problem.c, lanes_)),
      vectors_(divide_up(request.problem.k, lanes_)),
      blocks_(divide_up(vectors_, blocked_vectors)),
      bias_(request.memory, sizeof(float) * vectors_ * lanes_) {
  std::fill_n(bias_.floats(), vectors_ * lanes_, 0.0f);
  if (request.bias != nullptr) std::copy_n(request.bias, problem_.k, bias_.floats());
}

void BlockedStep::connect(const BlockedShape& x, const BlockedShape* residual,
                          const BlockedShape& out) {
  x_ = x;
  out_ = out;
  residual_ = residual == nullptr ? out : *residual;
  connected();
}

AlignedBlock BlockedStep::pack_direct(const PlanRequest& request) const {
  const ptrdiff_t taps = problem_.kernel_h * problem_.kernel_w;
  AlignedBlock packed(request.memory,
                      sizeof(float) * vectors_ * lanes_ * taps * in_blocks_ * lanes_);
  float* out = packed.floats();
  for (ptrdiff_t b = 0; b < blocks_; ++b) {
    const ptrdiff_t first = b * blocked_vectors * lanes_, lanes = vectors(b) * lanes_;
    const ptrdiff_t real = std::min<ptrdiff_t>(problem_.k - first, lanes);
    for (ptrdiff_t c = 0; c < in_blocks_ * lanes_; c += lanes_) {
      for (ptrdiff_t i = 0; i < taps * lanes_; ++i, out += lanes) {
        const ptrdiff_t channel = c + i % lanes_, tap = i / lanes_;
        std::fill_n(out, lanes, 0.0f);
        if (channel >= problem_.c) continue;
        const float* from = request.weights + (first * problem_.c + channel) * taps + tap;
        for (ptrdiff_t k = 0; k < real; ++k) out[k] = from[k * problem_.c * taps];
      }
    }
  }
  return packed;
}

BlockedDirect::BlockedDirect(const PlanRequest& request)
    : BlockedStep(request), taps_(request.memory) {
  weights_ = pack_direct(request);
}

ptrdiff_t BlockedDirect::zeros_right() const noexcept {
  const ConvProblem& p = problem_;
  const ptrdiff_t last =
      (p.out_w - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w - p.pad_left;
  return std::max<ptrdiff_t>(last - (p.w - 1), 0);
}

void BlockedDirect::connected() {
  const ConvProblem& p = problem_;
  const auto plain = [](const BlockedShape& s) { return s.left == 0 && s.right == 0; };
  rows_ = p.out_h;
  columns_ = p.out_w;
  if (is_pointwise(p) && plain(x_) && plain(out_) && plain(residual_)) {
    columns_ *= rows_;
    rows_ = 1;
  }
  row_tiles_ = divide_up(columns_, kernels_.blocked.rows);
  tiles_ = p.n * rows_ * row_tiles_;
  taps_.clear();
  for (ptrdiff_t r = 0; r < p.kernel_h; ++r) {
    for (ptrdiff_t s = 0; s < p.kernel_w; ++s) {
      taps_.push_back(r * p.dilation_h * x_.pitch() + s * p.dilation_w * lanes_);
    }
  }
}

ptrdiff_t BlockedDirect::panel_bytes(ptrdiff_t block) const noexcept {
  return sizeof(float) * vectors(block) * lanes_ * lanes_ * in_blocks_ *
         static_cast<ptrdiff_t>(taps_.size());
}

void BlockedDirect::execute(const BlockedOperands& operands, ParallelFor& parallel,
                            void*) const noexcept {
  ParallelFor* pool = threads_for(kernels_, problem_.flops(), parallel);
  const ptrdiff_t input = sizeof(float) * problem_.n * x_.image();
  ptrdiff_t parts = std::min(divide_up(input, part_bytes), tiles_);
  if (pool != nullptr) {
    const ptrdiff_t wanted = divide_up(4 * static_cast<ptrdiff_t>(threads_), blocks_);
    parts = std::max(parts, std::min(wanted, divide_up(tiles_, 2)));
  }
  for_ranges(pool, parts * blocks_, 16, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const ptrdiff_t part = i / blocks_, block = i % blocks_;
      const ptrdiff_t next = block + 1 < blocks_ ? block + 1 : 0;
      const float* ahead = weights_.floats() + weights_before(next, taps_.size());
      if (i + 1 == parts * blocks_) ahead = operands.next_weights;
      run_range(operands, {block, part * tiles_ / parts, (part + 1) * tiles_ / parts,
                           reinterpret_cast<const char*>(ahead)});
    }
  });
}

void BlockedDirect::run_range(const BlockedOperands& operands, const Range& range) const noexcept {
  BlockedTileArgs args{};
  args.w_block = vectors(range.block) * lanes_ * lanes_ * static_cast<ptrdiff_t>(taps_.size());
  args.channels = problem_.c;
  args.x_block = x_.block();
  args.bias = bias(range.block);
  args.residual_vector = residual_.block();
  args.out_row = lanes_;
  args.out_vector = out_.block();
  FinishArgs activation{};
  set_activation(problem_, &activation);
  args.activate = activation.activate;
  args.low = activation.low;
  args.high = activation.high;
  // The first tiles prefetch the next weights, a line per channel and tap.
  ptrdiff_t missing = panel_bytes(range.block);
  const ptrdiff_t each =
      static_cast<ptrdiff_t>(taps_.size()) * in_blocks_ * lanes_ * line_bytes;
  const char* ahead = range.ahead;
  for (ptrdiff_t tile = range.first_tile; tile < range.last_tile; ++tile) {
    args.ahead = missing > 0 ? ahead : reinterpret_cast<const char*>(weights_.floats());
    args.ahead_step = missing > 0 ? line_bytes : 0;
    ahead += each;
    missing -= each;
    run_tile(operands, range.block, tile, args);
  }
}

void BlockedDirect::run_tile(const BlockedOperands& operands, ptrdiff_t block, ptrdiff_t tile,
                             BlockedTileArgs args) const noexcept {
  const ConvProblem& p = problem_;
  const ptrdiff_t part = tile % row_tiles_, line = tile / row_tiles_;
  const ptrdiff_t image = line / rows_, y = line % rows_;
  const ptrdiff_t x = part * columns_ / row_tiles_;
  const ptrdiff_t count = (part + 1) * columns_ / row_tiles_ - x;
  // Kernel rows whose input row exists.
  const ptrdiff_t top = y * p.stride_h - p.pad_top;
  const ptrdiff_t first = top >= 0 ? 0 : std::min<ptrdiff_t>(divide_up(-top, p.dilation_h),
                                                             p.kernel_h);
  const ptrdiff_t past =
      top >= p.h ? 0 : std::min<ptrdiff_t>(p.kernel_h, (p.h - top - 1) / p.dilation_h + 1);
  const ptrdiff_t rows = std::max<ptrdiff_t>(past - first, 0);
  const ptrdiff_t first_tap = rows == 0 ? 0 : first * p.kernel_w;
  args.taps = taps_.data() + first_tap;
  args.tap_count = rows * p.kernel_w;
  args.w = weights_.floats() + weights_before(block, taps_.size()) +
           first_tap * lanes_ * vectors(block) * lanes_;
  args.x = operands.x + image * x_.image() + top * x_.pitch() +
           (x * p.stride_w - p.pad_left) * lanes_;
  const ptrdiff_t vector = block * blocked_vectors;
  args.out = operands.out + image * out_.image() + vector * out_.block() + y * out_.pitch() +
             x * lanes_;
  if (operands.residual != nullptr) {
    args.residual = operands.residual + image * residual_.image() + vector * residual_.block() +
                    y * residual_.pitch() + x * lanes_;
  }
  kernels_.blocked.tile[p.stride_w - 1][count][vectors(block)](args);
}

}  // namespace sporkle::cpu
