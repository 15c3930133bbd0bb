#include "backends/cpu/blocked_sequence.h"

#include <algorithm>
#include <cstdio>

#include "backends/cpu/schedule.h"

namespace sporkle::cpu {

namespace {

// Part of the lanes that has to hold channels.
constexpr double least_lanes = 0.7;

// Tensors of a step that images pass through together: with more of them weights
// are read less often, but what one step writes the next one reads from memory.
constexpr double pass_bytes = 2e6;

// A divisor of the batch.
int64_t images_together(SequenceSteps steps) noexcept {
  double largest = 1;
  for (const SequenceStep& step : steps) {
    const ConvProblem& p = step.problem;
    largest = std::max(largest, static_cast<double>(p.input_bytes() + p.output_bytes()) /
                                    static_cast<double>(p.n));
  }
  const int64_t batch = steps[0].problem.n;
  auto images = static_cast<int64_t>(
      std::clamp(pass_bytes / largest, 1.0, static_cast<double>(batch)));
  while (batch % images != 0) --images;
  return images;
}

PlanRequest request_of(const SequenceRequest& request, const SequenceStep& step) noexcept {
  return {step.problem, request.kernels, request.threads, request.level2_bytes,
          step.weights, step.bias,       request.memory};
}

}  // namespace

bool BlockedSequence::usable(const SequenceRequest& request) noexcept {
  // One convolution would be turned twice for nothing.
  if (request.steps.size() < 2) return false;
  double used = 0, all = 0;
  for (const SequenceStep& step : request.steps) {
    if (!blocked_usable(request_of(request, step))) return false;
    const double flops = static_cast<double>(step.problem.flops());
    const int64_t lanes = request.kernels.lanes;
    used += flops;
    all += flops * static_cast<double>(divide_up(step.problem.k, lanes) * lanes) /
           static_cast<double>(step.problem.k);
  }
  return used >= least_lanes * all;
}

BlockedSequence::BlockedSequence(const SequenceRequest& request)
    : CpuWork(extent_of(request.steps)),
      kernels_(request.kernels),
      images_(images_together(request.steps)),
      passes_(request.steps[0].problem.n / images_),
      steps_(request.memory),
      tensors_(request.memory) {
  steps_.reserve(request.steps.size());
  for (const SequenceStep& step : request.steps) {
    ConvProblem problem = step.problem;
    problem.n = images_;
    const PlanRequest part{problem,      request.kernels, request.threads, request.level2_bytes,
                           step.weights, step.bias,       request.memory};
    steps_.push_back({create_blocked_step(part, request.reproducible ? 1 : images_), step.input,
                      step.residual});
    packed_bytes_ += steps_.back().work->packed_bytes();
    scratch_bytes_ = std::max(scratch_bytes_, steps_.back().work->workspace_bytes());
  }
  shape_tensors(request);
  place_tensors(request);
  for (uint32_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    step.work->connect(tensors_[step.input].shape,
                       step.residual == sequence_none ? nullptr : &tensors_[step.residual].shape,
                       tensors_[i + 1].shape);
  }
  std::snprintf(algorithm_, sizeof algorithm_, "sequence of %zu, blocked", steps_.size());
}

void BlockedSequence::shape_tensors(const SequenceRequest& request) {
  tensors_.resize(steps_.size() + 1);
  const ptrdiff_t lanes = kernels_.lanes;
  const ConvProblem& first = request.steps[0].problem;
  tensors_[0].shape = {images_, first.c, first.h, first.w, lanes};
  for (uint32_t i = 0; i < steps_.size(); ++i) {
    const ConvProblem& p = request.steps[i].problem;
    tensors_[i + 1].shape = {images_, p.k, p.out_h, p.out_w, lanes};
  }
  for (const Step& step : steps_) {
    BlockedShape& shape = tensors_[step.input].shape;
    shape.left = std::max(shape.left, step.work->zeros_left());
    shape.right = std::max(shape.right, step.work->zeros_right());
  }
}

void BlockedSequence::place_tensors(const SequenceRequest& request) {
  auto placed = lifetimes(request.steps, request.memory);
  const auto last = static_cast<uint32_t>(steps_.size());
  placed[last].born = placed[last].dies = last - 1;
  for (uint32_t i = 0; i <= last; ++i) {
    placed[i].bytes = tensors_[i].shape.bytes();
    const uint32_t ancestor = placed[i].heir_of;
    if (ancestor != sequence_none && !(tensors_[ancestor].shape == tensors_[i].shape)) {
      placed[i].heir_of = sequence_none;
    }
  }
  arena_bytes_ = place(placed, AlignedBlock::alignment);
  for (uint32_t i = 0; i <= last; ++i) tensors_[i].offset = placed[i].offset;
}

float* BlockedSequence::origin(const Tensor& tensor, void* workspace) const noexcept {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + tensor.offset) +
         tensor.shape.left * tensor.shape.lanes;
}

