#include "backends/gl/gl_device.h"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "backends/gl/gl_sequence.h"
#include "backends/gl/host_run.h"

namespace sporkle::gl {

namespace {

// Workgroups that each compute unit should have of a piece.
constexpr uint64_t groups_per_unit = 2;

uint64_t fewest_groups(const Recipe& recipe) noexcept {
  uint64_t fewest = UINT64_MAX;
  for (const Dispatch& d : recipe.dispatches) {
    fewest = std::min(fewest, uint64_t{d.groups[0]} * d.groups[1] * d.groups[2]);
  }
  return fewest;
}

}  // namespace

GlDevice::GlDevice(const DeviceEnvironment& environment, std::shared_ptr<SubmissionThread> thread,
                   const DeviceIdentity& identity, const OpenRules& rules)
    : environment_(environment),
      thread_(std::move(thread)),
      identity_(identity),
      facts_(thread_->facts()),
      rules_(rules),
      placement_(environment, thread_, facts_, identity.kind, rules),
      pool_(make_shared_in<MemoryPool>(environment.memory, thread_, environment.memory,
                                       placement_.block_bytes())),
      staging_(make_shared_in<StagingPool>(environment.memory, pool_, environment_)),
      tuner_(environment, facts_, rules, placement_),
      interop_(thread_, environment_.memory),
      properties_(environment.memory) {
  thread_->set_idle_memory(staging_);
  list_properties();
}

DeviceClass GlDevice::device_class() const noexcept {
  // Naming a software device by SPORKLE_GL_DEVICE is asking for it.
  return facts_.software && !identity_.asked ? DeviceClass::software : DeviceClass::gpu;
}

void GlDevice::describe(sporkle_device_info* info) const noexcept {
  info->kind = SPORKLE_DEVICE_KIND_GL;
  info->flags = facts_.software ? uint32_t{SPORKLE_DEVICE_SOFTWARE} : 0u;
  std::snprintf(info->spec, sizeof info->spec, "%s", identity_.spec);
  std::snprintf(info->name, sizeof info->name, "%s", facts_.name);
  std::snprintf(info->driver, sizeof info->driver, "OpenGL %s", facts_.version);
  info->property_count = static_cast<uint32_t>(properties_.size());
}

void GlDevice::property(uint32_t index, sporkle_property* out) const noexcept {
  if (index - placement_first_ < DevicePlacement::property_count) {
    sporkle_property found;
    placement_.describe(index - placement_first_, &found);
    std::memcpy(out->key, found.key, sizeof out->key);
    std::memcpy(out->value, found.value, sizeof out->value);
    return;
  }
  const sporkle_property& found = properties_[index];
  const uint64_t contradictions = index == completion_ ? thread_->contradictions() : 0;
  std::memcpy(out->key, found.key, sizeof out->key);
  std::memcpy(out->value, found.value, sizeof out->value);
  if (contradictions == 0) return;
  std::snprintf(out->value, sizeof out->value, "sync; the word contradicted it %" PRIu64 " times",
                contradictions);
}

void GlDevice::add_property(const char* key, const char* format, ...) {
  sporkle_property property = SPORKLE_PROPERTY_INIT;
  std::snprintf(property.key, sizeof property.key, "%s", key);
  va_list args;
  va_start(args, format);
  std::vsnprintf(property.value, sizeof property.value, format, args);
  va_end(args);
  properties_.push_back(property);
}

void GlDevice::list_properties() {
  add_property("index", "%u", identity_.index);
  add_property("pci", "%s", identity_.pci[0] != '\0' ? identity_.pci : "none");
  add_property("uuid", "%s", facts_.uuid[0] != '\0' ? facts_.uuid : "none");
  if (identity_.cuda_index >= 0) add_property("cuda_index", "%d", identity_.cuda_index);
  add_property("kind", "%s", facts_.software ? "software" : card_kind_name(identity_.kind));
  add_property("vendor", "%s", facts_.vendor);
  add_property("gl_version", "%d.%d", facts_.major, facts_.minor);
  add_property("glsl_version", "%s", facts_.glsl);
  add_property("robust", "%s",
               facts_.robust ? "yes" : "no: a GPU reset may end the process");
  add_property("buffer_storage", "%s", facts_.buffer_storage ? "yes" : "no: buffers are copied");
  list_placement();
  completion_ = static_cast<uint32_t>(properties_.size());
  add_property("completion", "%s", thread_->hinted() ? "word and sync" : "sync");
  add_property("self_test", "passed");
  add_property("open_ms", "%.1f", static_cast<double>(facts_.open_ns) * 1e-6);
  add_property("default_reason", "%s", identity_.reason);
  list_limits();
}

void GlDevice::list_placement() {
  placement_first_ = static_cast<uint32_t>(properties_.size());
  for (uint32_t i = 0; i < DevicePlacement::property_count; ++i) add_property("", "%s", "");
}

void GlDevice::list_limits() {
  const Limits& limits = facts_.limits;
  add_property("max_storage_block_bytes", "%" PRIu64, limits.max_block_bytes);
  add_property("storage_offset_alignment", "%u", limits.offset_alignment);
  add_property("max_storage_blocks", "%u", limits.max_storage_blocks);
  add_property("shared_memory_bytes", "%u", limits.shared_bytes);
  add_property("max_invocations", "%u", limits.max_invocations);
  add_property("max_groups", "%u x %u x %u", limits.max_groups[0], limits.max_groups[1],
               limits.max_groups[2]);
  add_property("max_workspace_bytes", "%" PRIu64, limits.max_workspace_bytes);
}

bool GlDevice::supports(const ConvProblem& problem, Reason* reason) const noexcept {
  for (const Variant& variant : variants()) {
    if (accepts(variant, problem, facts_.limits, nullptr)) return true;
  }
  // The most general kernel says what really stands in the way.
  return accepts(*find_variant("direct_1x1"), problem, facts_.limits, reason);
}

std::shared_ptr<DevicePlan> GlDevice::create_plan(const ConvProblem& problem,
                                                  const float* weights, const float* bias) {
  return make_shared_in<GlPlan>(environment_.memory, thread_, environment_, facts_, rules_, tuner_,
                                problem, weights, bias);
}

std::shared_ptr<DevicePlan> GlDevice::create_sequence(SequenceSteps steps) {
  std::pmr::vector<std::shared_ptr<GlPlan>> plans(environment_.memory);
  plans.reserve(steps.size());
  for (const SequenceStep& step : steps) {
    plans.push_back(make_shared_in<GlPlan>(environment_.memory, thread_, environment_, facts_,
                                           rules_, tuner_, step.problem, step.weights, step.bias));
  }
  const uint64_t alignment = std::max<uint64_t>(facts_.limits.offset_alignment, 256);
  auto sequence = make_shared_in<GlSequence>(environment_.memory, steps, std::move(plans),
                                             alignment, environment_.memory);
  if (sequence->workspace_bytes() > facts_.limits.max_workspace_bytes) {
    fail(SPORKLE_ERROR_UNSUPPORTED,
         "device: the tensors between the steps need %" PRIu64 " bytes, more than %" PRIu64,
         sequence->workspace_bytes(), facts_.limits.max_workspace_bytes);
  }
  // Each plan has taken its scratch; here come the tensors between them.
  thread_->call([bytes = sequence->workspace_bytes()](Engine& engine) {
    engine.reserve_workspace(bytes);
  });
  return sequence;
}

std::shared_ptr<DeviceMemory> GlDevice::create_memory(uint64_t bytes, uint32_t usage) {
  const BufferKind kind = kind_of_usage(usage);
  // What the CPU does not touch has no window anywhere.
  const Placement& placement = placement_.settled();
  const MemoryForm form = kind == BufferKind::local
                              ? placement.of(BufferKind::shared).form
                              : placement.form_of(kind, bytes);
  return make_shared_in<GlMemory>(environment_.memory, pool_, environment_, form, bytes, usage);
}

// Pieces that the batch of a synchronous call is split into. Where the CPU is the
// device, copies and computation would share the same cores; a sequence is one
// piece; reproducible results choose nothing by time.
uint32_t GlDevice::pieces_of(const DevicePlan& plan) const noexcept {
  const auto images = static_cast<uint64_t>(plan.problem().n);
  if (images < 2) return 1;
  if (rules_.pieces != nullptr) return std::min(*rules_.pieces, piece_limit);
  if (facts_.software || environment_.reproducible) return 1;
  const auto& conv = static_cast<const GlPlan&>(plan);
  const Extent& extent = plan.extent();
  const double bytes = static_cast<double>(extent.input_bytes + extent.residual_bytes);
  const uint32_t units = facts_.limits.compute_units;
  const uint64_t most =
      units == 0 ? images : fewest_groups(conv.recipe()) / (units * groups_per_unit);
  return choose_pieces(static_cast<uint64_t>(bytes / placement_.cpu_write_rate()),
                       conv.expected_ns(), images, most);
}

void GlDevice::run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
                   RunReport* report) {
  thread_->expect_work();
  const Placement& placement = placement_.settled();
  HostRun run(*thread_, *staging_, placement, tensors, report->timed);
  const uint32_t pieces = pieces_of(*plan);
  if (pieces == 1) {
    run.submit(plan);
  } else {
    run.submit_pieces(plan, pieces, facts_.limits);
  }
  run.finish();
  const Extent& extent = plan->extent();
  environment_.stats->add(Counter::cpu_copied_bytes,
                          extent.input_bytes + extent.residual_bytes + extent.output_bytes);
  report->device_ns = run.device_ns();
}

void GlDevice::submit_all(std::span<Operation> operations) { thread_->submit_all(operations); }

void GlDevice::insert_fence(FenceRef fence, bool owned) { thread_->insert_fence(fence, owned); }

bool GlDevice::drain(Deadline deadline) noexcept { return thread_->drain(deadline); }

void GlDevice::close(Status status) noexcept {
  staging_->trim();
  interop_.close();
  thread_->close(status);
}

}  // namespace sporkle::gl
