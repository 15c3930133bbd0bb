/* The C side of test_raw_structs: size and *_INIT bytes of every struct of
 * sporkle.h, in its order.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "sporkle.h"

/* Static objects, so that bytes without a member are zero. */
static const sporkle_allocator allocator = {0, 0, 0};
static const sporkle_context_desc context_desc = SPORKLE_CONTEXT_DESC_INIT;
static const sporkle_option_info option_info = SPORKLE_OPTION_INFO_INIT;
static const sporkle_device_info device_info = SPORKLE_DEVICE_INFO_INIT;
static const sporkle_property property = SPORKLE_PROPERTY_INIT;
static const sporkle_unavailable_info unavailable_info = SPORKLE_UNAVAILABLE_INFO_INIT;
static const sporkle_conv2d_desc conv2d_desc = SPORKLE_CONV2D_DESC_INIT;
static const sporkle_conv2d_info conv2d_info = SPORKLE_CONV2D_INFO_INIT;
static const sporkle_conv2d_result conv2d_result = SPORKLE_CONV2D_RESULT_INIT;
static const sporkle_plan_info plan_info = SPORKLE_PLAN_INFO_INIT;
static const sporkle_sequence_step sequence_step = SPORKLE_SEQUENCE_STEP_INIT;
static const sporkle_buffer_desc buffer_desc = SPORKLE_BUFFER_DESC_INIT;
static const sporkle_buffer_info buffer_info = SPORKLE_BUFFER_INFO_INIT;
static const sporkle_binding binding = {0, 0};
static const sporkle_plan_bindings plan_bindings = SPORKLE_PLAN_BINDINGS_INIT;
static const sporkle_executor_desc executor_desc = SPORKLE_EXECUTOR_DESC_INIT;
static const sporkle_slot slot = SPORKLE_SLOT_INIT;
static const sporkle_stats stats = SPORKLE_STATS_INIT;
static const sporkle_pm4_info pm4_info = SPORKLE_PM4_INFO_INIT;
static const sporkle_api api = {0};

#define STRUCT(name) {#name, sizeof(name), &name}
static const struct {
  const char *name;
  uint64_t size;
  const void *init;
} structs[] = {STRUCT(allocator),     STRUCT(context_desc),  STRUCT(option_info),
               STRUCT(device_info),   STRUCT(property),      STRUCT(unavailable_info),
               STRUCT(conv2d_desc),   STRUCT(conv2d_info),   STRUCT(conv2d_result),
               STRUCT(plan_info),     STRUCT(sequence_step), STRUCT(buffer_desc),
               STRUCT(buffer_info),
               STRUCT(binding),       STRUCT(plan_bindings), STRUCT(executor_desc),
               STRUCT(slot),          STRUCT(stats),         STRUCT(pm4_info),
               STRUCT(api)};

uint64_t test_struct_count(void);
int32_t test_struct_differs(uint64_t index, const char *name, uint64_t size, const void *bytes);

uint64_t test_struct_count(void) { return sizeof structs / sizeof structs[0]; }

/* Returns: 0 equal, 1 other name, 2 other size, 3 other bytes. */
int32_t test_struct_differs(uint64_t index, const char *name, uint64_t size, const void *bytes) {
  if (index >= test_struct_count() || strcmp(structs[index].name, name) != 0)
    return 1;
  if (structs[index].size != size)
    return 2;
  return memcmp(structs[index].init, bytes, size) == 0 ? 0 : 3;
}
