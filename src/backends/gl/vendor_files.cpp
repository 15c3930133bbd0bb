#include "backends/gl/vendor_files.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>

namespace sporkle::gl {

namespace {

constexpr uint32_t file_limit = 16;
constexpr const char* default_directories[] = {"/etc/glvnd/egl_vendor.d",
                                               "/usr/share/glvnd/egl_vendor.d"};

// The value of "library_path" in a small JSON file.
bool read_library_path(const char* path, char* out, uint32_t capacity) noexcept {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  char text[2048];
  const size_t length = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  text[length] = '\0';
  const char* key = std::strstr(text, "\"library_path\"");
  if (key == nullptr) return false;
  const char* begin = std::strchr(key + std::strlen("\"library_path\""), ':');
  begin = begin == nullptr ? nullptr : std::strchr(begin, '"');
  const char* end = begin == nullptr ? nullptr : std::strchr(begin + 1, '"');
  if (end == nullptr) return false;
  std::snprintf(out, capacity, "%.*s", static_cast<int>(end - begin - 1), begin + 1);
  return true;
}

void add_file(const Surroundings& where, const char* path, VendorFile* out, uint32_t capacity,
              uint32_t* count) {
  if (*count >= capacity) return;
  VendorFile& file = out[*count];
  file = VendorFile{};
  std::snprintf(file.path, sizeof file.path, "%s", path);
  if (!read_library_path(path, file.library, sizeof file.library)) {
    file.error.set("no library_path in the file");
  } else {
    char library[512];
    std::snprintf(library, sizeof library, "%s%s", file.library[0] == '/' ? where.root : "",
                  file.library);
    file.loads = where.load_library(library, &file.error);
  }
  ++*count;
}

void add_directory(const Surroundings& where, const char* directory, VendorFile* out,
                   uint32_t capacity, uint32_t* count) {
  DIR* stream = opendir(directory);
  if (stream == nullptr) return;
  char names[file_limit][256];  // NAME_MAX and its end
  uint32_t found = 0;
  while (const dirent* entry = readdir(stream)) {
    const size_t length = std::strlen(entry->d_name);
    if (length < 6 || std::strcmp(entry->d_name + length - 5, ".json") != 0) continue;
    if (found < file_limit) std::snprintf(names[found++], sizeof names[0], "%s", entry->d_name);
  }
  closedir(stream);
  // GLVND takes the files of a directory in the order of their names.
  const auto compare = [](const void* a, const void* b) {
    return std::strcmp(static_cast<const char*>(a), static_cast<const char*>(b));
  };
  std::qsort(names, found, sizeof names[0], compare);
  for (uint32_t i = 0; i < found; ++i) {
    char path[768];
    std::snprintf(path, sizeof path, "%s/%.255s", directory, names[i]);
    add_file(where, path, out, capacity, count);
  }
}

// Calls visit for every item of a list separated by colons.
template <class Visit>
void for_each_item(const char* list, Visit visit) {
  while (*list != '\0') {
    char item[512];
    const size_t length = std::strcspn(list, ":");
    std::snprintf(item, sizeof item, "%.*s", static_cast<int>(length), list);
    if (length > 0) visit(item);
    list += length + (list[length] == ':' ? 1 : 0);
  }
}

}  // namespace

uint32_t list_vendor_files(const Surroundings& where, VendorFile* out, uint32_t capacity) {
  uint32_t count = 0;
  if (where.vendor_filenames != nullptr && where.vendor_filenames[0] != '\0') {
    for_each_item(where.vendor_filenames,
                  [&](const char* item) { add_file(where, item, out, capacity, &count); });
    return count;
  }
  if (where.vendor_directories != nullptr && where.vendor_directories[0] != '\0') {
    for_each_item(where.vendor_directories,
                  [&](const char* item) { add_directory(where, item, out, capacity, &count); });
    return count;
  }
  for (const char* directory : default_directories) {
    char path[512];
    std::snprintf(path, sizeof path, "%s%s", where.root, directory);
    add_directory(where, path, out, capacity, &count);
  }
  return count;
}

bool nvidia_vendor_loads(const Surroundings& where) {
  VendorFile files[file_limit];
  const uint32_t count = list_vendor_files(where, files, file_limit);
  return std::any_of(files, files + count, [](const VendorFile& file) {
    return file.loads && std::strstr(file.library, "nvidia") != nullptr;
  });
}

}  // namespace sporkle::gl
