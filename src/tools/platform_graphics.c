#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "sporkle.h"
#include "tools/platform.h"

static const char *access_text(const char *path) {
  if (access(path, R_OK | W_OK) == 0) return "read and write";
  return access(path, R_OK) == 0 ? "read only" : "no access";
}

static void print_folder(FILE *stream, const char *folder) {
  DIR *dir = opendir(folder);
  if (!dir) {
    fprintf(stream, "%s: not there\n", folder);
    return;
  }
  for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    char path[512];
    if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) continue;
    snprintf(path, sizeof path, "%.200s/%.255s", folder, entry->d_name);
    fprintf(stream, "%s: %s\n", path, access_text(path));
  }
  closedir(dir);
}

static void print_device_node(FILE *stream, const char *path) {
  if (access(path, F_OK) == 0) {
    fprintf(stream, "%s: %s\n", path, access_text(path));
  } else {
    fprintf(stream, "%s: not there\n", path);
  }
}

static void print_library(FILE *stream, const char *name) {
  void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
  if (!handle) {
    fprintf(stream, "%-24s not found\n", name);
    return;
  }
  struct link_map *map = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map) {
    fprintf(stream, "%-24s %s\n", name, map->l_name);
  }
  dlclose(handle);
}

static void print_own_library(FILE *stream) {
  // POSIX gives function pointers and void pointers one representation; ISO C
  // has no cast between them.
  const char *(*function)(void) = sporkle_version_string;
  void *address = NULL;
  Dl_info facts;
  memcpy(&address, &function, sizeof address);
  if (dladdr(address, &facts) != 0 && facts.dli_fname) {
    fprintf(stream, "%-24s %s\n", "libsporkle", facts.dli_fname);
  }
}

void platform_print_graphics(FILE *stream) {
  static const char *const libraries[] = {
      "libEGL.so.1", "libOpenGL.so.0", "libGL.so.1", "libGLdispatch.so.0", "libdrm.so.2",
      "libdrm_amdgpu.so.1",
  };
  print_own_library(stream);
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; ++i) {
    print_library(stream, libraries[i]);
  }
  print_folder(stream, "/dev/dri");
  print_device_node(stream, "/dev/kfd");
  print_device_node(stream, "/dev/nvidiactl");
  print_folder(stream, "/usr/share/glvnd/egl_vendor.d");
  print_folder(stream, "/etc/glvnd/egl_vendor.d");
}
