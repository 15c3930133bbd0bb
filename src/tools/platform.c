#include "tools/platform.h"

#include <gnu/libc-version.h>
#include <sched.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sporkle.h"

extern char **environ;

static void print_fact(FILE *stream, const char *name, const char *value) {
  fprintf(stream, "%-20s %s\n", name, value);
}

// Prints every line of a file that starts with one of `keys`, once per key.
static void print_lines(FILE *stream, const char *path, const char *const *keys, int count) {
  char line[4096];
  unsigned seen = 0;
  FILE *file = fopen(path, "r");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    for (int i = 0; i < count; ++i) {
      if ((seen & 1u << i) || strncmp(line, keys[i], strlen(keys[i])) != 0) continue;
      seen |= 1u << i;
      line[strcspn(line, "\n")] = '\0';
      fprintf(stream, "%s\n", line);
    }
  }
  fclose(file);
}

static void print_file(FILE *stream, const char *path) {
  char line[512] = "";
  FILE *file = fopen(path, "r");
  if (!file) return;
  if (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    fprintf(stream, "%s: %s\n", path, line);
  }
  fclose(file);
}

void platform_print_build(FILE *stream) {
  char text[64];
  snprintf(text, sizeof text, "%d.%d.%d", SPORKLE_VERSION_MAJOR, SPORKLE_VERSION_MINOR,
           SPORKLE_VERSION_PATCH);
  print_fact(stream, "sporkle", text);
  print_fact(stream, "libsporkle", sporkle_version_string());
  print_fact(stream, "compiler", __VERSION__);
  print_fact(stream, "build type", SPORKLE_BUILD_TYPE);
}

void platform_print_system(FILE *stream) {
  static const char *const keys[] = {"PRETTY_NAME="};
  struct utsname facts;
  print_lines(stream, "/etc/os-release", keys, 1);
  if (uname(&facts) == 0) {
    fprintf(stream, "%-20s %s %s %s\n", "kernel", facts.sysname, facts.release, facts.machine);
  }
  print_fact(stream, "glibc", gnu_get_libc_version());
}

void platform_print_processor(FILE *stream) {
  static const char *const keys[] = {"model name", "flags", "Features", "CPU part"};
  static const char *const limits[] = {"Cpus_allowed_list"};
  print_lines(stream, "/proc/cpuinfo", keys, 4);
  fprintf(stream, "%-20s %ld configured, %ld online\n", "processors",
          sysconf(_SC_NPROCESSORS_CONF), sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    fprintf(stream, "%-20s %d processors\n", "affinity", CPU_COUNT(&set));
  }
  print_lines(stream, "/proc/self/status", limits, 1);
  print_file(stream, "/sys/fs/cgroup/cpu.max");
  print_file(stream, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  print_file(stream, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

void platform_print_memory(FILE *stream) {
  static const char *const keys[] = {"MemTotal", "MemAvailable", "SwapTotal"};
  print_lines(stream, "/proc/meminfo", keys, 3);
  print_file(stream, "/sys/fs/cgroup/memory.max");
  print_file(stream, "/sys/kernel/mm/transparent_hugepage/enabled");
  fprintf(stream, "%-20s %ld bytes\n", "page size", sysconf(_SC_PAGESIZE));
}

void platform_print_environment(FILE *stream) {
  static const char *const prefixes[] = {
      "SPORKLE_", "LIBGL_", "MESA_", "EGL_", "__EGL_", "__GLX_", "GALLIUM_", "LP_",
      "OMP_", "LD_", "NVIDIA_", "CUDA_VISIBLE_DEVICES", "HIP_", "ROCR_",
  };
  int printed = 0;
  for (char **entry = environ; *entry; ++entry) {
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; ++i) {
      if (strncmp(*entry, prefixes[i], strlen(prefixes[i])) != 0) continue;
      fprintf(stream, "%s\n", *entry);
      ++printed;
      break;
    }
  }
  if (printed == 0) fprintf(stream, "none of SPORKLE_*, GL, EGL, OpenMP or loader variables\n");
}
