/* The cache store: what is written comes back, and damage reads as absence. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

static char directory[64];

static int setup(void **state) {
  (void)state;
  snprintf(directory, sizeof directory, "/tmp/sporkle-cache-XXXXXX");
  return mkdtemp(directory) == NULL;
}

static int teardown(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_clear(cache);
  shim_cache_destroy(cache);
  return rmdir(directory);
}

/* What the store said, and how often. */
static char said[1024];
static int warnings;

static void hear(void *user, int32_t level, const char *text) {
  (void)user;
  assert_int_equal(level, SPORKLE_LOG_WARNING);
  snprintf(said, sizeof said, "%s", text);
  ++warnings;
}

static void expect_said(const char *file, const char *reason) {
  if (warnings != 1 || strstr(said, file) == NULL || strstr(said, reason) == NULL) {
    fail_msg("%d warnings, the last: %s; wanted: %s, %s", warnings, said, file, reason);
  }
}

/* Path of the only entry. */
static void only_entry(char *path, size_t capacity) {
  DIR *dir = opendir(directory);
  int found = 0;
  for (struct dirent *item; (item = readdir(dir)) != NULL;) {
    if (item->d_name[0] == '.') continue;
    snprintf(path, capacity, "%s/%s", directory, item->d_name);
    ++found;
  }
  closedir(dir);
  assert_int_equal(found, 1);
}

static void round_trip(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  char out[32] = "";
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), 5);
  assert_memory_equal(out, "hello", 5);
  assert_int_equal(shim_cache_get(cache, "probe", "other", out, sizeof out), -1);
  assert_int_equal(shim_cache_get(cache, "binary", "key", out, sizeof out), -1);
  assert_true(shim_cache_put(cache, "probe", "key", "", 0));
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), 0);
  shim_cache_destroy(cache);
}

static void every_flipped_byte_is_noticed(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  char path[400], out[32];
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  only_entry(path, sizeof path);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  for (long at = 0; at < (long)status.st_size; ++at) {
    FILE *file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 0x40, file);
    fclose(file);
    assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
    file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    fputc(byte, file);
    fclose(file);
  }
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), 5);
  for (long length = 0; length < (long)status.st_size; ++length) {
    assert_int_equal(truncate(path, length), 0);
    assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
  }
  assert_true(shim_cache_put(cache, "probe", "key", "again", 5));
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), 5);
  shim_cache_destroy(cache);
}

static void off_and_unwritable_are_soft(void **state) {
  (void)state;
  char out[8];
  shim_cache *cache = shim_cache_create("off");
  assert_false(shim_cache_put(cache, "probe", "key", "x", 1));
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
  shim_cache_destroy(cache);
  cache = shim_cache_create("/proc/no-such-directory/cache");
  assert_false(shim_cache_put(cache, "probe", "key", "x", 1));
  assert_int_equal(shim_cache_bytes(cache), 0);
  shim_cache_destroy(cache);
}

/* A pipe where an entry should be must not make the reader wait. */
static void what_is_no_whole_file_is_no_entry(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  char path[400], out[32];
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  only_entry(path, sizeof path);
  FILE *file = fopen(path, "ab");
  fputc('!', file);
  fclose(file);
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), -1);
  assert_true(shim_cache_put(cache, "probe", "key", "again", 5));
  assert_int_equal(shim_cache_get(cache, "probe", "key", out, sizeof out), 5);
  shim_cache_destroy(cache);
}

static void write_file(const char *path, const void *content, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, size, file), size);
  fclose(file);
}

