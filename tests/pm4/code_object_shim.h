/* A C window on the code object reader and on the kernels' host side. */
#ifndef SPORKLE_TESTS_PM4_CODE_OBJECT_SHIM_H
#define SPORKLE_TESTS_PM4_CODE_OBJECT_SHIM_H

#include <stdint.h>

#include "backends/amdgpu/kernels/conv_shape.h"
#include "pm4_shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct code_plan {
  const char *kernel;
  uint32_t groups[3], threads[3];
  ConvShape shape;
} code_plan;

/* What the host chooses for a problem. 0 with code_reason() when it refuses. */
int code_plan_conv(const sporkle_conv2d_desc *desc, code_plan *out);
/* The class whose template serves a problem: PM4_POINTWISE, PM4_THREE or PM4_GENERAL. */
uint32_t code_conv_class(const sporkle_conv2d_desc *desc);
ConvDivisor code_divisor(uint32_t value);

/* The objects that the library carries, by index; NULL beyond the last. */
const unsigned char *code_embedded(uint32_t index, uint64_t *out_size, const char **out_target);
/* The target of the object that the library takes for a chip; NULL: none. */
const char *code_embedded_for(uint32_t processor);

typedef struct code_summary {
  const char *target;
  uint32_t version, kernel_count, segment_count, relocation_count;
  uint64_t image_bytes, code_address, code_bytes;
} code_summary;

/* 1: read. 0 with code_reason(). */
int code_read(const unsigned char *bytes, uint64_t size, code_summary *out);

typedef struct code_kernel {
  const char *name; /* points into the bytes */
  uint64_t descriptor_address, entry_address, code_bytes;
  uint32_t kernarg_bytes, lds_bytes, scratch_bytes;
  uint32_t wave_size, sgprs, vgprs, spills, arguments;
  uint32_t workgroup[3];
} code_kernel;

int code_kernel_at(const unsigned char *bytes, uint64_t size, uint32_t index, code_kernel *out);

/* The kernel as encoder and validator see it. */
int code_make(const unsigned char *bytes, uint64_t size, const char *name, uint32_t processor,
              uint64_t address, uint32_t kernarg_bytes, pm4_kernel *out);

int code_place(const unsigned char *bytes, uint64_t size, uint64_t address, unsigned char *memory,
               uint64_t memory_size);

/* Everything about the object as JSON; the length of the whole. 0 when refused. */
uint64_t code_list(const unsigned char *bytes, uint64_t size, char *text, uint64_t capacity);

/* Why the last call of this thread refused. */
const char *code_reason(void);

#ifdef __cplusplus
}
#endif

#endif
