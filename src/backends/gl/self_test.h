// Start-up checks of a driver: does it compute, and how do its fences behave?
#pragma once

#include "backends/gl/gl_context.h"

namespace sporkle::gl {

constexpr uint64_t self_test_patience_ns = 10000000000u;

// Runs a small dispatch and checks every word of the result. False with a
// reason for a driver that computes nothing or computes wrongly.
bool passes_self_test(const GlContext& context, uint64_t patience_ns, Reason* reason);

// Whether dispatches are complete when they return, so that a fence is born
// signalled (llvmpipe, softpipe).
bool dispatches_synchronously(const GlContext& context);

// Waits for a sync object by short driver waits under our own clock.
bool wait_sync(const GladGLContext& gl, GLsync sync, uint64_t timeout_ns) noexcept;

}  // namespace sporkle::gl
