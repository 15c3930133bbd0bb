// OpenGL interop: attaching threads, hand-overs.
#include "api/gl_interop.h"

using namespace sporkle;

namespace sporkle {

GlInterop& interop_of(Context& context, uint32_t device) {
  GlInterop* const interop = context.checked_device(device).gl_interop();
  if (interop == nullptr) {
    fail(SPORKLE_ERROR_UNSUPPORTED, "device: %u has no OpenGL context to share", device);
  }
  return *interop;
}

namespace {

using HandOver = void (GlInterop::*)(const std::shared_ptr<DeviceMemory>&);

// `buffer` may be null.
void exchange(const Entered& entered, uint32_t device, sporkle_buffer buffer, HandOver direction) {
  GlInterop& interop = *entered.operator->();
  if (buffer == nullptr) {
    (interop.*direction)(nullptr);
    return;
  }
  const Pin<Buffer> pin(buffer, "buffer");
  if (&pin->context() != &entered.context() || pin->device() != device) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "buffer: of another context or device");
  }
  (interop.*direction)(pin->shared_memory());
}

}  // namespace

}  // namespace sporkle

sporkle_status sporkle_gl_attach(sporkle_context context, uint32_t device) {
  return boundary("sporkle_gl_attach", [&]() -> Status {
    Entered(context, device)->attach();
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_detach(sporkle_context context, uint32_t device) {
  return boundary("sporkle_gl_detach", [&]() -> Status {
    Entered(context, device)->detach();
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_hand_over(sporkle_context context, uint32_t device,
                                    sporkle_buffer buffer) {
  return boundary("sporkle_gl_hand_over", [&]() -> Status {
    exchange(Entered(context, device), device, buffer, &GlInterop::hand_over);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_gl_take_over(sporkle_context context, uint32_t device,
                                    sporkle_buffer buffer) {
  return boundary("sporkle_gl_take_over", [&]() -> Status {
    exchange(Entered(context, device), device, buffer, &GlInterop::take_over);
    return SPORKLE_OK;
  });
}
