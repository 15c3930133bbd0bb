#include "tools/cache_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
  return cache_can_write(part);
}

bool cache_can_write(const char *directory) {
  enum { choice_bytes = 512 };
  static const char bytes[choice_bytes];
  char path[CACHE_PATH_CAPACITY + 80];
  // By its name the library removes it if this program is killed here.
  snprintf(path, sizeof path, "%s/gltune-%0*d.spk.%ld.tmp", directory, hash_digits, 0,
           (long)getpid());
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const ssize_t written = write(file, bytes, sizeof bytes);
  // A write that is cut short has no reason of its own.
  int reason = written < 0 ? errno : written < choice_bytes ? ENOSPC : 0;
  if (close(file) != 0 && reason == 0) reason = errno;
  unlink(path);
  return errno = reason, reason == 0;
}

static bool is_choice_since(const char *path, struct timespec time) {
  static const char similar[] = "similar";
  struct stat status;
  if (stat(path, &status) != 0 || status.st_mtim.tv_sec < time.tv_sec) return false;
  if (status.st_mtim.tv_sec == time.tv_sec && status.st_mtim.tv_nsec < time.tv_nsec) return false;
  uint64_t size = 0;
  unsigned char *bytes = cache_read(path, &size);
  const bool whole = bytes && cache_entry_is_valid(bytes, size);
  // There is a NUL behind what was read.
  const char *key = whole ? (const char *)bytes + sizeof(CacheHeader) : similar;
  const bool found = strncmp(key, similar, sizeof similar - 1) != 0;
  free(bytes);
  return found;
}

bool cache_has_choice_since(const char *directory, struct timespec time) {
  bool found = false;
  DIR *dir = opendir(directory);
  for (struct dirent *item; dir && !found && (item = readdir(dir)) != NULL;) {
    char path[CACHE_PATH_CAPACITY + 256];
    if (strncmp(item->d_name, "gltune-", 7) != 0 || !cache_name_is_valid(item->d_name)) continue;
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    found = is_choice_since(path, time);
  }
  if (dir) closedir(dir);
  return found;
}

// What follows ".spk" in a name of the library's; NULL in others.
static const char *name_end(const char *name) {
  const size_t kind = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  if (kind == 0 || name[kind] != '-' || strlen(name) >= CACHE_NAME_CAPACITY) return NULL;
  const char *hash = name + kind + 1;
  if (strspn(hash, "0123456789abcdef") != hash_digits) return NULL;
  return strncmp(hash + hash_digits, ".spk", 4) == 0 ? hash + hash_digits + 4 : NULL;
}

bool cache_name_is_valid(const char *name) {
  const char *end = name_end(name);
  return end && *end == '\0';
}

bool cache_name_is_temporary(const char *name) {
  const char *end = name_end(name);
  return end && strcmp(end + strspn(end, ".0123456789"), "tmp") == 0;
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
