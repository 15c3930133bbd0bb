// What the OpenGL entry points share.
#pragma once

#include "api/boundary.h"
#include "core/buffer.h"
#include "core/gl_interop.h"

namespace sporkle {

// Throws INVALID_ARGUMENT, UNSUPPORTED.
GlInterop& interop_of(Context& context, uint32_t device);

// A pinned context and the interop of one of its devices, for one call.
class Entered {
 public:
  Entered(sporkle_context context, uint32_t device)
      : pin_(context, "context"), interop_(interop_of(*pin_->context, device)) {}

  GlInterop* operator->() const noexcept { return &interop_; }
  Context& context() const noexcept { return *pin_->context; }

 private:
  Pin<ContextObject> pin_;
  GlInterop& interop_;
};

}  // namespace sporkle
