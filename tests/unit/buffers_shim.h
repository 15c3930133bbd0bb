/* C windows on what a buffer remembers of the operations that write to it. */
#ifndef SPORKLE_TESTS_UNIT_BUFFERS_SHIM_H
#define SPORKLE_TESTS_UNIT_BUFFERS_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As a submission does whose output is the range. */
void shim_buffer_submitted(sporkle_buffer buffer, sporkle_fence fence, uint64_t offset,
                           uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
