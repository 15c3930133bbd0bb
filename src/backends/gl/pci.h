// What the system tells about a graphics card: PCI address, kind, NVIDIA UUID.
#pragma once

#include <cstdint>

namespace sporkle::gl {

enum class CardKind : uint8_t { unknown, discrete, integrated };

const char* card_kind_name(CardKind kind) noexcept;

constexpr uint32_t pci_capacity = 16;   // "0000:65:00.0"
constexpr uint32_t uuid_capacity = 48;  // "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"

// PCI address of the card behind a DRM device file; false when it has none.
// `root` is the prefix of /proc and /sys: "" on a real system.
bool pci_of_drm_file(const char* root, const char* drm_file, char* out) noexcept;

// PCI address of the NVIDIA card with a UUID, from the kernel driver.
bool pci_of_nvidia_uuid(const char* root, const char* uuid, char* out) noexcept;

// Discrete or integrated, by the place in the PCI tree: Intel's GPU at 00:02.0,
// or one that shares its slot with functions of AMD's CPU vendor id, is part of
// the processor.
CardKind kind_of_pci(const char* root, const char* pci) noexcept;

// Writes 16 bytes as NVIDIA's tools do, "GPU-8932f937-...".
void format_uuid(const unsigned char bytes[16], char* out) noexcept;

// First line of a file without its newline; false when it cannot be read.
bool read_first_line(const char* path, char* out, uint32_t capacity) noexcept;

}  // namespace sporkle::gl
