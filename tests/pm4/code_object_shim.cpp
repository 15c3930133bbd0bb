#include "sporkle.h"
//
#include "code_object_shim.h"

#include <algorithm>

#include "backends/amdgpu/code_object.h"
#include "backends/amdgpu/code_object_list.h"
#include "backends/amdgpu/conv_kernels.h"
#include "backends/amdgpu/embedded_objects.h"
#include "backends/amdgpu/pm4/conv_class.h"

using namespace sporkle;
using namespace sporkle::amdgpu;

namespace {

thread_local Reason reason;

}  // namespace

const char* code_reason(void) { return reason.text; }

int code_plan_conv(const sporkle_conv2d_desc* desc, code_plan* out) {
  ConvGrid grid;
  try {
    if (!plan_conv(make_problem(*desc), &grid, &reason)) return 0;
  } catch (const Error& error) {
    reason = error.reason;
    return 0;
  }
  out->kernel = grid.name;
  std::copy_n(grid.groups, 3, out->groups);
  std::copy_n(grid.threads, 3, out->threads);
  out->shape = grid.shape;
  return 1;
}

uint32_t code_conv_class(const sporkle_conv2d_desc* desc) {
  return static_cast<uint32_t>(pm4::classify(make_problem(*desc)));
}

ConvDivisor code_divisor(uint32_t value) { return make_divisor(value); }

const unsigned char* code_embedded(uint32_t index, uint64_t* out_size, const char** out_target) {
  if (index >= embedded_objects().size()) return nullptr;
  const EmbeddedObject& object = embedded_objects()[index];
  *out_size = object.bytes.size();
  *out_target = object.target;
  return object.bytes.data();
}

const char* code_embedded_for(uint32_t processor) {
  CodeObject object;
  return find_embedded_object(processor, &object, &reason) ? object.target : nullptr;
}

int code_read(const unsigned char* bytes, uint64_t size, code_summary* out) {
  CodeObject object;
  if (!read_code_object({bytes, size}, &object, &reason)) return 0;
  out->target = object.target;
  out->version = object.version;
  out->kernel_count = object.kernel_count;
  out->segment_count = object.segment_count;
  out->relocation_count = static_cast<uint32_t>(object.relocations.size() / 24);
  out->image_bytes = object.image_bytes;
  out->code_address = object.code_address;
  out->code_bytes = object.code_bytes;
  return 1;
}

int code_kernel_at(const unsigned char* bytes, uint64_t size, uint32_t index, code_kernel* out) {
  CodeObject object;
  CodeKernel kernel;
  if (!read_code_object({bytes, size}, &object, &reason) ||
      !read_kernel(object, index, &kernel, &reason)) {
    return 0;
  }
  out->name = kernel.name;
  out->descriptor_address = kernel.descriptor_address;
  out->entry_address = kernel.entry_address;
  out->code_bytes = kernel.code_bytes;
  out->kernarg_bytes = kernel.descriptor.kernarg_bytes;
  out->lds_bytes = kernel.descriptor.group_segment_bytes;
  out->scratch_bytes = kernel.descriptor.private_segment_bytes;
  out->wave_size = kernel.metadata.wavefront_size;
  out->sgprs = kernel.metadata.sgpr_count;
  out->vgprs = kernel.metadata.vgpr_count;
  out->spills = kernel.metadata.sgpr_spill_count + kernel.metadata.vgpr_spill_count;
  out->arguments = kernel.metadata.argument_count;
  std::copy_n(kernel.metadata.workgroup, 3, out->workgroup);
  return 1;
}

int code_make(const unsigned char* bytes, uint64_t size, const char* name, uint32_t processor,
              uint64_t address, uint32_t kernarg_bytes, pm4_kernel* out) {
  CodeObject object;
  CodeKernel kernel;
  pm4::KernelObject made;
  if (!read_code_object({bytes, size}, &object, &reason) ||
      !find_kernel(object, name, &kernel, &reason) ||
      !make_kernel_object(object, kernel, processor, address, kernarg_bytes, &made, &reason)) {
    return 0;
  }
  *out = {made.target, made.rsrc1, made.rsrc2, made.rsrc3, made.wave_size, made.lds_bytes,
          made.scratch_bytes, made.kernarg_bytes, made.entry_address, made.code_address,
          made.code_bytes, made.user_sgpr_count, made.kernarg_sgpr,
          {made.workgroup[0], made.workgroup[1], made.workgroup[2]}, made.max_workgroup_threads};
  return 1;
}

int code_place(const unsigned char* bytes, uint64_t size, uint64_t address, unsigned char* memory,
               uint64_t memory_size) {
  CodeObject object;
  return read_code_object({bytes, size}, &object, &reason) &&
         place_code_object(object, address, {memory, memory_size}, &reason);
}

uint64_t code_list(const unsigned char* bytes, uint64_t size, char* text, uint64_t capacity) {
  CodeObject object;
  uint64_t length = 0;
  return read_code_object({bytes, size}, &object, &reason) &&
                 list_code_object(object, text, capacity, &length, &reason)
             ? length
             : 0;
}
