// Causes that lie in the installation: drivers, containers, hardware, rights.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/gl/vendor_files.h"

namespace sporkle::gl::cause {

namespace {

constexpr uint32_t file_limit = 16;
constexpr uint32_t path_capacity = 768;

struct Path {
  char text[path_capacity];
  Path(const Surroundings& where, const char* rest) {
    std::snprintf(text, sizeof text, "%s%s", where.root, rest);
  }
};

void fill(Unavailable* out, const char* id) {
  *out = Unavailable{};
  std::snprintf(out->backend, sizeof out->backend, "gl");
  std::snprintf(out->id, sizeof out->id, "%s", id);
}

bool exists(const Surroundings& where, const char* rest) {
  return access(Path(where, rest).text, F_OK) == 0;
}

// "580.159.04" from the kernel driver's version file; false when there is no
// such driver.
bool nvidia_version(const Surroundings& where, char* out, uint32_t capacity) {
  char line[256];
  if (!read_first_line(Path(where, "/proc/driver/nvidia/version").text, line, sizeof line)) {
    return false;
  }
  std::snprintf(out, capacity, "unknown");
  for (const char* word = line; *word != '\0';) {
    const size_t length = std::strcspn(word, " \t");
    const size_t digits = std::strspn(word, "0123456789.");
    if (length > 3 && digits == length && std::memchr(word, '.', length) != nullptr) {
      std::snprintf(out, capacity, "%.*s", static_cast<int>(length), word);
      break;
    }
    word += length;
    word += std::strspn(word, " \t");
  }
  return true;
}

bool in_container(const Surroundings& where) {
  return exists(where, "/.dockerenv") || exists(where, "/run/.containerenv") ||
         where.nvidia_visible_devices != nullptr || where.nvidia_capabilities != nullptr;
}

bool grants_graphics(const char* capabilities) {
  return capabilities != nullptr && (std::strstr(capabilities, "graphics") != nullptr ||
                                     std::strstr(capabilities, "all") != nullptr);
}

bool nvidia_has_vendor_file(const Surroundings& where) {
  VendorFile files[file_limit];
  const uint32_t count = list_vendor_files(where, files, file_limit);
  return std::any_of(files, files + count, [](const VendorFile& file) {
    return std::strstr(file.library, "nvidia") != nullptr;
  });
}

// Calls visit(name) for every entry; stops when it returns true.
template <class Visit>
bool any_entry(const char* directory, Visit visit) {
  DIR* stream = opendir(directory);
  if (stream == nullptr) return false;
  bool found = false;
  while (const dirent* entry = readdir(stream)) {
    if (entry->d_name[0] == '.') continue;
    found = visit(entry->d_name);
    if (found) break;
  }
  closedir(stream);
  return found;
}

bool has_mig_slices(const Surroundings& where) {
  for (const char* list : {where.nvidia_visible_devices, where.cuda_visible_devices}) {
    if (list != nullptr && std::strstr(list, "MIG-") != nullptr) return true;
  }
  const Path gpus(where, "/proc/driver/nvidia/capabilities");
  return any_entry(gpus.text, [&](const char* gpu) {
    char mig[path_capacity + 280];
    std::snprintf(mig, sizeof mig, "%s/%s/mig", gpus.text, gpu);
    return any_entry(mig, [](const char* name) { return std::strncmp(name, "gi", 2) == 0; });
  });
}

unsigned long pci_number(const char* device, const char* file) {
  char path[path_capacity + 300], line[32];
  std::snprintf(path, sizeof path, "%s/%s", device, file);
  return read_first_line(path, line, sizeof line) ? std::strtoul(line, nullptr, 16) : 0;
}

// AMD's accelerators have no graphics pipeline: Mesa's OpenGL driver refuses
// them. Newer ones are of PCI class 12 (processing accelerator); older ones
// are named here by device id (pci.ids: Instinct MI50/60, MI100, MI200 series).
bool is_instinct(const char* device) {
  if (pci_number(device, "vendor") != 0x1002) return false;
  if (pci_number(device, "class") >> 16 == 0x12) return true;
  const unsigned long id = pci_number(device, "device");
  constexpr unsigned long known[] = {0x66a0, 0x66a1, 0x738c, 0x738e, 0x7408, 0x740c, 0x740f};
  return std::find(std::begin(known), std::end(known), id) != std::end(known);
}

bool has_instinct(const Surroundings& where, char* pci, uint32_t capacity) {
  const Path devices(where, "/sys/bus/pci/devices");
  return any_entry(devices.text, [&](const char* name) {
    char device[path_capacity + 280];
    std::snprintf(device, sizeof device, "%s/%s", devices.text, name);
    std::snprintf(pci, capacity, "%.31s", name);
    return is_instinct(device);
  });
}

bool is_wsl(const Surroundings& where) {
  char line[256];
  if (exists(where, "/dev/dxg")) return true;
  return read_first_line(Path(where, "/proc/version").text, line, sizeof line) &&
         (std::strstr(line, "microsoft") != nullptr || std::strstr(line, "WSL") != nullptr);
}

// Whether /etc/group lists the user in the group, and the group's name.
bool listed_in_group(const Surroundings& where, uint32_t group, char* name, uint32_t capacity) {
  std::snprintf(name, capacity, "%u", group);
  FILE* file = std::fopen(Path(where, "/etc/group").text, "re");
  if (file == nullptr) return false;
  char line[1024];
  bool listed = false;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    char* rest = line;
    const char* group_name = strsep(&rest, ":");
    strsep(&rest, ":");
    const char* id = strsep(&rest, ":");
    if (id == nullptr || std::strtoul(id, nullptr, 10) != group) continue;
    std::snprintf(name, capacity, "%.40s", group_name);
    for (const char* user; (user = strsep(&rest, ",\n")) != nullptr;) {
      listed |= where.user[0] != '\0' && std::strcmp(user, where.user) == 0;
    }
    break;
  }
  std::fclose(file);
  return listed;
}

void explain_permission(const Surroundings& where, const char* node, Unavailable* out) {
  struct stat status {};
  const uint32_t group = stat(node, &status) == 0 ? status.st_gid : 0;
  char name[48];
  const bool listed = listed_in_group(where, group, name, sizeof name);
  const char* shown = node + std::strlen(where.root);
  std::snprintf(out->reason, sizeof out->reason,
                "no permission on %.80s, which belongs to group %s%s", shown, name,
                listed ? "; you are in it, but this login is older than that" : "");
  if (listed && !where.in_group(group)) {
    std::snprintf(out->cure, sizeof out->cure, "log out and in again (or: newgrp %s)", name);
  } else {
    std::snprintf(out->cure, sizeof out->cure,
                  "sudo usermod -aG %s %s   # then log out and in again", name,
                  where.user[0] != '\0' ? where.user : "$USER");
  }
}

}  // namespace

