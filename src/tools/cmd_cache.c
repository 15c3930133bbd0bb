#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/args.h"
#include "tools/cache_file.h"
#include "tools/out_file.h"
#include "tools/session.h"

static const char pack_magic[8] = {'S', 'P', 'K', 'P', 'A', 'C', 'K', '1'};

typedef struct Tally {
  FILE *pack;  // export only
  uint64_t entries, bytes, damaged;
  uint64_t unfinished;  // of a writer that was killed; clear only
  bool failed;
} Tally;

typedef void (*Visit)(const char *path, const char *name, Tally *tally);

static void clear_entry(const char *path, const char *name, Tally *tally) {
  if (unlink(path) == 0) {
    ++*(cache_name_is_valid(name) ? &tally->entries : &tally->unfinished);
  } else {
    usage_error("cache: %s: cannot be removed: %s", name, strerror(errno));
    tally->failed = true;
  }
}

// False after a message. A directory that was not made yet is an empty one.
static bool for_each_entry(const char *directory, Visit visit, Tally *tally) {
  DIR *dir = opendir(directory);
  if (!dir && errno == ENOENT) return true;
  if (!dir) return usage_error("cache: %s: cannot be read: %s", directory, strerror(errno)), false;
  for (struct dirent *item; (item = readdir(dir)) != NULL;) {
    char path[CACHE_PATH_CAPACITY];
    const bool temporary = visit == clear_entry && cache_name_is_temporary(item->d_name);
    if (!temporary && !cache_name_is_valid(item->d_name)) continue;
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    visit(path, item->d_name, tally);
  }
  closedir(dir);
  return true;
}

static void list_entry(const char *path, const char *name, Tally *tally) {
  uint64_t size = 0;
  unsigned char *bytes = cache_read(path, &size);
  if (!bytes || !cache_entry_is_valid(bytes, size)) {
    ++tally->damaged;
    printf("%-10s %10s  %s\n", "damaged", "", name);
  } else {
    CacheHeader header;
    memcpy(&header, bytes, sizeof header);
    printf("%-10.*s %10llu  %.*s\n", (int)strcspn(name, "-"), name, (unsigned long long)size,
           (int)header.key_bytes, (const char *)bytes + sizeof header);
    // A tuned choice is a line of text.
    if (strncmp(name, "gltune-", 7) == 0) {
      printf("%22s  %.*s\n", "", (int)strcspn((char *)bytes + sizeof header + header.key_bytes, "\n"),
             (const char *)bytes + sizeof header + header.key_bytes);
    }
    ++tally->entries;
    tally->bytes += size;
  }
  free(bytes);
}

static void export_entry(const char *path, const char *name, Tally *tally) {
  uint64_t sizes[2] = {strlen(name), 0};
  unsigned char *bytes = cache_read(path, &sizes[1]);
  if (!bytes || !cache_entry_is_valid(bytes, sizes[1])) {
    ++tally->damaged;
  } else if (fwrite(sizes, sizeof sizes, 1, tally->pack) != 1 ||
             fwrite(name, 1, sizes[0], tally->pack) != sizes[0] ||
             fwrite(bytes, 1, sizes[1], tally->pack) != sizes[1]) {
    tally->failed = true;
  } else {
    ++tally->entries;
  }
  free(bytes);
}

static int export_pack(const char *directory, const char *path) {
  OutFile file;
  if (out_file_open(&file, path) != 0) return usage_error("cache: %s: %s", path, file.reason);
  Tally tally = {.pack = file.stream};
  tally.failed = fwrite(pack_magic, sizeof pack_magic, 1, tally.pack) != 1;
  const bool read = for_each_entry(directory, export_entry, &tally);
  if (out_file_close(&file, read && !tally.failed) != 0) {
    return usage_error("cache: %s: %s", path, file.reason);
  }
  if (!read) return TOOL_USAGE;
  if (tally.failed) return usage_error("cache: %s: cannot write all of it", path);
  printf("exported %llu entries to %s, left out %llu damaged\n", (unsigned long long)tally.entries,
         path, (unsigned long long)tally.damaged);
  return TOOL_OK;
}

