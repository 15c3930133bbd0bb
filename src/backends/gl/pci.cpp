#include "backends/gl/pci.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace sporkle::gl {

namespace {

constexpr uint32_t path_capacity = 512;
constexpr unsigned long intel_vendor = 0x8086;
constexpr unsigned long amd_cpu_vendor = 0x1022;  // pci.ids: Advanced Micro Devices, chipset parts

bool looks_like_pci(const char* text) noexcept {
  unsigned domain, bus, device, function;
  return std::sscanf(text, "%x:%x:%x.%x", &domain, &bus, &device, &function) == 4;
}

unsigned long read_hex(const char* path) noexcept {
  char line[64];
  return read_first_line(path, line, sizeof line) ? std::strtoul(line, nullptr, 16) : 0;
}

// The value of "Name:   value" in a file of such lines.
bool read_field(const char* path, const char* name, char* out, uint32_t capacity) noexcept {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  char line[256];
  bool found = false;
  const size_t length = std::strlen(name);
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, length) != 0 || line[length] != ':') continue;
    const char* value = line + length + 1;
    value += std::strspn(value, " \t");
    std::snprintf(out, capacity, "%.*s", static_cast<int>(std::strcspn(value, "\n")), value);
    found = true;
  }
  std::fclose(file);
  return found;
}

}  // namespace

const char* card_kind_name(CardKind kind) noexcept {
  switch (kind) {
    case CardKind::discrete: return "discrete";
    case CardKind::integrated: return "integrated";
    case CardKind::unknown: break;
  }
  return "unknown";
}

bool read_first_line(const char* path, char* out, uint32_t capacity) noexcept {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool read = std::fgets(out, static_cast<int>(capacity), file) != nullptr;
  std::fclose(file);
  if (read) out[std::strcspn(out, "\n")] = '\0';
  return read;
}

bool pci_of_drm_file(const char* root, const char* drm_file, char* out) noexcept {
  struct stat status;
  if (drm_file[0] == '\0' || stat(drm_file, &status) != 0 || !S_ISCHR(status.st_mode)) {
    return false;
  }
  char path[path_capacity], target[path_capacity];
  std::snprintf(path, sizeof path, "%s/sys/dev/char/%u:%u/device", root, major(status.st_rdev),
                minor(status.st_rdev));
  const ssize_t length = readlink(path, target, sizeof target - 1);
  if (length <= 0) return false;
  target[length] = '\0';
  const char* name = std::strrchr(target, '/');
  name = name == nullptr ? target : name + 1;
  if (!looks_like_pci(name)) return false;
  std::snprintf(out, pci_capacity, "%.15s", name);
  return true;
}

bool pci_of_nvidia_uuid(const char* root, const char* uuid, char* out) noexcept {
  char path[path_capacity];
  std::snprintf(path, sizeof path, "%s/proc/driver/nvidia/gpus", root);
  DIR* directory = opendir(path);
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    char file[path_capacity + 288], value[96];
    std::snprintf(file, sizeof file, "%s/%s/information", path, entry->d_name);
    if (!read_field(file, "GPU UUID", value, sizeof value) || strcasecmp(value, uuid) != 0) {
      continue;
    }
    std::snprintf(out, pci_capacity, "%.15s", entry->d_name);
    found = true;
    break;
  }
  closedir(directory);
  return found;
}

CardKind kind_of_pci(const char* root, const char* pci) noexcept {
  unsigned domain, bus, device, function;
  if (std::sscanf(pci, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4) {
    return CardKind::unknown;
  }
  // Intel puts its integrated graphics at 00:02.0. Bus 0 alone says nothing: a
  // virtual machine hands a discrete card through there.
  if (domain == 0 && bus == 0 && device == 2) {
    char path[path_capacity];
    std::snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/vendor", root, pci);
    if (read_hex(path) == intel_vendor) return CardKind::integrated;
  }
  for (unsigned f = 0; f < 8; ++f) {
    char path[path_capacity];
    std::snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%04x:%02x:%02x.%x/vendor", root,
                  domain, bus, device, f);
    if (read_hex(path) == amd_cpu_vendor) return CardKind::integrated;
  }
  return CardKind::discrete;
}

void format_uuid(const unsigned char bytes[16], char* out) noexcept {
  int used = std::snprintf(out, uuid_capacity, "GPU-");
  for (int i = 0; i < 16; ++i) {
    const bool dash = i == 4 || i == 6 || i == 8 || i == 10;
    used += std::snprintf(out + used, uuid_capacity - static_cast<uint32_t>(used), "%s%02x",
                          dash ? "-" : "", bytes[i]);
  }
}

}  // namespace sporkle::gl