bool nvidia_compute_only(const Surroundings& where, Unavailable* out) {
  char version[32];
  if (!nvidia_version(where, version, sizeof version)) return false;
  if (nvidia_has_vendor_file(where)) return false;
  if (in_container(where) && !grants_graphics(where.nvidia_capabilities)) return false;
  fill(out, "SPORKLE-ENV-01");
  std::snprintf(out->reason, sizeof out->reason,
                "the NVIDIA kernel driver %s is loaded, but its OpenGL part is not installed "
                "(a compute-only installation)", version);
  std::snprintf(out->cure, sizeof out->cure,
                "Debian: sudo apt-get install libegl-nvidia0   Ubuntu: sudo apt-get install "
                "libnvidia-gl-%d   (version %s); without root: docs/no-root-gl.md",
                std::atoi(version), version);
  return true;
}

bool container_without_graphics(const Surroundings& where, Unavailable* out) {
  char version[32];
  if (!nvidia_version(where, version, sizeof version) || !in_container(where)) return false;
  if (grants_graphics(where.nvidia_capabilities) || nvidia_vendor_loads(where)) return false;
  fill(out, "SPORKLE-ENV-02");
  std::snprintf(out->reason, sizeof out->reason,
                "this container has the NVIDIA driver %s without its graphics capability "
                "(NVIDIA_DRIVER_CAPABILITIES=%.60s)", version,
                where.nvidia_capabilities == nullptr ? "" : where.nvidia_capabilities);
  std::snprintf(out->cure, sizeof out->cure,
                "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics "
                "...   # Kubernetes: set the same variable in the container's env");
  return true;
}

bool vendor_library_missing(const Surroundings& where, uint32_t skip, Unavailable* out) {
  VendorFile files[file_limit];
  const uint32_t count = list_vendor_files(where, files, file_limit);
  for (uint32_t i = 0; i < count; ++i) {
    if (files[i].loads || skip-- != 0) continue;
    fill(out, "SPORKLE-ENV-03");
    std::snprintf(out->reason, sizeof out->reason, "%.90s: %.150s",
                  files[i].path + std::strlen(where.root), files[i].error.text);
    std::snprintf(out->cure, sizeof out->cure,
                  "install the package that owns %.80s, or remove the file: dpkg -S %.100s",
                  files[i].library, files[i].path + std::strlen(where.root));
    return true;
  }
  return false;
}

bool never_opengl(const Surroundings& where, Unavailable* out) {
  fill(out, "SPORKLE-ENV-04");
  char pci[32];
  if (has_mig_slices(where)) {
    std::snprintf(out->reason, sizeof out->reason,
                  "the NVIDIA GPU is divided into MIG slices, which have no graphics");
    std::snprintf(out->cure, sizeof out->cure,
                  "ask for a whole GPU; an administrator turns MIG off by: sudo nvidia-smi -mig 0");
    return true;
  }
  if (has_instinct(where, pci, sizeof pci)) {
    std::snprintf(out->reason, sizeof out->reason,
                  "the AMD Instinct at %s has no graphics pipeline; Mesa offers no OpenGL for it",
                  pci);
    std::snprintf(out->cure, sizeof out->cure,
                  "use --device amdgpu where this build has it, or --device cpu");
    return true;
  }
  if (is_wsl(where)) {
    std::snprintf(out->reason, sizeof out->reason,
                  "WSL: Mesa's d3d12 driver offers OpenGL 4.2; compute shaders need 4.3");
    std::snprintf(out->cure, sizeof out->cure,
                  "use --device cpu, a native Linux, or a Mesa whose d3d12 driver offers 4.3 "
                  "(check: eglinfo -B)");
    return true;
  }
  return false;
}

bool no_permission(const Surroundings& where, Unavailable* out) {
  const auto refused = [&](const char* directory, const char* prefix) {
    const Path path(where, directory);
    return any_entry(path.text, [&](const char* name) {
      char node[path_capacity + 280];
      std::snprintf(node, sizeof node, "%s/%s", path.text, name);
      if (std::strncmp(name, prefix, std::strlen(prefix)) != 0 || where.may_open(node)) {
        return false;
      }
      fill(out, "SPORKLE-ENV-05");
      explain_permission(where, node, out);
      return true;
    });
  };
  return refused("/dev/dri", "renderD") || refused("/dev", "nvidiactl");
}

}  // namespace sporkle::gl::cause
