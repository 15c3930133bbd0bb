/* The function table: its order is that of entrypoints.def, it has no other
 * entries, and each entry is the exported function of that name.
 *
 *     abi_table LIBRARY */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <sporkle.h>

typedef struct Entry {
  const char *symbol;
  size_t offset;
} Entry;

static const Entry entries[] = {
#define SPORKLE_ENTRY(name) {"sporkle_" #name, offsetof(sporkle_api, name)},
#include "../../src/api/entrypoints.def"
#undef SPORKLE_ENTRY
};
enum { ENTRY_COUNT = sizeof entries / sizeof entries[0] };

static int check_order(void) {
  int failures = 0;
  for (size_t i = 0; i < ENTRY_COUNT; ++i) {
    if (entries[i].offset == sizeof(uint64_t) + i * sizeof(void *)) continue;
    printf("%s: at byte %zu of the table, entrypoints.def has it as number %zu\n",
           entries[i].symbol, entries[i].offset, i);
    ++failures;
  }
  if (sizeof(sporkle_api) != sizeof(uint64_t) + ENTRY_COUNT * sizeof(void *)) {
    printf("struct sporkle_api has entries that entrypoints.def lacks\n");
    ++failures;
  }
  return failures;
}

static int check_pointers(void *library, const sporkle_api *api) {
  int failures = 0;
  for (size_t i = 0; i < ENTRY_COUNT; ++i) {
    void *entry = NULL;
    memcpy(&entry, (const char *)api + entries[i].offset, sizeof entry);
    if (entry && entry == dlsym(library, entries[i].symbol)) continue;
    printf("%s: the table's entry is not the exported function\n", entries[i].symbol);
    ++failures;
  }
  return failures;
}

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) {
    printf("cannot load the library: %s\n", argc == 2 ? dlerror() : "no argument");
    return 1;
  }
  sporkle_status (*get_api)(uint32_t, const sporkle_api **) = NULL;
  void *symbol = dlsym(library, "sporkle_get_api");
  memcpy(&get_api, &symbol, sizeof symbol);
  const sporkle_api *api = NULL, *other = NULL;
  int failures = check_order();
  if (!get_api || get_api(SPORKLE_VERSION_MAJOR, &api) != SPORKLE_OK || !api) {
    printf("sporkle_get_api failed\n");
    return 1;
  }
  if (api->struct_size != sizeof *api) {
    printf("struct_size of the table is %llu\n", (unsigned long long)api->struct_size);
    ++failures;
  }
  if (get_api(SPORKLE_VERSION_MAJOR + 1, &other) != SPORKLE_ERROR_VERSION || other) {
    printf("an API major from the future is not refused\n");
    ++failures;
  }
  if (get_api(SPORKLE_VERSION_MAJOR, NULL) != SPORKLE_ERROR_INVALID_ARGUMENT) {
    printf("a NULL out parameter is not refused\n");
    ++failures;
  }
  failures += check_pointers(library, api);
  printf("function table: %d entries in the order of entrypoints.def, each the exported function\n",
         ENTRY_COUNT);
  return failures ? 1 : 0;
}