/* The file and the reason, for the first of a store. */
static void what_is_wrong_is_named_once(void **state) {
  (void)state;
  char path[400], out[8], entry[64], bad[65] = "";
  shim_cache *cache = shim_cache_create(directory);
  assert_true(shim_cache_put(cache, "probe", "kez", "hello", 5));
  only_entry(path, sizeof path);
  FILE *file = fopen(path, "rb");
  const size_t size = fread(entry, 1, sizeof entry, file);
  fclose(file);
  assert_int_equal(unlink(path), 0);
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  only_entry(path, sizeof path);
  const struct { size_t size, flip; const char *reason; } damages[] = {
      {0, 0, "truncated"},       {20, 0, "truncated"},        {size - 1, 0, "truncated"},
      {size, 1, "not a cache entry of this format"},          {size + 1, 0, "longer"},
      {size, 0, "belongs to another key"},                    {size, 8, "belongs to another key"},
  };
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; ++i) {
    memcpy(bad, entry, size);
    bad[damages[i].flip] ^= damages[i].flip != 0;
    write_file(path, bad, damages[i].size);
    shim_cache *loud = shim_cache_create_logging(directory, hear, NULL);
    warnings = 0;
    for (int again = 0; again < 3; ++again) {
      assert_int_equal(shim_cache_get(loud, "probe", "key", out, sizeof out), -1);
      assert_int_equal(shim_cache_get(loud, "probe", "none", out, sizeof out), -1);
    }
    expect_said(path, damages[i].reason);
    shim_cache_destroy(loud);
  }
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  file = fopen(path, "r+b");
  fseek(file, -1, SEEK_END);
  fputc('O', file);
  fclose(file);
  shim_cache *loud = shim_cache_create_logging(directory, hear, NULL);
  warnings = 0;
  assert_int_equal(shim_cache_get(loud, "probe", "key", out, sizeof out), -1);
  expect_said(path, "checksum");
  shim_cache_destroy(loud);
  shim_cache_destroy(cache);
}

/* A superuser writes anywhere: for the time of a call it is somebody else. */
static void a_read_only_directory_is_named_once(void **state) {
  (void)state;
  char path[400], out[8];
  shim_cache *cache = shim_cache_create(directory);
  assert_true(shim_cache_put(cache, "probe", "key", "hello", 5));
  only_entry(path, sizeof path);
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(chmod(directory, 0555), 0);
  shim_cache *loud = shim_cache_create_logging(directory, hear, NULL);
  warnings = 0;
  const uid_t self = geteuid();
  if (self == 0) assert_int_equal(seteuid(65534), 0);
  const int64_t read = shim_cache_get(loud, "probe", "key", out, sizeof out);
  const int silent = warnings;
  int written = 0;
  for (int again = 0; again < 3; ++again) written += shim_cache_put(loud, "probe", "key", "x", 1);
  if (self == 0) assert_int_equal(seteuid(self), 0);
  assert_int_equal(chmod(directory, 0700), 0);
  assert_int_equal(read, 5);
  assert_int_equal(silent, 0);
  assert_int_equal(written, 0);
  expect_said(path, "cannot be written, nothing is kept: Permission denied");
  shim_cache_destroy(loud);
  /* Nor can it be read. */
  assert_int_equal(chmod(path, 0), 0);
  loud = shim_cache_create_logging(directory, hear, NULL);
  warnings = 0;
  assert_int_equal(chmod(directory, 0755), 0);
  if (self == 0) assert_int_equal(seteuid(65534), 0);
  const int64_t unread = shim_cache_get(loud, "probe", "key", out, sizeof out);
  if (self == 0) assert_int_equal(seteuid(self), 0);
  assert_int_equal(unread, -1);
  expect_said(path, "permission denied");
  shim_cache_destroy(loud);
  shim_cache_destroy(cache);
}

