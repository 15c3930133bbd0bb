#include "backends/cpu/cpu_sequence.h"

#include <algorithm>
#include <cstdio>

namespace sporkle::cpu {

CpuSequence::CpuSequence(const SequenceRequest& request)
    : CpuWork(extent_of(request.steps)),
      images_(request.steps[0].problem.n),
      steps_(request.memory),
      segments_(request.memory),
      tensors_(request.memory) {
  divide(request);
  place_tensors(request);
  prepare(request);
  std::snprintf(algorithm_, sizeof algorithm_, "sequence of %zu", steps_.size());
}

void CpuSequence::divide(const SequenceRequest& request) {
  const auto count = static_cast<uint32_t>(request.steps.size());
  const int64_t images = images_;
  for (uint32_t i = 0; i < count; ++i) {
    if (segments_.empty() || segments_.back().images != images) {
      segments_.push_back({i, i + 1, images});
    } else {
      segments_.back().last = i + 1;
    }
  }
}

uint32_t CpuSequence::segment_of(uint32_t step) const noexcept {
  uint32_t index = 0;
  while (step >= segments_[index].last) ++index;
  return index;
}

// A tensor that leaves its segment holds every image, and lives through all
// passes of the segments that write and read it.
void CpuSequence::place_tensors(const SequenceRequest& request) {
  auto placed = lifetimes(request.steps, request.memory);
  tensors_.resize(placed.size());
  tensors_[0].image_floats = request.steps[0].problem.c * request.steps[0].problem.h *
                             request.steps[0].problem.w;
  for (uint32_t i = 1; i < placed.size(); ++i) {
    const ConvProblem& p = request.steps[i - 1].problem;
    Tensor& tensor = tensors_[i];
    tensor.image_floats = p.k * p.out_h * p.out_w;
    if (placed[i].bytes == 0) continue;
    const Segment& writer = segments_[segment_of(placed[i].born)];
    const Segment& reader = segments_[segment_of(placed[i].dies)];
    tensor.whole = &writer != &reader;
    if (tensor.whole) {
      placed[i].born = writer.first;
      placed[i].dies = reader.last - 1;
    } else {
      placed[i].bytes = sizeof(float) * static_cast<uint64_t>(tensor.image_floats * writer.images);
    }
    const uint32_t ancestor = placed[i].heir_of;
    if (ancestor != sequence_none && (tensor.whole || tensors_[ancestor].whole)) {
      placed[i].heir_of = sequence_none;
    }
  }
  arena_bytes_ = place(placed, AlignedBlock::alignment);
  for (uint32_t i = 1; i < placed.size(); ++i) tensors_[i].offset = placed[i].offset;
}

void CpuSequence::prepare(const SequenceRequest& request) {
  steps_.reserve(request.steps.size());
  for (uint32_t i = 0; i < request.steps.size(); ++i) {
    const SequenceStep& step = request.steps[i];
    ConvProblem problem = step.problem;
    problem.n = segments_[segment_of(i)].images;
    const PlanRequest plan{problem,      request.kernels, request.threads, request.level2_bytes,
                           step.weights, step.bias,       request.memory};
    steps_.push_back({request.prepare(request.user, plan), step.input, step.residual});
    packed_bytes_ += steps_.back().plan->packed_bytes();
    scratch_bytes_ = std::max(scratch_bytes_, steps_.back().plan->workspace_bytes());
  }
}

void CpuSequence::execute(const HostTensors& tensors, ParallelFor& parallel,
                          void* workspace) const noexcept {
  char* const arena = static_cast<char*>(workspace);
  const auto last = static_cast<uint32_t>(steps_.size());
  for (const Segment& segment : segments_) {
    for (int64_t image = 0; image < images_; image += segment.images) {
      const auto at = [&](uint32_t index) {
        const Tensor& tensor = tensors_[index];
        const int64_t skip = tensor.whole ? image * tensor.image_floats : 0;
        if (index == last) return tensors.output + skip;
        return reinterpret_cast<float*>(arena + tensor.offset) + skip;
      };
      const auto from = [&](uint32_t index) -> const float* {
        return index == 0 ? tensors.input + image * tensors_[0].image_floats : at(index);
      };
      for (uint32_t i = segment.first; i < segment.last; ++i) {
        const Step& step = steps_[i];
        const float* residual = step.residual == sequence_none ? nullptr : from(step.residual);
        step.plan->execute({from(step.input), residual, at(i + 1)}, parallel,
                           arena + arena_bytes_);
      }
    }
  }
}

}  // namespace sporkle::cpu
