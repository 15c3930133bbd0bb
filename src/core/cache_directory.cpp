#include "core/cache_directory.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace sporkle {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr time_t temporary_age_s = 3600;
constexpr const char* program_prefix = "glprogram-";

enum class Rank : uint8_t { worthless, made_again, measured };

struct Victim {
  Rank rank;
  int64_t time_ns;
  uint64_t bytes;
  size_t name;  // where it begins in the names
};

CacheFileKind kind_of(const char* name) noexcept {
  constexpr size_t hash_digits = 32;
  const size_t kind = std::strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  if (kind == 0 || name[kind] != '-') return CacheFileKind::foreign;
  const char* hash = name + kind + 1;
  if (std::strspn(hash, "0123456789abcdef") != hash_digits) return CacheFileKind::foreign;
  const char* end = hash + hash_digits;
  const size_t suffix = std::strlen(cache_file_suffix);
  if (std::strncmp(end, cache_file_suffix, suffix) != 0) return CacheFileKind::foreign;
  if (end[suffix] == '\0') return CacheFileKind::entry;
  const size_t rest = std::strspn(end + suffix, ".0123456789");
  return std::strcmp(end + suffix + rest, "tmp") == 0 ? CacheFileKind::temporary
                                                      : CacheFileKind::foreign;
}

Rank rank_of(CacheDirectory& directory, const CacheFile& file, uint64_t target) noexcept {
  if (file.bytes > target || directory.is_no_entry(file.name, file.bytes)) return Rank::worthless;
  const bool program = std::strncmp(file.name, program_prefix, std::strlen(program_prefix)) == 0;
  return program ? Rank::made_again : Rank::measured;
}

}  // namespace

bool CacheDirectory::next(CacheFile* file) noexcept {
  while (const dirent* item = directory_ != nullptr ? readdir(directory_) : nullptr) {
    file->kind = kind_of(item->d_name);
    if (file->kind == CacheFileKind::foreign) continue;
    struct stat status;
    if (fstatat(dirfd(directory_), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    file->name = item->d_name;
    file->bytes = static_cast<uint64_t>(status.st_size);
    file->time_ns = status.st_mtim.tv_sec * second_ns + status.st_mtim.tv_nsec;
    return true;
  }
  return false;
}

bool CacheDirectory::remove(const char* name) noexcept {
  return directory_ != nullptr && unlinkat(dirfd(directory_), name, 0) == 0;
}

bool CacheDirectory::is_no_entry(const char* name, uint64_t bytes) noexcept {
  CacheFileHeader header;
  if (bytes < sizeof header) return true;
  // A pipe that has taken the name meanwhile must not make this wait.
  const int file = openat(dirfd(directory_), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (file < 0) return false;
  const ssize_t got = read(file, &header, sizeof header);
  close(file);
  if (got < 0) return false;
  if (got != sizeof header) return true;
  if (std::memcmp(header.magic, cache_file_magic, sizeof header.magic) != 0) return true;
  const uint64_t body = bytes - sizeof header;
  return header.key_bytes > body || header.content_bytes != body - header.key_bytes;
}

uint64_t measure_cache(const char* path) noexcept {
  const time_t now = time(nullptr);
  uint64_t sum = 0;
  CacheDirectory directory(path);
  for (CacheFile file; directory.next(&file);) {
    if (file.kind == CacheFileKind::entry) sum += file.bytes;
    else if (now - file.time_ns / second_ns > temporary_age_s) directory.remove(file.name);
  }
  return sum;
}

void trim_cache(const char* path, uint64_t limit, std::pmr::memory_resource* memory,
                uint64_t* bytes) noexcept {
  const uint64_t target = cache_target(limit);
  try {
    uint64_t left = 0;
    std::pmr::vector<Victim> victims(memory);
    std::pmr::string names(memory);
    CacheDirectory directory(path);
    for (CacheFile file; directory.next(&file);) {
      if (file.kind != CacheFileKind::entry) continue;
      left += file.bytes;
      victims.push_back(
          {rank_of(directory, file, target), file.time_ns, file.bytes, names.size()});
      names.append(file.name, std::strlen(file.name) + 1);
    }
    std::sort(victims.begin(), victims.end(), [](const Victim& a, const Victim& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.time_ns < b.time_ns;
    });
    for (const Victim& victim : victims) {
      if (left <= target) break;
      // Gone meanwhile, or nothing that can be done about it: no reason to remove others.
      directory.remove(names.c_str() + victim.name);
      left -= victim.bytes;
    }
    *bytes = left;
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace sporkle