/* Files of others stay where they are; what a killed writer left behind goes. */
static void foreign_files_stay(void **state) {
  (void)state;
  static const char *const names[] = {"sky.spk", "probe-12.spk", "probe-0.spk.1.2.tmp", "x.tmp"};
  static char block[1000];
  char path[400], left[400];
  shim_cache *cache = shim_cache_create(directory);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    FILE *file = fopen(path, "wb");
    fputs("somebody else's", file);
    fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
  }
  snprintf(left, sizeof left, "%s/probe-%032d.spk.77.88.tmp", directory, 5);
  FILE *file = fopen(left, "wb");
  fclose(file);
  shim_cache_limit(cache, 1500);
  assert_true(shim_cache_put(cache, "probe", "a", block, sizeof block));
  assert_int_equal(access(left, F_OK), 0); /* its writer may be at work */
  assert_int_equal(utimensat(AT_FDCWD, left, (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
  assert_true(shim_cache_put(cache, "probe", "b", block, sizeof block));
  assert_int_not_equal(access(left, F_OK), 0);
  assert_int_equal(shim_cache_clear(cache), 1);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (unlink(path) != 0) fail_msg("%s is gone", names[i]);
  }
  shim_cache_destroy(cache);
}

/* A part of a path is another place. */
static void a_path_that_is_too_long_is_off(void **state) {
  (void)state;
  char path[400];
  snprintf(path, sizeof path, "%s/%0300d", directory, 7);
  warnings = 0;
  shim_cache *cache = shim_cache_create_logging(path, hear, NULL);
  assert_false(shim_cache_put(cache, "probe", "key", "x", 1));
  expect_said(path, "File name too long");
  shim_cache_destroy(cache);
}

static void the_limit_holds(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  static char block[1000];
  char key[16];
  shim_cache_limit(cache, 5000);
  for (int i = 0; i < 20; ++i) {
    snprintf(key, sizeof key, "k%d", i);
    assert_true(shim_cache_put(cache, "probe", key, block, sizeof block));
    assert_true(shim_cache_bytes(cache) <= 5000);
  }
  char out[8];
  assert_int_equal(shim_cache_get(cache, "probe", "k19", out, sizeof out), 1000);
  assert_int_equal(shim_cache_get(cache, "probe", "k0", out, sizeof out), -1);
  shim_cache_limit(cache, 32000);
  for (int i = 0; i < 400; ++i) {
    snprintf(key, sizeof key, "k%d", i);
    assert_true(shim_cache_put(cache, "probe", key, block, 100));
    assert_true(shim_cache_bytes(cache) <= 32000);
  }
  assert_true(shim_cache_clear(cache) >= 1);
  assert_int_equal(shim_cache_bytes(cache), 0);
  shim_cache_destroy(cache);
}

static bool there(shim_cache *cache, const char *kind, const char *key) {
  char out[8];
  return shim_cache_get(cache, kind, key, out, sizeof out) >= 0;
}

static void set_time(const char *path, time_t seconds) {
  const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Every file of the directory was written then. */
static void set_times(time_t seconds) {
  DIR *dir = opendir(directory);
  for (struct dirent *item; (item = readdir(dir)) != NULL;) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    if (item->d_name[0] != '.') set_time(path, seconds);
  }
  closedir(dir);
}

/* A look through the directory removes what a writer left behind long ago: that tells it. */
static void few_writes_look_through_the_directory(void **state) {
  (void)state;
  enum { limit = 1600000, unseen = limit / 16 };
  static char block[1000];
  char left[400], key[16];
  shim_cache *cache = shim_cache_create(directory);
  snprintf(left, sizeof left, "%s/probe-%032d.spk.77.88.tmp", directory, 5);
  shim_cache_limit(cache, limit);
  int looks = 0, written = 0;
  for (; written < 3 * unseen; written += (int)sizeof block) {
    write_file(left, "", 0);
    set_time(left, 1);
    snprintf(key, sizeof key, "%d", written);
    assert_true(shim_cache_put(cache, "probe", key, block, sizeof block));
    const bool looked = access(left, F_OK) != 0;
    if (written == 0 && !looked) fail_msg("the first write does not");
    looks += looked;
  }
  unlink(left);
  if (looks < 3 || looks > 5) fail_msg("%d looks for %d bytes", looks, written);
  /* What another process writes is found after so many bytes of one's own. */
  shim_cache *other = shim_cache_create(directory);
  static char large[limit - 200000];
  assert_true(shim_cache_put(other, "probe", "large", large, sizeof large));
  for (int i = 0; i < unseen; i += (int)sizeof block) {
    snprintf(key, sizeof key, "%d", i);
    assert_true(shim_cache_put(cache, "probe", key, block, sizeof block));
  }
  assert_true(shim_cache_bytes(cache) <= limit);
  shim_cache_destroy(other);
  shim_cache_destroy(cache);
}

/* What took seconds to measure outlives what is compiled again, however old it is. */
static void choices_outlive_programs(void **state) {
  (void)state;
  static char block[1000];
  char key[16];
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_limit(cache, 10000);
  for (int i = 0; i < 10; ++i) {
    snprintf(key, sizeof key, "choice%d", i);
    assert_true(shim_cache_put(cache, "gltune", key, "direct_1x1 5\n", 13));
  }
  set_times(1);
  for (int i = 0; i < 40; ++i) {
    snprintf(key, sizeof key, "program%d", i);
    assert_true(shim_cache_put(cache, "glprogram", key, block, sizeof block));
    assert_true(shim_cache_bytes(cache) <= 10000);
  }
  for (int i = 0; i < 10; ++i) {
    snprintf(key, sizeof key, "choice%d", i);
    if (!there(cache, "gltune", key)) fail_msg("%s is gone", key);
  }
  assert_true(there(cache, "glprogram", "program39"));
  assert_false(there(cache, "glprogram", "program0"));
  /* Where there are nothing but choices, the limit holds too. */
  shim_cache_limit(cache, 300);
  assert_true(shim_cache_put(cache, "gltune", "last", "direct_1x1 5\n", 13));
  assert_true(shim_cache_bytes(cache) <= 300);
  assert_true(there(cache, "gltune", "last"));
  shim_cache_destroy(cache);
}

/* With one descriptor left the directory can be listed, and no entry of it read. */
static void choices_outlive_programs_without_descriptors(void **state) {
  (void)state;
  static char block[1000];
  char key[16];
  shim_cache *cache = shim_cache_create(directory);
  for (int i = 0; i < 9; ++i) {
    snprintf(key, sizeof key, "%d", i);
    assert_true(shim_cache_put(cache, "gltune", key, "direct_1x1 5\n", 13));
    assert_true(shim_cache_put(cache, "glprogram", key, block, sizeof block));
    if (i == 0) set_times(1);
  }
  shim_cache_limit(cache, 8000);
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  assert_true(next >= 0);
  close(next);
  const struct rlimit one = {(rlim_t)next + 1, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &one), 0);
  const int written = shim_cache_put(cache, "glprogram", "last", block, sizeof block);
  const int free_one = dup(0), none = dup(0);
  close(free_one);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(written && free_one == next && none < 0);
  assert_true(shim_cache_bytes(cache) <= 8000);
  assert_false(there(cache, "glprogram", "0"));
  for (int i = 0; i < 9; ++i) {
    snprintf(key, sizeof key, "%d", i);
    if (!there(cache, "gltune", key)) fail_msg("choice %s is gone", key);
  }
  shim_cache_destroy(cache);
}

