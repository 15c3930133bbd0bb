#include "backends/amdgpu/pm4/dispatch.h"

#include <array>
#include <cstring>

#include "backends/amdgpu/pm4/words.h"

namespace sporkle::pm4 {

namespace {

bool refuse_kernel(const KernelObject& kernel, const char* reason, Reason* why) {
  why->set("kernel %s: %s", kernel.name ? kernel.name : "?", reason);
  return false;
}

bool fixed_workgroup_differs(const KernelObject& kernel, const uint16_t threads[3]) {
  return kernel.workgroup[0] != 0 &&
         std::memcmp(kernel.workgroup, threads, sizeof kernel.workgroup) != 0;
}

const char* workgroup_fault(const KernelObject& kernel, const uint16_t threads[3]) {
  const uint64_t total = uint64_t{threads[0]} * threads[1] * threads[2];
  if (total == 0) return "a workgroup without work-items";
  if (total > most_workgroup_threads || total > kernel.max_workgroup_threads) {
    return "more work-items per workgroup than it was compiled for";
  }
  return fixed_workgroup_differs(kernel, threads) ? "compiled for another workgroup size" : nullptr;
}

const char* kernel_fault(const KernelObject& kernel, const Target& target) {
  const Generation g = target.generation;
  const bool has_wave32 = mask(Field::COMPUTE_DISPATCH_INITIATOR_CS_W32_EN, g) != 0;
  if (kernel.target != target.processor) return "loaded for another chip";
  if (kernel.scratch_bytes != 0) return "needs scratch memory, which is not supported";
  if (kernel.entry_address % 256 != 0) return "its entry is not aligned to 256 bytes";
  if (kernel.entry_address == 0 || kernel.entry_address >= address_limit) {
    return "its entry is no device address";
  }
  if (kernel.wave_size != 64 && !(kernel.wave_size == 32 && has_wave32)) {
    return "its wave size does not exist on this chip";
  }
  if (kernel.lds_bytes > most_lds_bytes) return "more than 64 KiB of LDS";
  if (kernel.user_sgpr_count > most_user_sgprs) return "more than 16 user SGPRs";
  if ((kernel.kernarg_bytes != 0) != (kernel.kernarg_sgpr != no_sgpr)) {
    return "kernel arguments without an SGPR for their address, or the reverse";
  }
  if (kernel.kernarg_sgpr != no_sgpr && kernel.kernarg_sgpr + 2 > kernel.user_sgpr_count) {
    return "the argument address is not within the user SGPRs";
  }
  return nullptr;
}

constexpr void set_one(Register reg, Generation g, uint32_t value, Writer* out) {
  const uint32_t where = address(reg, g);
  if (where != 0) write_registers({where, 1, &value}, out);
}

template <size_t count>
constexpr void set(Register first, Generation g, const uint32_t (&values)[count], Writer* out) {
  write_registers({address(first, g), count, values}, out);
}

constexpr void write_state(const KernelObject& kernel, const uint16_t threads[3], Generation g,
                           Writer* out) {
  set(Register::COMPUTE_PGM_LO, g,
      {static_cast<uint32_t>(kernel.entry_address >> 8),
       static_cast<uint32_t>(kernel.entry_address >> 40)},
      out);
  set(Register::COMPUTE_PGM_RSRC1, g,
      {kernel.rsrc1, rsrc2_with_lds(g, kernel.rsrc2, kernel.lds_bytes)}, out);
  set_one(Register::COMPUTE_PGM_RSRC3, g, kernel.rsrc3, out);
  set_one(Register::COMPUTE_TMPRING_SIZE, g, 0, out);
  set_one(Register::COMPUTE_RESOURCE_LIMITS, g, 0, out);
  set(Register::COMPUTE_RESTART_X, g, {0, 0, 0}, out);
  // COMPUTE_START_X to _Z and COMPUTE_NUM_THREAD_X to _Z are neighbours.
  set(Register::COMPUTE_START_X, g, {0, 0, 0, threads[0], threads[1], threads[2]}, out);
}

void patch_address(uint32_t* words, uint64_t value) {
  words[0] = static_cast<uint32_t>(value);
  words[1] = static_cast<uint32_t>(value >> 32);
}

// All words of a template, argument, workgroups and fence left 0.
constexpr DispatchTemplate compose(const KernelObject& kernel, const uint16_t threads[3],
                                   Generation g) {
  DispatchTemplate out{};
  Writer writer(out.words);
  write_state(kernel, threads, g, &writer);
  out.hot = static_cast<uint16_t>(writer.used());
  write_acquire({acquire_system(g), whole_memory, 0, POLL_INTERVAL_DEFAULT}, g, &writer);
  out.warm = static_cast<uint16_t>(writer.used());
  if (kernel.kernarg_sgpr != no_sgpr) {
    const uint32_t none[2] = {0, 0};
    out.kernarg = static_cast<uint16_t>(writer.used() + 2);
    write_registers({address(Register::COMPUTE_USER_DATA_0, g) + kernel.kernarg_sgpr, 2, none},
                    &writer);
  }
  out.groups = static_cast<uint16_t>(writer.used() + 1);
  write_dispatch({{0, 0, 0}, dispatch_initiator(g, kernel.wave_size)}, &writer);
  out.fence = static_cast<uint16_t>(writer.used());
  write_release({release_event(g), fence_select(g), 0, 0, 0}, &writer);
  out.count = static_cast<uint16_t>(writer.used());
  return out;
}

// Made at compile time for a kernel that is all zeros and takes arguments; a
// kernel's template is this with the kernel's words in their places.
constexpr std::array<DispatchTemplate, generation_count> prototypes = [] {
  std::array<DispatchTemplate, generation_count> made{};
  const KernelObject blank{};
  const uint16_t threads[3] = {0, 0, 0};
  for (int g = 0; g < generation_count; ++g) {
    made[g] = compose(blank, threads, static_cast<Generation>(g));
  }
  return made;
}();

void adapt(const KernelObject& kernel, const uint16_t threads[3], Generation g,
           DispatchTemplate* out) {
  const DispatchTemplate& from = prototypes[static_cast<int>(g)];
  out->count = from.count;
  out->hot = from.hot;
  out->warm = from.warm;
  out->fence = from.fence;
  out->kernarg = from.kernarg;
  out->groups = from.groups;
  uint32_t* const words = out->words;
  // The length is not a constant: a call of memcpy is faster than inline string moves.
  std::memcpy(words, from.words, from.count * sizeof *words);
  patch_address(words + 2, kernel.entry_address >> 8);
  words[6] = kernel.rsrc1;
  words[7] = rsrc2_with_lds(g, kernel.rsrc2, kernel.lds_bytes);
  if (address(Register::COMPUTE_PGM_RSRC3, g) != 0) words[10] = kernel.rsrc3;
  for (int i = 0; i < 3; ++i) words[out->hot - 3 + i] = threads[i];
  words[out->kernarg - 1] += kernel.kernarg_sgpr;
  words[out->groups + 3] = dispatch_initiator(g, kernel.wave_size);
}

}  // namespace

bool check_kernel(const KernelObject& kernel, const uint16_t threads[3], const Target& target,
                  Reason* why) {
  const char* fault = kernel_fault(kernel, target);
  if (fault == nullptr) fault = workgroup_fault(kernel, threads);
  return fault == nullptr || refuse_kernel(kernel, fault, why);
}

bool check_request(const DispatchRequest& request, const FenceWrite& fence, Reason* why) {
  for (int i = 0; i < 3; ++i) {
    const uint64_t items = uint64_t{request.groups[i]} * request.threads[i];
    if (items == 0 || items > UINT32_MAX) {
      why->set("groups: %u workgroups of %u work-items", request.groups[i], request.threads[i]);
      return false;
    }
  }
  const bool takes_arguments = request.kernel->kernarg_sgpr != no_sgpr;
  if (takes_arguments && (request.kernarg_address % kernarg_alignment != 0 ||
                          request.kernarg_address == 0 ||
                          request.kernarg_address >= address_limit)) {
    why->set("kernarg_address: 0x%llx is not aligned to 16 bytes or no device address",
             static_cast<unsigned long long>(request.kernarg_address));
    return false;
  }
  if (fence.address % 8 != 0 || fence.address == 0 || fence.address >= address_limit) {
    why->set("fence: 0x%llx is not aligned to 8 bytes or no device address",
             static_cast<unsigned long long>(fence.address));
    return false;
  }
  return true;
}

void build_template(const KernelObject& kernel, const uint16_t threads[3], const Target& target,
                    DispatchTemplate* out) {
  const Generation g = target.generation;
  if (kernel.kernarg_sgpr == no_sgpr) {
    *out = compose(kernel, threads, g);
  } else {
    adapt(kernel, threads, g, out);
  }
  out->kernel = &kernel;
  out->entry_address = kernel.entry_address;
  std::memcpy(out->threads, threads, sizeof out->threads);
}

void DispatchTemplate::copy(uint32_t from, uint32_t to, const DispatchRequest& request,
                            const FenceWrite& write, uint32_t* out) const {
  std::memcpy(out, words + from, (to - from) * sizeof *words);
  uint32_t* const base = out - from;
  if (kernarg != 0) patch_address(base + kernarg, request.kernarg_address);
  std::memcpy(base + groups, request.groups, sizeof request.groups);
  if (to <= fence) return;
  patch_address(base + fence + 3, write.address);
  patch_address(base + fence + 5, write.value);
}

}  // namespace sporkle::pm4
