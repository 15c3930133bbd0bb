#define _GNU_SOURCE
#include "gl/fake_tree.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

void fake_tree_create(FakeTree *tree) {
  const char *base = getenv("TMPDIR");
  snprintf(tree->root, sizeof tree->root, "%s/sporkle-tree-XXXXXX", base ? base : P_tmpdir);
  assert_non_null(mkdtemp(tree->root));
}

void fake_file(const FakeTree *tree, const char *path, const char *content) {
  char full[768];
  snprintf(full, sizeof full, "%s/%s", tree->root, path);
  for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')) != NULL; ++slash) {
    *slash = '\0';
    mkdir(full, 0755);
    *slash = '/';
  }
  FILE *file = fopen(full, "w");
  assert_non_null(file);
  fputs(content, file);
  assert_int_equal(fclose(file), 0);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
  (void)status;
  (void)kind;
  (void)where;
  return remove(path);
}

void fake_tree_remove(const FakeTree *tree) {
  assert_int_equal(nftw(tree->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}