/* Without memory nothing is removed; that there is too much is not forgotten. */
static void what_memory_was_refused_for_is_removed_later(void **state) {
  (void)state;
  static char block[1000];
  char key[16];
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_limit(cache, 20000);
  shim_cache_refuse_memory(cache, 1);
  for (int i = 0; i < 25; ++i) {
    snprintf(key, sizeof key, "%d", i);
    assert_true(shim_cache_put(cache, "glprogram", key, block, sizeof block));
  }
  assert_true(shim_cache_bytes(cache) > 20000);
  shim_cache_refuse_memory(cache, 0);
  assert_true(shim_cache_put(cache, "gltune", "small", "direct_1x1 5\n", 13));
  assert_true(shim_cache_bytes(cache) <= 20000);
  shim_cache_destroy(cache);
}

static void what_is_no_entry_goes_first(void **state) {
  (void)state;
  enum { limit = 100000, good = 42 };
  static char block[1000], foreign[limit + 1];
  char path[400], key[16];
  const size_t sizes[] = {limit + 1, limit / 2, limit / 2};
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_limit(cache, limit);
  for (int i = 0; i < good; ++i) {
    snprintf(key, sizeof key, "%d", i);
    assert_true(shim_cache_put(cache, "glprogram", key, block, sizeof block));
  }
  set_times(1);
  for (int i = 0; i < 3; ++i) {
    /* The last one begins as an entry does that is longer. */
    memset(foreign, i == 2 ? 1 : 0, sizeof foreign);
    if (i == 2) memcpy(foreign, "SPKCACH1", 8);
    snprintf(path, sizeof path, "%s/glprogram-%032d.spk", directory, i);
    write_file(path, foreign, sizes[i]);
    shim_cache *next = shim_cache_create(directory);
    shim_cache_limit(next, limit);
    const size_t fill = i == 0 ? 100 : limit / 4;
    assert_true(shim_cache_put(next, "probe", "new", foreign, fill));
    assert_int_not_equal(access(path, F_OK), 0);
    for (int j = 0; j < good; ++j) {
      snprintf(key, sizeof key, "%d", j);
      if (!there(next, "glprogram", key)) fail_msg("%d: %s is gone", i, key);
    }
    shim_cache_destroy(next);
  }
  /* Whole, but too large: written by a store with another limit. */
  shim_cache *other = shim_cache_create(directory);
  assert_true(shim_cache_put(other, "gltune", "too large", foreign, limit));
  shim_cache *next = shim_cache_create(directory);
  shim_cache_limit(next, limit);
  assert_true(shim_cache_put(next, "probe", "new", foreign, 100));
  assert_false(there(next, "gltune", "too large"));
  assert_true(there(next, "glprogram", "0"));
  assert_false(shim_cache_put(next, "glprogram", "too large", foreign, limit));
  shim_cache_destroy(next);
  shim_cache_destroy(other);
  shim_cache_destroy(cache);
}