// The memory held other tensors before.
void BlockedSequence::clear_columns(const Tensor& tensor, float* at) const noexcept {
  const BlockedShape& s = tensor.shape;
  if (s.left == 0 && s.right == 0) return;
  for (ptrdiff_t b = 0; b < s.images * s.blocks(); ++b) {
    for (ptrdiff_t y = 0; y < s.height; ++y) {
      float* const row = at + b * s.block() + y * s.pitch();
      std::fill_n(row - s.left * s.lanes, s.left * s.lanes, 0.0f);
      std::fill_n(row + s.width * s.lanes, s.right * s.lanes, 0.0f);
    }
  }
}

void BlockedSequence::enter(const float* input, float* to, ParallelFor& parallel) const noexcept {
  const BlockedShape& s = tensors_.front().shape;
  const bool whole = s.left == 0 && s.right == 0;
  const ptrdiff_t plane = s.height * s.width;
  for_ranges(&parallel, s.images * s.blocks(), 2, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const ptrdiff_t image = i / s.blocks(), c = i % s.blocks() * s.lanes;
      const float* const from = input + (image * s.channels + c) * plane;
      const ptrdiff_t channels = std::min(s.lanes, s.channels - c);
      for (ptrdiff_t y = 0; y < (whole ? 1 : s.height); ++y) {
        kernels_.blocked.to_blocked({from + y * s.width, to + i * s.block() + y * s.pitch(), plane,
                                     channels, whole ? plane : s.width});
      }
    }
  });
}

// The output of the sequence has no columns of zeros: nothing reads it.
void BlockedSequence::leave(const float* from, float* output,
                            ParallelFor& parallel) const noexcept {
  const BlockedShape& s = tensors_.back().shape;
  const ptrdiff_t plane = s.height * s.width;
  for_ranges(&parallel, s.images * s.blocks(), 2, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const ptrdiff_t image = i / s.blocks(), c = i % s.blocks() * s.lanes;
      kernels_.blocked.from_blocked({from + i * s.block(),
                                     output + (image * s.channels + c) * plane, plane,
                                     std::min(s.lanes, s.channels - c), plane});
    }
  });
}

void BlockedSequence::execute(const HostTensors& tensors, ParallelFor& parallel,
                              void* workspace) const noexcept {
  const auto floats = [](const BlockedShape& s) {
    return s.images * s.channels * s.height * s.width;
  };
  HostTensors part = tensors;
  for (int64_t i = 0; i < passes_; ++i) {
    run_pass(part, parallel, workspace);
    part.input += floats(tensors_.front().shape);
    part.output += floats(tensors_.back().shape);
  }
}

void BlockedSequence::run_pass(const HostTensors& tensors, ParallelFor& parallel,
                               void* workspace) const noexcept {
  void* const scratch = static_cast<char*>(workspace) + arena_bytes_;
  const auto at = [&](uint32_t index) { return origin(tensors_[index], workspace); };
  clear_columns(tensors_[0], at(0));
  enter(tensors.input, at(0), parallel);
  const auto last = static_cast<uint32_t>(steps_.size());
  for (uint32_t i = 0; i < last; ++i) {
    const Step& step = steps_[i];
    clear_columns(tensors_[i + 1], at(i + 1));
    step.work->execute({at(step.input),
                        step.residual == sequence_none ? nullptr : at(step.residual), at(i + 1),
                        steps_[i + 1 < last ? i + 1 : 0].work->weights()},
                       parallel, scratch);
  }
  leave(at(last), tensors.output, parallel);
}

}  // namespace sporkle::cpu
