#include "backends/gl/placement.h"

#include <cstring>
#include <initializer_list>

namespace sporkle::gl {

namespace {

// How often a convolution reads its input from memory: tiles overlap by their
// halo and every block of output channels passes over it again, while caches
// absorb most of that.
constexpr double input_reads = 4;

bool contains_any(const char* text, std::initializer_list<const char*> words) noexcept {
  for (const char* word : words) {
    if (std::strstr(text, word) != nullptr) return true;
  }
  return false;
}

bool is_mobile(const char* vendor, const char* renderer) noexcept {
  for (const char* text : {vendor, renderer}) {
    if (contains_any(text, {"ARM", "Mali", "Panfrost", "Qualcomm", "Adreno", "freedreno",
                            "Imagination", "PowerVR", "Broadcom", "V3D", "Vivante", "Tegra"})) {
      return true;
    }
  }
  return false;
}

double per_byte(double gigabytes_per_second) noexcept {
  return gigabytes_per_second > 0 ? 1.0 / gigabytes_per_second : -1;
}

// A sum that is unknown when one term is.
double total(std::initializer_list<double> terms) noexcept {
  double sum = 0;
  for (const double term : terms) {
    if (term < 0) return -1;
    sum += term;
  }
  return sum;
}

}  // namespace

const char* memory_form_name(MemoryForm form) noexcept {
  switch (form) {
    case MemoryForm::direct: return "mapped";
    case MemoryForm::window: return "window";
    case MemoryForm::shadow: break;
  }
  return "staging";
}

const char* platform_name(Platform platform) noexcept {
  switch (platform) {
    case Platform::nvidia: return "NVIDIA";
    case Platform::amd_discrete: return "AMD discrete";
    case Platform::integrated: return "integrated";
    case Platform::mobile: return "mobile";
    case Platform::software: return "software";
    case Platform::other: break;
  }
  return "unknown";
}

Platform platform_of(const char* vendor, const char* renderer, CardKind card,
                     bool software) noexcept {
  if (software) return Platform::software;
  if (card == CardKind::integrated) return Platform::integrated;
  // The kernel driver's name of a system on a chip ("NVIDIA Tegra") comes before
  // its vendor's.
  if (is_mobile(vendor, renderer)) return Platform::mobile;
  if (contains_any(vendor, {"NVIDIA", "nouveau"})) return Platform::nvidia;
  if (contains_any(vendor, {"AMD", "ATI"}) || contains_any(renderer, {"AMD", "Radeon"})) {
    return Platform::amd_discrete;
  }
  // Intel's name says nothing about the place of the card; an Arc is discrete.
  return Platform::other;
}

Placement profile_of(Platform platform, bool storage) noexcept {
  Placement placement;
  placement.platform = platform;
  const bool one_memory = platform == Platform::software || platform == Platform::integrated ||
                          platform == Platform::mobile;
  for (KindChoice& kind : placement.kinds) {
    kind.form = !storage ? MemoryForm::shadow
                         : (one_memory ? MemoryForm::direct : MemoryForm::window);
  }
  // On an H200 a pipeline of 50 us kernels with 100 KB in and out takes 71 us per
  // item with two windows, 62 us with one, 58 us with none. On an H100 outputs of
  // 200 and 400 KB take 50 and 72 us in a pipeline, 58 and 98 with a window, and a
  // synchronous call with one of 803 KB 134 to 175 us, 153 to 211 with a window; the
  // device's work with inputs of 200 to 800 KB takes 35 to 101 us, 41 to 126 with
  // a window, although kernels read them several times: its cache holds them.
  if (platform == Platform::nvidia) {
    for (const BufferKind kind : {BufferKind::upload, BufferKind::readback}) {
      placement.direct_bytes[static_cast<uint32_t>(kind)] = uint64_t{1} << 20;
    }
  }
  // Asking only for what is used: NVIDIA backs write-only mappings by its system
  // heap and readable ones by cached memory; Mesa maps write-combined unless
  // MAP_READ is asked for.
  placement.of(BufferKind::upload).map = {false, true, false};
  placement.of(BufferKind::readback).map = {true, false, false};
  placement.of(BufferKind::shared).map = {true, true, false};
  if (platform == Platform::amd_discrete) {
    // radeonsi puts a persistent mapping into VRAM unless it is told that the
    // client's memory is meant (si_buffer.c); the CPU's reads from there are uncached.
    placement.of(BufferKind::readback).map.client_storage = true;
    placement.of(BufferKind::shared).map.client_storage = true;
  }
  // Mobile drivers are short of mappings and slow at making them.
  if (platform == Platform::mobile) placement.block_bytes = uint64_t{32} << 20;
  return placement;
}

double cost_of(const ProbeRates& rates, BufferKind kind, const KindChoice& choice) noexcept {
  if (kind == BufferKind::local || choice.form == MemoryForm::shadow) return -1;
  const MapRates& m = rates.mapped[static_cast<uint32_t>(kind)][choice.map.client_storage];
  const bool window = choice.form == MemoryForm::window;
  const bool written = kind != BufferKind::readback;
  const bool read = kind != BufferKind::upload;
  const double in = input_reads * per_byte(window ? rates.local_read : m.gpu_read);
  const double out = per_byte(window ? rates.local_write : m.gpu_write);
  const double copy = window ? per_byte(m.copy) : 0;
  return total({written ? per_byte(m.cpu_write) : 0, written ? copy : 0, written ? in : 0,
                read ? out : 0, read ? copy : 0, read ? per_byte(m.cpu_read) : 0});
}

bool overrule(const ProbeRates& rates, Placement* placement) noexcept {
  bool changed = false;
  for (const BufferKind kind : {BufferKind::upload, BufferKind::readback, BufferKind::shared}) {
    KindChoice& chosen = placement->of(kind);
    if (chosen.form == MemoryForm::shadow) continue;
    const double by_profile = cost_of(rates, kind, chosen);
    KindChoice best = chosen;
    double best_cost = by_profile;
    for (const MemoryForm form : {MemoryForm::direct, MemoryForm::window}) {
      for (const bool client : {false, true}) {
        KindChoice other = chosen;
        other.form = form;
        other.map.client_storage = client;
        const double cost = cost_of(rates, kind, other);
        if (cost >= 0 && best_cost >= 0 && cost < best_cost) {
          best = other;
          best_cost = cost;
        }
      }
    }
    if (by_profile < 0 || by_profile < override_gain * best_cost) continue;
    if (best.form == chosen.form && best.map.client_storage == chosen.map.client_storage) continue;
    chosen = best;
    changed = true;
  }
  return changed;
}

}  // namespace sporkle::gl
