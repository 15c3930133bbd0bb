/* A directory that stands for the root of a system. */
#pragma once

typedef struct FakeTree {
  char root[256];
} FakeTree;

void fake_tree_create(FakeTree *tree);
/* Writes a file, with the directories above it. */
void fake_file(const FakeTree *tree, const char *path, const char *content);
void fake_tree_remove(const FakeTree *tree);
