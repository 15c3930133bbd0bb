// Groups of gl_device: each runs in the environment that its ctest entry sets.
#pragma once

#include "support/job.h"

// The index of the OpenGL device, or -1.
int64_t gl_index(sporkle_context context);
// Skips the test, with the reason printed, when there is no OpenGL device.
void need_gl(World *world);
// Whether some entry of the unavailable list has `part` in its reason, and `id`
// (may be NULL).
bool reported_unavailable(sporkle_context context, const char *id, const char *part);
void device_property_text(World *world, const char *key, char *out, size_t capacity);

extern const struct CMUnitTest test_noop, test_hidden, test_named_software, test_named_nothing,
    test_cpu_only, test_kernel_by_name;
