#include "backends/gl/host_run.h"

namespace sporkle::gl {

namespace {

constexpr uint32_t staged_input = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ;
constexpr uint32_t staged_output = SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE;

[[noreturn]] void fail_operation(Status status) {
  switch (status) {
    case SPORKLE_ERROR_DEVICE_LOST:
      fail(status, "device: it was reset; create buffers and plans again");
    case SPORKLE_ERROR_OUT_OF_MEMORY:
      fail(status, "device: the OpenGL driver has no memory for the operation");
    case SPORKLE_ERROR_CANCELLED: fail(status, "device: it has been closed");
    default: fail(status, "device: the OpenGL driver refused the operation");
  }
}

}  // namespace

HostRun::~HostRun() {
  if (in_flight_) thread_.await(last_value_);
}

void HostRun::open_lanes(const Extent& whole, const Extent& piece, uint32_t count,
                         uint64_t alignment) {
  const auto open = [&](Lane* lane, uint64_t bytes, uint64_t step, uint32_t usage) {
    if (bytes == 0) return;
    lane->bytes = bytes;
    lane->step = step;
    lane->stride = (step + alignment - 1) / alignment * alignment;
    const uint64_t last = bytes - (count - 1) * step;
    lane->memory = staging_.take(placement_, usage, (count - 1) * lane->stride + last);
  };
  open(&input_, whole.input_bytes, piece.input_bytes, staged_input);
  open(&residual_, whole.residual_bytes, piece.residual_bytes, staged_input);
  open(&output_, whole.output_bytes, piece.output_bytes, staged_output);
}

void HostRun::fill(const Lane& lane, const float* source, uint32_t piece) {
  if (lane.memory == nullptr) return;
  const uint64_t offset = piece * lane.stride, bytes = lane.bytes_of(piece);
  thread_.touch_mapped([&] {
    thread_.copy(static_cast<char*>(lane.memory->data()) + offset,
                 reinterpret_cast<const char*>(source) + piece * lane.step, bytes);
  });
  lane.memory->flush(offset, bytes);
}

void HostRun::push(std::shared_ptr<DevicePlan> plan) {
  const uint32_t piece = count_;
  fill(input_, tensors_.input, piece);
  fill(residual_, tensors_.residual, piece);
  Operation operation;
  operation.plan = std::move(plan);
  operation.input = input_.range(piece);
  if (residual_.memory != nullptr) operation.residual = residual_.range(piece);
  operation.output = output_.range(piece);
  sinks_[piece].timed = timed_;
  for (;;) {
    try {
      last_value_ = thread_.submit(std::move(operation), &sinks_[piece]);
      break;
    } catch (const Error& error) {
      // A full queue refuses a call; of one that has begun, the end makes room.
      if (error.status != SPORKLE_ERROR_POOL_EXHAUSTED || !in_flight_) throw;
      thread_.await(last_value_);
      in_flight_ = false;
    }
  }
  in_flight_ = true;
  ++count_;
}

void HostRun::submit(const std::shared_ptr<DevicePlan>& plan) {
  open_lanes(plan->extent(), plan->extent(), 1, 1);
  push(plan);
}

void HostRun::submit_pieces(const std::shared_ptr<DevicePlan>& plan, uint32_t pieces,
                            const Limits& limits) {
  auto& whole = static_cast<GlPlan&>(*plan);
  const int64_t images = whole.problem().n;
  const int64_t step = (images + pieces - 1) / pieces;
  const auto count = static_cast<uint32_t>((images + step - 1) / step);
  const int64_t rest = images - (count - 1) * step;
  GlPlan* const full = count > 1 ? whole.piece(step, limits) : nullptr;
  GlPlan* const last = full == nullptr || rest == step ? full : whole.piece(rest, limits);
  if (last == nullptr) return submit(plan);
  open_lanes(whole.extent(), full->extent(), count,
             std::max<uint64_t>(limits.offset_alignment, 256));
  for (uint32_t i = 0; i < count; ++i) {
    // A piece lives as long as its plan.
    push(std::shared_ptr<DevicePlan>(plan, i + 1 == count ? last : full));
  }
  const uint64_t expected = full->expected_ns() * (count - 1) + last->expected_ns();
  whole.expect(expected);
}

void HostRun::finish() {
  thread_.await(last_value_);
  in_flight_ = false;
  for (uint32_t i = 0; i < count_; ++i) {
    if (sinks_[i].status < 0) fail_operation(sinks_[i].status);
  }
  // All of it or nothing: a failed call leaves the output as it was.
  thread_.touch_mapped([&] {
    for (uint32_t i = 0; i < count_; ++i) {
      thread_.copy(reinterpret_cast<char*>(tensors_.output) + i * output_.step,
                   static_cast<const char*>(output_.memory->data()) + i * output_.stride,
                   output_.bytes_of(i));
    }
  });
  staging_.put(std::move(input_.memory));
  staging_.put(std::move(residual_.memory));
  staging_.put(std::move(output_.memory));
}

uint64_t HostRun::device_ns() const noexcept {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) sum += sinks_[i].device_ns;
  return sum;
}

}  // namespace sporkle::gl
