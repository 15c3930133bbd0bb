// A library context opened for the command line, and errors turned into
// messages and exit codes.
#pragma once

#include <stdint.h>

#include "sporkle.h"

typedef struct SessionOptions {
  const char *device;  // --device; NULL: SPORKLE_DEVICE or the selector
  const char *isa;     // --isa; NULL: SPORKLE_CPU_ISA or the best
  uint32_t threads;    // --threads; 0: SPORKLE_THREADS or affinity and cgroup
  int reproducible;    // --reproducible; 0: SPORKLE_REPRODUCIBLE
  const sporkle_allocator *allocator;  // NULL: the library's own
} SessionOptions;

typedef struct Session {
  sporkle_context context;
  uint32_t device;  // SPORKLE_DEVICE_AUTO or an index
} Session;

// Returns TOOL_OK, or an exit code after a message with reason and cure.
int session_open(const SessionOptions *options, Session *out);

// As session_open, but when the settings ask for a device that is not available
// the session is opened on the CPU, so that there is something to list. Returns
// TOOL_NO_DEVICE then, with out->context set.
int session_open_for_listing(const SessionOptions *options, Session *out);

void session_close(Session *session);

// The exit code that a failed status stands for.
int session_exit_code(sporkle_status status);

// The last error's text, or the status name when there is none. Returns `out`.
const char *session_error_text(sporkle_status status, char out[512]);

// Describes a device; a device that cannot be described gives empty strings.
sporkle_device_info session_device(sporkle_context context, uint32_t device);

// Looks up one property of a device. Returns 1 when found.
int session_property(sporkle_context context, uint32_t device, const char *key,
                     sporkle_property *out);
