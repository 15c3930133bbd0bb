// A cache directory whose entries are damaged, foreign or truncated, or which cannot be
// written: named in one warning with the file and the reason, and everything works without.
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/control.h"
#include "support/folder.h"

static char directory[64];

static int setup(void **state) {
  (void)state;
  // Choices are stored where programs are not.
  setenv("SPORKLE_TUNE", getenv("TEST_GPU") != NULL ? "on" : "auto", 1);
  test_device = "gl";
  snprintf(directory, sizeof directory, "/tmp/sporkle-store-XXXXXX");
  return mkdtemp(directory) == NULL;
}

static int teardown(void **state) {
  (void)state;
  unsetenv("SPORKLE_TUNE");
  folder_empty(directory);
  return rmdir(directory);
}

// A process's worth: a context, a plan, a right result.
static void use_cache(World *world, const char *where) {
  sporkle_context_desc desc = world_desc(world);
  desc.cache_dir = where;
  world_open_with(world, &desc);
  world_check_usable(world);
}

// Messages of the store among those of the kernels that do not link on the virtual GPU.
static int count_in_log(const World *world, const char *part) {
  int count = 0;
  for (const char *at = world->log.text; (at = strstr(at, part)) != NULL; ++at) ++count;
  return count;
}

enum { flipped, truncated, foreign };

static int damage_all(int how) {
  int count = 0;
  DIR *dir = opendir(directory);
  for (struct dirent *item; (item = readdir(dir)) != NULL;) {
    char path[400];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    if (item->d_name[0] == '.' || stat(path, &status) != 0) continue;
    ++count;
    if (how == truncated) assert_int_equal(truncate(path, status.st_size / 2), 0);
    FILE *file = fopen(path, "r+b");
    if (how == foreign) fputs("#!/bin/sh\n", file);
    fseek(file, -1, SEEK_END);
    const int last = fgetc(file);
    fseek(file, -1, SEEK_END);
    if (how == flipped) fputc(last ^ 1, file);
    fclose(file);
  }
  closedir(dir);
  return count;
}

static void expect_named(int how, const char *reason) {
  World world;
  use_cache(&world, directory);
  world_close_gl(&world);
  assert_int_equal(count_in_log(&world, "2 cache: "), 0);
  assert_true(damage_all(how) >= 1);
  use_cache(&world, directory);
  world_close_gl(&world);
  char text[160];
  snprintf(text, sizeof text, "2 cache: %s/", directory);
  if (count_in_log(&world, text) != 1 || count_in_log(&world, reason) != 1) {
    fail_msg("not once \"%s\" and \"%s\" in:\n%s", text, reason, world.log.text);
  }
  // Written anew.
  use_cache(&world, directory);
  world_close_gl(&world);
  assert_int_equal(count_in_log(&world, "2 cache: "), 0);
}

static void damaged_entries_are_named(void **state) {
  (void)state;
  expect_named(flipped, " is not used: its checksum does not match");
}

static void truncated_entries_are_named(void **state) {
  (void)state;
  expect_named(truncated, " is not used: it is truncated");
}

static void foreign_entries_are_named(void **state) {
  (void)state;
  expect_named(foreign, " is not used: it is not a cache entry of this format");
}

// Below a file, where nobody writes, the superuser included.
static void an_unwritable_directory_is_named(void **state) {
  (void)state;
  char file[80], below[96], text[160];
  snprintf(file, sizeof file, "%s/file", directory);
  snprintf(below, sizeof below, "%s/cache", file);
  close(open(file, O_CREAT | O_WRONLY, 0600));
  World world;
  use_cache(&world, below);
  world_close_gl(&world);
  snprintf(text, sizeof text, "2 cache: %s cannot be written, nothing is kept: Not a directory",
           below);
  if (count_in_log(&world, text) != 1) fail_msg("not once \"%s\" in:\n%s", text, world.log.text);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
const struct CMUnitTest store_tests[] = {
    STORE_TEST(damaged_entries_are_named),
    STORE_TEST(truncated_entries_are_named),
    STORE_TEST(foreign_entries_are_named),
    STORE_TEST(an_unwritable_directory_is_named),
};
const size_t store_test_count = COUNT_OF(store_tests);
