#include "tools/cache_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = {'S', 'P', 'K', 'C', 'A', 'C', 'H', '1'};
static const uint64_t size_limit = (uint64_t)1 << 30;
enum { key_limit = 4096, hash_digits = 32 };

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
