#include "tools/cache_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'S', 'P', 'K', 'C', 'A', 'C', 'H', '1'};
static const uint64_t size_limit = (uint64_t)1 << 30;
enum { key_limit = 4096, hash_digits = 32 };

void cache_directory(const Session *session, char *out, size_t capacity) {
  sporkle_option_info info = SPORKLE_OPTION_INFO_INIT;
  out[0] = '\0';
  for (uint32_t i = 0; sporkle_option_describe(session->context, i, &info) == SPORKLE_OK; ++i) {
    if (strcmp(info.name, "SPORKLE_CACHE_DIR") == 0) snprintf(out, capacity, "%s", info.value);
  }
  // As the library reads it.
  if (strcasecmp(out, "off") == 0 || strcasecmp(out, "no") == 0 || strcmp(out, "0") == 0) {
    out[0] = '\0';
  }
}

bool cache_make_directory(const char *path) {
  char part[CACHE_PATH_CAPACITY];
  if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part) return false;
  for (char *p = part + 1; *p != '\0'; ++p) {
    if (*p != '/') continue;
    *p = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
    *p = '/';
  }
  if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
  struct stat status;
  if (stat(part, &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) return errno = ENOTDIR, false;
  return access(part, W_OK | X_OK) == 0;
}

bool cache_name_is_valid(const char *name) {
  const size_t kind = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  if (kind == 0 || name[kind] != '-' || strlen(name) >= CACHE_NAME_CAPACITY) return false;
  const char *hash = name + kind + 1;
  return strspn(hash, "0123456789abcdef") == hash_digits && strcmp(hash + hash_digits, ".spk") == 0;
}

bool cache_entry_is_valid(const unsigned char *bytes, uint64_t size) {
  CacheHeader header;
  if (size < sizeof header) return false;
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.magic, magic, sizeof magic) != 0 || header.key_bytes > key_limit) return false;
  const uint64_t body = size - sizeof header;
  if (header.content_bytes > size_limit || header.key_bytes + header.content_bytes != body) {
    return false;
  }
  uint64_t hash = 1469598103934665603u;
  for (uint64_t i = 0; i < body; ++i) {
    hash = (hash ^ bytes[sizeof header + i]) * 1099511628211u;
  }
  return hash == header.hash;
}

unsigned char *cache_read(const char *path, uint64_t *out_size) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  unsigned char *bytes = NULL;
  long size = -1;
  if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
  if (size >= 0 && (uint64_t)size <= size_limit) bytes = malloc((size_t)size + 1);
  rewind(file);
  if (bytes) bytes[size] = '\0';
  if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    free(bytes);
    bytes = NULL;
  }
  fclose(file);
  *out_size = bytes ? (uint64_t)size : 0;
  return bytes;
}

bool cache_write(const char *path, const unsigned char *bytes, uint64_t size) {
  char temporary[CACHE_PATH_CAPACITY + 32];
  snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
  FILE *file = fopen(temporary, "wb");
  if (!file) return false;
  const bool written = fwrite(bytes, 1, size, file) == size;
  const bool closed = fclose(file) == 0;
  if (written && closed && rename(temporary, path) == 0) return true;
  unlink(temporary);
  return false;
}
