/* A host that knows one symbol: loads the library, computes through the table,
 * shuts down, unloads. Before the library has started a thread, dlclose really
 * unmaps it; afterwards unloading is safe, whether or not it unmaps.
 *
 *     abi_plugin LIBRARY */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sporkle.h>

enum { CHANNELS = 16, SIZE = 48, OUT_CHANNELS = 32 };

typedef struct Plugin {
  void *library;
  const sporkle_api *api;
} Plugin;

static bool is_mapped(const char *path) {
  char real[4096], line[8192];
  bool found = false;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps || !realpath(path, real)) return true;
  while (fgets(line, sizeof line, maps)) found = found || strstr(line, real);
  fclose(maps);
  return found;
}

static bool plugin_open(Plugin *plugin, const char *path) {
  sporkle_status (*get_api)(uint32_t, const sporkle_api **) = NULL;
  plugin->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!plugin->library) return false;
  void *symbol = dlsym(plugin->library, "sporkle_get_api");
  memcpy(&get_api, &symbol, sizeof symbol);
  return get_api && get_api(SPORKLE_VERSION_MAJOR, &plugin->api) == SPORKLE_OK;
}

static int unload_without_threads(const char *path) {
  Plugin plugin;
  sporkle_context context = NULL;
  if (!plugin_open(&plugin, path)) return printf("cannot load: %s\n", dlerror()), 1;
  uint32_t devices = 0;
  int failures = 0;
  /* Looking for GPUs starts a thread, and drivers may stay loaded. */
  sporkle_context_desc desc;
  plugin.api->context_desc_init(&desc);
  desc.device = "cpu";
  if (plugin.api->context_create(&desc, &context) != SPORKLE_OK ||
      plugin.api->device_count(context, &devices) != SPORKLE_OK || devices == 0) {
    printf("no context or no device\n");
    ++failures;
  }
  plugin.api->context_destroy(context);
  plugin.api->shutdown();
  if (dlclose(plugin.library) != 0 || is_mapped(path)) {
    printf("dlclose before the first thread left the library mapped\n");
    ++failures;
  }
  return failures;
}

/* Within the bound of every algorithm, Winograd's included. */
static int is_near(float value, float expected) {
  const float difference = value > expected ? value - expected : expected - value;
  return difference <= 1e-5f * expected;
}

/* All ones times all ones: an inner output is the number of terms. */
static int compute(const sporkle_api *api, sporkle_context context) {
  static float input[CHANNELS * SIZE * SIZE], weights[OUT_CHANNELS * CHANNELS * 9];
  static float output[OUT_CHANNELS * SIZE * SIZE];
  for (size_t i = 0; i < sizeof input / sizeof *input; ++i) input[i] = 1.0f;
  for (size_t i = 0; i < sizeof weights / sizeof *weights; ++i) weights[i] = 1.0f;
  sporkle_conv2d_desc problem;
  uint32_t cpu = 0;
  api->conv2d_desc_set(&problem, 1, CHANNELS, SIZE, SIZE, OUT_CHANNELS, 3, 1, 1);
  sporkle_status status = api->device_find(context, "cpu", &cpu);
  if (status == SPORKLE_OK) {
    status = api->conv2d(context, cpu, &problem, input, weights, NULL, NULL, output, NULL);
  }
  const float corner = output[0], inner = output[SIZE * SIZE + SIZE + 1];
  if (status == SPORKLE_OK && is_near(corner, 4.0f * CHANNELS) &&
      is_near(inner, 9.0f * CHANNELS)) {
    return 0;
  }
  printf("computing through the table: %s, corner %.9g, inner %.9g\n", api->status_name(status), corner,
         inner);
  return 1;
}

static int unload_after_work(const char *path) {
  Plugin plugin;
  sporkle_context context = NULL;
  int failures = 0;
  if (!plugin_open(&plugin, path)) return printf("cannot load again: %s\n", dlerror()), 1;
  sporkle_context_desc desc;
  plugin.api->context_desc_init(&desc);
  desc.threads = 4;
  if (plugin.api->context_create(&desc, &context) != SPORKLE_OK) {
    printf("no context after loading again\n");
    ++failures;
  } else {
    failures += compute(plugin.api, context);
  }
  if (plugin.api->shutdown() != SPORKLE_OK) {
    printf("sporkle_shutdown failed\n");
    ++failures;
  }
  if (dlclose(plugin.library) != 0) {
    printf("dlclose failed: %s\n", dlerror());
    ++failures;
  }
  return failures;
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  int failures = unload_without_threads(argv[1]);
  for (int round = 0; round < 3; ++round) failures += unload_after_work(argv[1]);
  printf("plugin: unmapped by dlclose before the first thread; computed, shut down and closed "
         "3 times; still mapped afterwards: %s\n", is_mapped(argv[1]) ? "yes (pinned)" : "no");
  return failures ? 1 : 0;
}
