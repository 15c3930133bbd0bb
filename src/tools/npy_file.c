#include "tools/npy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/out_file.h"

static int file_fail(NpyFileError *error, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int file_fail(NpyFileError *error, const char *path, const char *format, ...) {
  int head = snprintf(error->text, sizeof error->text, "%.600s: ", path);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text + head, sizeof error->text - (size_t)head, format, arguments);
  va_end(arguments);
  return -1;
}

void npy_array_free(NpyArray *array) {
  free(array->data);
  array->data = NULL;
}

// Reads exactly `size` bytes unless the file ends. Returns the number read or -1.
static ssize_t read_fully(int fd, void *buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(fd, (char *)buffer + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

static int read_header(int fd, const char *path, uint64_t size, NpyHeader *out,
                       NpyFileError *error) {
  size_t wanted = size < NPY_PREFIX_CAPACITY ? (size_t)size : NPY_PREFIX_CAPACITY;
  char *prefix = malloc(wanted ? wanted : 1);
  if (!prefix) return file_fail(error, path, "out of memory");
  int status = -1;
  NpyError reason;
  if (read_fully(fd, prefix, wanted) != (ssize_t)wanted) {
    file_fail(error, path, "cannot be read: %s", strerror(errno));
  } else if (npy_parse(prefix, wanted, size, out, &reason) != 0) {
    file_fail(error, path, "%s", reason.text);
  } else {
    status = 0;
  }
  free(prefix);
  return status;
}

static int read_data(int fd, const char *path, NpyArray *array, NpyFileError *error) {
  size_t bytes = (size_t)array->header.count * 4;
  void *data = NULL;
  if (posix_memalign(&data, 64, bytes) != 0) {
    return file_fail(error, path, "out of memory for %zu bytes of data", bytes);
  }
  if (lseek(fd, (off_t)array->header.data_offset, SEEK_SET) < 0 ||
      read_fully(fd, data, bytes) != (ssize_t)bytes) {
    free(data);
    return file_fail(error, path, "the data cannot be read");
  }
  array->data = data;
  return 0;
}

static int read_open_file(int fd, const char *path, NpyArray *out, NpyFileError *error) {
  struct stat facts;
  if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return file_fail(error, path, "not an ordinary file");
  }
  NpyArray array = {0};
  if (read_header(fd, path, (uint64_t)facts.st_size, &array.header, error) != 0) return -1;
  if (read_data(fd, path, &array, error) != 0) return -1;
  *out = array;
  return 0;
}

int npy_read(const char *path, NpyArray *out, NpyFileError *error) {
  // Without O_NONBLOCK a named pipe would block before it can be refused.
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return file_fail(error, path, "cannot be opened: %s", strerror(errno));
  int status = read_open_file(fd, path, out, error);
  close(fd);
  return status;
}

int npy_check_output(const char *path, NpyFileError *error) {
  struct stat facts;
  OutFile file;
  if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
    return file_fail(error, path, "exists and is not a file");
  }
  if (out_file_check(&file, path) == 0) return 0;
  return file_fail(error, path, "%s", file.reason);
}

int npy_write(const char *path, const int64_t *shape, int32_t dimensions, const float *data,
              NpyFileError *error) {
  char header[NPY_WRITE_HEADER_SIZE];
  size_t count = 1;
  for (int32_t i = 0; i < dimensions; ++i) count *= (size_t)shape[i];
  const size_t header_size = npy_format_header(shape, dimensions, header);
  OutFile file;
  if (out_file_open(&file, path) != 0) return file_fail(error, path, "%s", file.reason);
  // What fails is seen when it is closed.
  fwrite(header, 1, header_size, file.stream);
  fwrite(data, sizeof *data, count, file.stream);
  if (out_file_close(&file, true) == 0) return 0;
  return file_fail(error, path, "%s", file.reason);
}
