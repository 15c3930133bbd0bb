#include "tools/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(OutFile *file, const char *reason) {
  snprintf(file->reason, sizeof file->reason, "%s", reason);
  return -1;
}

static int refuse_write(OutFile *file, int cause) {
  snprintf(file->reason, sizeof file->reason, "cannot be written: %s", strerror(cause));
  return -1;
}

// Where the new file goes: what a symbolic link points to, not the link itself.
static int find_target(OutFile *file, const char *path) {
  struct stat facts;
  *file = (OutFile){0};
  if (path[0] == '\0') return refuse(file, "the path is empty");
  const bool exists = stat(path, &facts) == 0;
  if (!exists || !realpath(path, file->path)) {
    const int length = snprintf(file->path, sizeof file->path, "%s", path);
    if (length >= (int)sizeof file->path) return refuse(file, "the path is too long");
  }
  if (exists && S_ISDIR(facts.st_mode)) return refuse_write(file, EISDIR);
  if (exists && !S_ISREG(facts.st_mode)) return 0;
  // The rename would replace a file that its owner has protected, also as root.
  if (exists && (access(path, W_OK) != 0 || (facts.st_mode & 0222) == 0)) {
    return refuse(file, "cannot be written: the file is read-only");
  }
  const int length =
      snprintf(file->temporary, sizeof file->temporary, "%s.%ld.tmp", file->path, (long)getpid());
  return length < (int)sizeof file->temporary ? 0 : refuse(file, "the path is too long");
}

// Beside the target, so that the rename stays on one file system.
static int create(OutFile *file) {
  const bool direct = file->temporary[0] == '\0';
  const int fd = open(direct ? file->path : file->temporary,
                      O_WRONLY | O_CLOEXEC | (direct ? 0 : O_CREAT | O_EXCL), 0666);
  return fd < 0 ? refuse_write(file, errno) : fd;
}

int out_file_check(OutFile *file, const char *path) {
  if (find_target(file, path) != 0) return -1;
  // Opening a pipe would wait for its reader.
  if (file->temporary[0] == '\0') return 0;
  const int fd = create(file);
  if (fd < 0) return -1;
  close(fd);
  unlink(file->temporary);
  return 0;
}

int out_file_open(OutFile *file, const char *path) {
  if (find_target(file, path) != 0) return -1;
  const int fd = create(file);
  if (fd < 0) return -1;
  file->stream = fdopen(fd, "wb");
  if (file->stream) return 0;
  refuse_write(file, errno);
  close(fd);
  if (file->temporary[0]) unlink(file->temporary);
  return -1;
}

int out_file_close(OutFile *file, bool keep) {
  int cause = 0;
  errno = EIO;
  if (ferror(file->stream) || fflush(file->stream) != 0) cause = errno;
  if (fclose(file->stream) != 0 && cause == 0) cause = errno;
  file->stream = NULL;
  if (file->temporary[0]) {
    if (keep && cause == 0 && rename(file->temporary, file->path) == 0) return 0;
    if (keep && cause == 0) cause = errno;
    unlink(file->temporary);
  }
  return cause == 0 ? 0 : refuse_write(file, cause);
}
