// Causes that lie in how the process runs: what it asked for and what it got.
#include <cstdarg>
#include <cstdio>
#include <unistd.h>

#include "backends/gl/diagnosis.h"

namespace sporkle::gl::cause {

namespace {

// A driver that is kept loaded opens in about 0.3 s (H200, 580.159).
constexpr uint64_t slow_open_ns = 1500000000u;

__attribute__((format(printf, 3, 5))) void fill(Unavailable* out, const char* id,
                                                const char* format, const char* cure, ...) {
  *out = Unavailable{};
  std::snprintf(out->backend, sizeof out->backend, "gl");
  std::snprintf(out->id, sizeof out->id, "%s", id);
  std::snprintf(out->cure, sizeof out->cure, "%s", cure);
  va_list args;
  va_start(args, cure);
  std::vsnprintf(out->reason, sizeof out->reason, format, args);
  va_end(args);
}

}  // namespace

bool software_only(const Findings& findings, Unavailable* out) {
  if (findings.hardware_devices != 0 || findings.software_devices == 0) return false;
  fill(out, "SPORKLE-ENV-06",
       "no hardware GPU offers OpenGL here, only software rendering; it is used when asked for",
       "to use it anyway: SPORKLE_DEVICE=gl or --device gl; for a GPU: install its OpenGL driver "
       "(AMD, Intel: sudo apt-get install libgl1-mesa-dri), or see docs/no-root-gl.md");
  return true;
}

bool wrong_gpu(const Findings& findings, Unavailable* out) {
  if (findings.wrong_device.text[0] == '\0') return false;
  fill(out, "SPORKLE-ENV-07", "%s",
       "SPORKLE_GL_DEVICE takes an index, PCI address, UUID, part of the name, software or "
       "local-rank: env -u CUDA_VISIBLE_DEVICES -u SPORKLE_GL_DEVICE sporkle info   # shows them",
       findings.wrong_device.text);
  return true;
}

bool slow_first_call(const Surroundings& where, const Findings& findings, Unavailable* out) {
  if (findings.hardware_devices == 0) return false;
  char path[512];
  std::snprintf(path, sizeof path, "%s/run/nvidia-persistenced/socket", where.root);
  const bool kept_loaded = access(path, F_OK) == 0;
  if (findings.opened_nvidia && findings.slowest_open_ns > slow_open_ns && !kept_loaded) {
    fill(out, "SPORKLE-ENV-08",
         "works, but the NVIDIA driver took %.1f s to start: nothing keeps it loaded",
         "sudo nvidia-smi -pm 1   # or: sudo systemctl enable --now nvidia-persistenced",
         static_cast<double>(findings.slowest_open_ns) * 1e-9);
    return true;
  }
  if (findings.program_cache) return false;
  fill(out, "SPORKLE-ENV-08",
       "works, but compiled programs are not kept: the cache directory cannot be written",
       "export SPORKLE_CACHE_DIR=...   # a directory that you can write");
  return true;
}

bool not_loadable(const Findings& findings, Unavailable* out) {
  if (findings.library_loaded) return false;
  fill(out, "SPORKLE-ENV-09", "libEGL cannot be loaded: %s",
       "sudo apt-get install libegl1 libgl1-mesa-dri   # without root: docs/no-root-gl.md",
       findings.library_error.text);
  return true;
}

bool one_bound_core(const Surroundings& where, Unavailable* out) {
  if (where.usable_cpus != 1 || where.online_cpus < 2) return false;
  fill(out, "SPORKLE-ENV-10",
       "works, but this process is bound to 1 of %u CPUs; the driver's threads, the submission "
       "thread and the program share it",
       "mpirun --bind-to none ...   # or --map-by slot:PE=4; Slurm: --cpus-per-task=4; "
       "taskset -cp 0-3 PID", where.online_cpus);
  return true;
}

}  // namespace sporkle::gl::cause
