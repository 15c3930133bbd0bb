// Submission of a plan on buffers.
#include "core/plan.h"

namespace sporkle {

namespace {

struct BindingRule {
  const char* name;
  uint64_t bytes;
  uint32_t usage;
  const char* usage_name;
};

constexpr const char* call = "sporkle_plan_submit";

MemoryRange bind(const Plan& plan, const sporkle_binding& binding, const BindingRule& rule) {
  const Pin<Buffer> buffer(binding.buffer, rule.name);
  if (&buffer->context() != &plan.context() || buffer->device() != plan.device()) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: the buffer is of another context or device",
         rule.name);
  }
  buffer->check_alignment(call, rule.name, binding.offset);
  buffer->check_range(call, rule.name, binding.offset, rule.bytes);
  buffer->check_usage(call, rule.name, rule.usage, rule.usage_name);
  if (rule.usage == SPORKLE_BUFFER_DEVICE_WRITE) {
    buffer->note_write(binding.offset, rule.bytes);
  } else {
    buffer->note_read(rule.name, binding.offset, rule.bytes);
  }
  return {buffer->shared_memory(), binding.offset};
}

bool ranges_overlap(const MemoryRange& a, uint64_t a_bytes, const MemoryRange& b,
                    uint64_t b_bytes) noexcept {
  if (a.memory == nullptr || a.memory != b.memory) return false;
  return a.offset < b.offset ? b.offset - a.offset < a_bytes : a.offset - b.offset < b_bytes;
}

}  // namespace

sporkle_fence Plan::submit_bindings(const sporkle_plan_bindings& b) {
  if (b.reserved != 0) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.reserved: must be 0");
  const Extent& p = extent();
  MemoryRange input = bind(*this, b.input,
                           {"bindings.input", p.input_bytes, SPORKLE_BUFFER_DEVICE_READ,
                            "SPORKLE_BUFFER_DEVICE_READ"});
  MemoryRange residual;
  if (p.residual_bytes > 0) {
    residual = bind(*this, b.residual,
                    {"bindings.residual", p.output_bytes, SPORKLE_BUFFER_DEVICE_READ,
                     "SPORKLE_BUFFER_DEVICE_READ"});
  } else if (b.residual.buffer != nullptr || b.residual.offset != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "bindings.residual: given, but desc.flags lacks SPORKLE_CONV2D_RESIDUAL");
  }
  MemoryRange output = bind(*this, b.output,
                            {"bindings.output", p.output_bytes, SPORKLE_BUFFER_DEVICE_WRITE,
                             "SPORKLE_BUFFER_DEVICE_WRITE"});
  if (ranges_overlap(output, p.output_bytes, input, p.input_bytes)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.output: overlaps bindings.input");
  }
  const bool in_place = residual.memory == output.memory && residual.offset == output.offset;
  if (!in_place && ranges_overlap(output, p.output_bytes, residual, p.output_bytes)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "bindings.output: overlaps bindings.residual");
  }
  const Pin<Buffer> written(b.output.buffer, "bindings.output");
  const sporkle_fence fence =
      submit(std::move(input), std::move(residual), std::move(output));
  written->note_submitted(fence, b.output.offset, p.output_bytes);
  return fence;
}

}  // namespace sporkle
