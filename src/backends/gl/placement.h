// Where buffers live on a device: a profile per kind of platform is the starting
// point, measurements of the driver at hand overrule it where they are clearly
// better. Pure: no OpenGL is called here.
#pragma once

#include "backends/gl/buffer_object.h"

namespace sporkle::gl {

// direct: shaders use the mapped buffer itself. window: shaders use a
// device-local buffer, the GPU copies from and to the mapped one. shadow:
// without mapping, the driver copies from and to host memory.
enum class MemoryForm : uint8_t { direct, window, shadow };

const char* memory_form_name(MemoryForm form) noexcept;

enum class Platform : uint8_t { nvidia, amd_discrete, integrated, mobile, software, other };

// What is chosen for one mapped kind of buffer.
struct KindChoice {
  MemoryForm form = MemoryForm::window;
  MapChoice map;
};

constexpr uint32_t mapped_kind_count = 3;  // upload, readback, shared

struct Placement {
  Platform platform = Platform::other;
  KindChoice kinds[mapped_kind_count];
  uint64_t block_bytes = uint64_t{4} << 20;  // driver objects that small buffers share

  // Buffers of a kind up to this size that would have a window are mapped
  // instead: the copy and its barriers cost more than the bus. 0: none.
  uint64_t direct_bytes[mapped_kind_count] = {};

  // How a buffer of that kind and size lives.
  MemoryForm form_of(BufferKind kind, uint64_t bytes) const noexcept {
    const MemoryForm form = of(kind).form;
    const bool small = bytes <= direct_bytes[static_cast<uint32_t>(kind)];
    return form == MemoryForm::window && small ? MemoryForm::direct : form;
  }
  KindChoice& of(BufferKind kind) noexcept { return kinds[static_cast<uint32_t>(kind)]; }
  const KindChoice& of(BufferKind kind) const noexcept {
    return kinds[static_cast<uint32_t>(kind)];
  }
};

// From the driver's strings and the card's place in the PCI tree.
Platform platform_of(const char* vendor, const char* renderer, CardKind card,
                     bool software) noexcept;
const char* platform_name(Platform platform) noexcept;

// What the platform is known to like. Without `storage` everything is shadow.
Placement profile_of(Platform platform, bool storage) noexcept;

// GB/s of one way to map one kind of buffer; 0: not possible or not measured.
struct MapRates {
  double cpu_write = 0, cpu_read = 0, gpu_read = 0, gpu_write = 0;
  double copy = 0;  // by the GPU, from it for upload, into it for readback, the slower for shared
};

struct ProbeRates {
  MapRates mapped[mapped_kind_count][2];  // [1]: with GL_CLIENT_STORAGE_BIT
  double local_read = 0, local_write = 0;
  uint64_t bytes = 0;    // per measurement
  uint64_t took_ns = 0;  // 0: nothing was measured
};

// Nanoseconds per byte that one convolution pays for a buffer of a kind:
// the CPU's access, the copies of a window, and the GPU's accesses. Negative
// when it has not been measured.
double cost_of(const ProbeRates& rates, BufferKind kind, const KindChoice& choice) noexcept;

// What measurements must gain before they overrule the profile.
constexpr double override_gain = 1.5;

// The profile, with the choices overruled that are worth it. True when one was.
bool overrule(const ProbeRates& rates, Placement* placement) noexcept;

}  // namespace sporkle::gl
