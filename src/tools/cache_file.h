// Files of the cache directory as the library writes them (src/core/cache_store.cpp):
// a header, the key, the content. Checked before they are listed, packed or unpacked.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tools/session.h"

enum { CACHE_NAME_CAPACITY = 128, CACHE_PATH_CAPACITY = 512 };

typedef struct CacheHeader {
  char magic[8];
  uint64_t key_bytes, content_bytes;
  uint64_t hash;  // FNV-1a of key and content
} CacheHeader;

// The directory in effect; empty when the cache is off.
void cache_directory(const Session *session, char *out, size_t capacity);

// Makes a directory and those above it. False with errno unless an entry can be written there.
bool cache_make_directory(const char *path);

// Writes a file of the size of a tuned choice and removes it. False with errno.
bool cache_can_write(const char *directory);

// Whether a tuned choice for a problem (not one for problems like it) was written at `time`
// or later.
bool cache_has_choice_since(const char *directory, struct timespec time);

// Whether a file name is one of the library's: kind, hash of the key, suffix; and of a file
// that was to become one.
bool cache_name_is_valid(const char *name);
bool cache_name_is_temporary(const char *name);

// Whether `size` bytes are a whole, undamaged entry. The key starts behind the header.
bool cache_entry_is_valid(const unsigned char *bytes, uint64_t size);

// Reads a whole file of at most 1 GiB, with a NUL behind it; NULL when it cannot. The caller
// frees it.
unsigned char *cache_read(const char *path, uint64_t *out_size);

// Writes a file beside the target and renames it over it.
bool cache_write(const char *path, const unsigned char *bytes, uint64_t size);