/* A file that cannot be removed is no reason to remove all others. */
static void what_stays_costs_nothing_else(void **state) {
  (void)state;
  enum { limit = 10000 };
  static char foreign[limit + 1];
  char path[400];
  const uid_t self = geteuid();
  if (self != 0) skip(); /* in the place of two users */
  snprintf(path, sizeof path, "%s/glprogram-%032d.spk", directory, 7);
  write_file(path, foreign, sizeof foreign);
  assert_int_equal(chmod(directory, 01777), 0);
  assert_int_equal(seteuid(65534), 0);
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_limit(cache, limit);
  int written = shim_cache_put(cache, "gltune", "a", "direct_1x1 5\n", 13);
  written += shim_cache_put(cache, "glprogram", "b", foreign, 100);
  const bool both = there(cache, "gltune", "a") && there(cache, "glprogram", "b");
  const bool stays = access(path, F_OK) == 0;
  assert_int_equal(seteuid(self), 0);
  assert_int_equal(written, 2);
  assert_true(stays);
  assert_true(both);
  shim_cache_destroy(cache);
}

/* Reading an entry makes it young again, once a day. */
static void what_is_used_stays(void **state) {
  (void)state;
  static char block[1000];
  char path[400], key[16];
  struct stat status;
  const time_t now = time(NULL);
  shim_cache *cache = shim_cache_create(directory);
  shim_cache_limit(cache, 5000);
  assert_true(shim_cache_put(cache, "glprogram", "used", block, sizeof block));
  only_entry(path, sizeof path);
  set_time(path, now - 3600);
  assert_true(there(cache, "glprogram", "used"));
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mtim.tv_sec, now - 3600);
  assert_true(shim_cache_put(cache, "glprogram", "unused", block, sizeof block));
  set_times(now - 200000);
  set_time(path, now - 300000);
  assert_true(there(cache, "glprogram", "used"));
  assert_int_equal(stat(path, &status), 0);
  assert_true(status.st_mtim.tv_sec >= now);
  for (int i = 0; i < 3; ++i) {
    snprintf(key, sizeof key, "%d", i);
    assert_true(shim_cache_put(cache, "glprogram", key, block, sizeof block));
  }
  assert_true(there(cache, "glprogram", "used"));
  assert_false(there(cache, "glprogram", "unused"));
  shim_cache_destroy(cache);
}

static char contents[2][4096];

static void *writer(void *data) {
  for (int i = 0; i < 200; ++i) {
    shim_cache_put(data, "probe", "shared", contents[i % 2], sizeof contents[0]);
  }
  return NULL;
}

static void concurrent_writers_never_mix(void **state) {
  (void)state;
  shim_cache *cache = shim_cache_create(directory);
  pthread_t threads[2];
  memset(contents[0], 'a', sizeof contents[0]);
  memset(contents[1], 'b', sizeof contents[1]);
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, writer, cache);
  static char out[4096];
  for (int i = 0; i < 400; ++i) {
    const int64_t size = shim_cache_get(cache, "probe", "shared", out, sizeof out);
    if (size < 0) continue;
    assert_int_equal(size, 4096);
    for (int j = 1; j < 4096; ++j) assert_int_equal(out[j], out[0]);
  }
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  shim_cache_destroy(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
      cmocka_unit_test_setup_teardown(every_flipped_byte_is_noticed, setup, teardown),
      cmocka_unit_test(off_and_unwritable_are_soft),
      cmocka_unit_test_setup_teardown(what_is_no_whole_file_is_no_entry, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_wrong_is_named_once, setup, teardown),
      cmocka_unit_test_setup_teardown(a_read_only_directory_is_named_once, setup, teardown),
      cmocka_unit_test_setup_teardown(foreign_files_stay, setup, teardown),
      cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_off, setup, teardown),
      cmocka_unit_test_setup_teardown(the_limit_holds, setup, teardown),
      cmocka_unit_test_setup_teardown(few_writes_look_through_the_directory, setup, teardown),
      cmocka_unit_test_setup_teardown(choices_outlive_programs, setup, teardown),
      cmocka_unit_test_setup_teardown(choices_outlive_programs_without_descriptors, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_memory_was_refused_for_is_removed_later, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_is_no_entry_goes_first, setup, teardown),
      cmocka_unit_test_setup_teardown(what_stays_costs_nothing_else, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_used_stays, setup, teardown),
      cmocka_unit_test_setup_teardown(concurrent_writers_never_mix, setup, teardown),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: cache entries, damage, limits, read-only places, concurrent writers\n");
  return failed;
}