// Reads one entry of a pack at `at`; false at its end or where it is damaged.
static bool import_entry(const char *directory, const unsigned char *pack, uint64_t size,
                         uint64_t *at, Tally *tally) {
  uint64_t sizes[2];
  char name[CACHE_NAME_CAPACITY] = "", path[CACHE_PATH_CAPACITY];
  if (size - *at < sizeof sizes) return false;
  memcpy(sizes, pack + *at, sizeof sizes);
  const uint64_t left = size - *at - sizeof sizes;
  if (sizes[0] >= sizeof name || sizes[0] > left || sizes[1] > left - sizes[0]) return false;
  memcpy(name, pack + *at + sizeof sizes, sizes[0]);
  const unsigned char *bytes = pack + *at + sizeof sizes + sizes[0];
  *at += sizeof sizes + sizes[0] + sizes[1];
  if (!cache_name_is_valid(name) || !cache_entry_is_valid(bytes, sizes[1])) {
    ++tally->damaged;
    return true;
  }
  snprintf(path, sizeof path, "%s/%s", directory, name);
  if (cache_write(path, bytes, sizes[1])) ++tally->entries;
  else tally->failed = true;
  return true;
}

static int import_pack(const char *directory, const char *path) {
  uint64_t size = 0, at = sizeof pack_magic;
  unsigned char *pack = cache_read(path, &size);
  if (!pack) return usage_error("cache: %s: cannot be read", path);
  if (size < sizeof pack_magic || memcmp(pack, pack_magic, sizeof pack_magic) != 0) {
    free(pack);
    return usage_error("cache: %s: is no exported cache", path);
  }
  if (!cache_make_directory(directory)) {
    free(pack);
    return usage_error("cache: %s: cannot be written: %s", directory, strerror(errno));
  }
  Tally tally = {0};
  while (import_entry(directory, pack, size, &at, &tally)) {
  }
  free(pack);
  printf("imported %llu entries, refused %llu damaged\n", (unsigned long long)tally.entries,
         (unsigned long long)tally.damaged);
  if (tally.failed) return usage_error("cache: %s: cannot be written", directory);
  if (at != size) return usage_error("cache: %s: damaged behind byte %llu", path,
                                     (unsigned long long)at);
  if (tally.damaged != 0) {
    return usage_error("cache: %s: %llu of its entries are damaged", path,
                       (unsigned long long)tally.damaged);
  }
  return TOOL_OK;
}

static bool find_directory(char *out, size_t capacity) {
  const SessionOptions settings = {.device = "cpu"};
  Session session;
  if (session_open(&settings, &session) != TOOL_OK) return false;
  cache_directory(&session, out, capacity);
  session_close(&session);
  if (out[0] != '\0') return true;
  usage_error("cache: it is off (SPORKLE_CACHE_DIR)");
  return false;
}

static int run_cache(const Command *self, int argc, char **argv) {
  const char *words[3] = {NULL};
  ArgReader reader = {self, argc, argv, 0, false};
  for (int count = 0;; ++count) {
    const Arg arg = arg_next(&reader);
    if (arg.kind == ARG_END) break;
    if (arg.kind == ARG_ERROR) return TOOL_USAGE;
    if (count == 2) return usage_error("cache: unexpected argument \"%s\"", arg.value);
    words[count] = arg.value;
  }
  const char *verb = words[0] ? words[0] : "list";
  const bool packs = strcmp(verb, "export") == 0 || strcmp(verb, "import") == 0;
  if (!packs && strcmp(verb, "list") != 0 && strcmp(verb, "clear") != 0) {
    return usage_error("cache: \"%s\" is none of list, clear, export, import", verb);
  }
  if (packs != (words[1] != NULL)) return usage_error("cache: export and import take one file");
  char directory[CACHE_PATH_CAPACITY / 2];
  if (!find_directory(directory, sizeof directory)) return TOOL_USAGE;
  if (packs) {
    return strcmp(verb, "export") == 0 ? export_pack(directory, words[1])
                                       : import_pack(directory, words[1]);
  }
  Tally tally = {0};
  const bool clears = strcmp(verb, "clear") == 0;
  if (!for_each_entry(directory, clears ? clear_entry : list_entry, &tally)) return TOOL_USAGE;
  if (clears) {
    printf("removed %llu entries and %llu unfinished ones from %s\n",
           (unsigned long long)tally.entries, (unsigned long long)tally.unfinished, directory);
    return tally.failed ? TOOL_USAGE : TOOL_OK;
  }
  printf("%s: %llu entries, %llu bytes, %llu damaged\n", directory,
         (unsigned long long)tally.entries, (unsigned long long)tally.bytes,
         (unsigned long long)tally.damaged);
  return TOOL_OK;
}

const Command command_cache = {
    .name = "cache",
    .arguments = "[list | clear | export FILE | import FILE]",
    .summary = "Lists, empties, packs or unpacks what the library keeps on disk.",
    .details = "Program binaries, kernels chosen by time and rates of copies, one file each, in\n"
               "SPORKLE_CACHE_DIR.\n"
               "Damaged entries are listed as such, never packed and never unpacked.",
    .run = run_cache,
};
