#include "backends/amdgpu/pm4/dispatch_check.h"

#include "backends/amdgpu/pm4/limits.h"
#include "backends/amdgpu/pm4/register_check.h"

namespace sporkle::pm4 {

namespace {

const KernelObject* find_kernel(std::span<const KernelObject> kernels, uint64_t entry) {
  for (const KernelObject& kernel : kernels) {
    if (kernel.entry_address == entry) return &kernel;
  }
  return nullptr;
}

const char* initiator_fault(uint32_t initiator, uint32_t wave_size, Generation g) {
  const uint32_t wave32 = mask(Field::COMPUTE_DISPATCH_INITIATOR_CS_W32_EN, g);
  const uint32_t enable = mask(Field::COMPUTE_DISPATCH_INITIATOR_COMPUTE_SHADER_EN, g);
  const uint32_t at_zero = mask(Field::COMPUTE_DISPATCH_INITIATOR_FORCE_START_AT_000, g);
  if ((initiator & enable) == 0) return "COMPUTE_SHADER_EN is not set";
  if ((initiator & at_zero) == 0) return "FORCE_START_AT_000 is not set";
  if ((initiator & ~(wave32 | enable | at_zero)) != 0) return "initiator bits that are not ours";
  const uint32_t lanes = (initiator & wave32) != 0 ? 32 : 64;
  return lanes == wave_size ? nullptr : "the wave size contradicts the code object";
}

const char* known_fault(const ShaderRegisters& r, Generation g) {
  const bool has_rsrc3 = address(Register::COMPUTE_PGM_RSRC3, g) != 0;
  const uint32_t program = known_pgm_lo | known_pgm_hi | known_rsrc1 | known_rsrc2 |
                           (has_rsrc3 ? known_rsrc3 : 0u);
  if ((r.known & program) != program) return "a program register was not written";
  if ((r.known & known_tmpring) == 0) return "COMPUTE_TMPRING_SIZE was not written";
  if ((r.known & known_limits) == 0) return "COMPUTE_RESOURCE_LIMITS was not written";
  if ((r.known & known_threads) != known_threads) return "COMPUTE_NUM_THREAD was not written";
  if ((r.known & known_start) != known_start) return "COMPUTE_START was not written";
  if ((r.known & known_restart) != known_restart) return "COMPUTE_RESTART was not written";
  return nullptr;
}

const char* program_fault(const ShaderRegisters& r, const KernelObject& kernel,
                          const Registry& registry) {
  const Generation g = registry.target.generation;
  if (kernel.target != registry.target.processor) return "a kernel of another chip";
  if (kernel.scratch_bytes != 0) return "a kernel that needs scratch memory";
  if (kernel.entry_address < kernel.code_address ||
      kernel.entry_address - kernel.code_address >= kernel.code_bytes) {
    return "the entry is outside the code";
  }
  if (r.rsrc1 != kernel.rsrc1) return "COMPUTE_PGM_RSRC1 contradicts the code object";
  const uint32_t lds = mask(Field::COMPUTE_PGM_RSRC2_LDS_SIZE, g);
  if ((r.rsrc2 & ~lds) != (kernel.rsrc2 & ~lds)) {
    return "COMPUTE_PGM_RSRC2 contradicts the code object";
  }
  if ((r.rsrc2 & mask(Field::COMPUTE_PGM_RSRC2_SCRATCH_EN, g)) != 0) return "scratch is enabled";
  if (extract(Field::COMPUTE_PGM_RSRC2_LDS_SIZE, g, r.rsrc2) != lds_granules(kernel.lds_bytes)) {
    return "LDS_SIZE contradicts the code object";
  }
  if (address(Register::COMPUTE_PGM_RSRC3, g) != 0 && r.rsrc3 != kernel.rsrc3) {
    return "COMPUTE_PGM_RSRC3 contradicts the code object";
  }
  return nullptr;
}

const char* size_fault(const DispatchDirect& dispatch, const ShaderRegisters& r,
                       const KernelObject& kernel) {
  uint64_t total = 1;
  for (int i = 0; i < 3; ++i) {
    const uint64_t items = uint64_t{dispatch.groups[i]} * r.threads[i];
    if (items == 0) return "no workgroups or no work-items";
    if (items > UINT32_MAX) return "more than 2^32 - 1 work-items in one dimension";
    if (kernel.workgroup[0] != 0 && kernel.workgroup[i] != r.threads[i]) {
      return "the workgroup contradicts the code object";
    }
    total *= r.threads[i];
    if (total > most_workgroup_threads || total > kernel.max_workgroup_threads) {
      return "too many work-items per workgroup";
    }
  }
  return nullptr;
}

const char* argument_fault(const ShaderRegisters& r, const KernelObject& kernel,
                           uint64_t* kernarg) {
  if (kernel.kernarg_sgpr == no_sgpr) return nullptr;
  const uint32_t first = kernel.kernarg_sgpr;
  if (first + 2 > most_user_sgprs || (r.user_known >> first & 3) != 3) {
    return "the address of the kernel arguments was not written";
  }
  *kernarg = uint64_t{r.user[first + 1]} << 32 | r.user[first];
  return *kernarg % kernarg_alignment == 0 ? nullptr : "kernel arguments not aligned to 16 bytes";
}

}  // namespace

DispatchFault dispatch_fault(const DispatchDirect& dispatch, const ShaderRegisters& registers,
                             const Registry& registry) {
  const Generation g = registry.target.generation;
  DispatchFault out{known_fault(registers, g), nullptr, 0};
  if (out.reason != nullptr) return out;
  const uint64_t entry = uint64_t{registers.pgm_hi} << 40 | uint64_t{registers.pgm_lo} << 8;
  out.kernel = find_kernel(registry.kernels, entry);
  if (out.kernel == nullptr) {
    out.reason = "not the entry of a loaded kernel";
    return out;
  }
  out.reason = program_fault(registers, *out.kernel, registry);
  if (out.reason == nullptr) {
    out.reason = initiator_fault(dispatch.initiator, out.kernel->wave_size, g);
  }
  if (out.reason == nullptr) out.reason = size_fault(dispatch, registers, *out.kernel);
  if (out.reason == nullptr) out.reason = argument_fault(registers, *out.kernel, &out.kernarg);
  return out;
}

}  // namespace sporkle::pm4
