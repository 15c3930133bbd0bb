/* Temporary folders of tests. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* Removes the files of a folder that holds nothing else. */
static inline void folder_empty(const char *folder) {
  DIR *dir = opendir(folder);
  for (struct dirent *item; dir && (item = readdir(dir)) != NULL;) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, item->d_name);
    if (item->d_name[0] != '.') unlink(path);
  }
  if (dir) closedir(dir);
}
