// The files of a cache directory: which are the store's, how large they are together, and
// which of them go first when they are too large.
#pragma once

#include <cstdint>
#include <dirent.h>
#include <memory_resource>

namespace sporkle {

// What an entry's file begins with; the key and the content follow.
struct CacheFileHeader {
  char magic[8];
  uint64_t key_bytes;
  uint64_t content_bytes;
  uint64_t hash;  // of key and content
};

inline constexpr char cache_file_magic[8] = {'S', 'P', 'K', 'C', 'A', 'C', 'H', '1'};
inline constexpr const char* cache_file_suffix = ".spk";

// By the name alone; the directory may hold files of somebody else.
enum class CacheFileKind : uint8_t { foreign, entry, temporary };

struct CacheFile {
  CacheFileKind kind = CacheFileKind::foreign;
  const char* name = nullptr;  // until the next one is read
  uint64_t bytes = 0;
  int64_t time_ns = 0;  // of the last write, or of a use (CacheStore::get)
};

// Regular files with names of the store, in no order. A directory that cannot be read has none.
class CacheDirectory {
 public:
  explicit CacheDirectory(const char* path) noexcept : directory_(opendir(path)) {}
  CacheDirectory(const CacheDirectory&) = delete;
  CacheDirectory& operator=(const CacheDirectory&) = delete;
  ~CacheDirectory() {
    if (directory_ != nullptr) closedir(directory_);
  }

  // False at the end. One fstatat per name of the store.
  bool next(CacheFile* file) noexcept;
  bool remove(const char* name) noexcept;
  // Whether the file was read and begins as no entry of this size does. One that cannot be
  // read, for want of a descriptor say, may be one.
  bool is_no_entry(const char* name, uint64_t bytes) noexcept;

 private:
  DIR* directory_;
};

// Bytes of all entries. Temporary files of writers that are gone are removed on the way.
uint64_t measure_cache(const char* path) noexcept;

// The size that removing entries aims at, and the largest entry: a little below the limit,
// so that a full cache is not looked through at every write.
constexpr uint64_t cache_target(uint64_t limit) noexcept { return limit - limit / 8; }

// Removes entries until the others have at most cache_target(limit) bytes, in this order:
// what begins as no entry and what is larger than that, program binaries (made again from
// source), all others (measured for seconds); of each, the longest unused first. `bytes`
// becomes what is left, without what cannot be removed. Memory that is refused ends it before
// anything is removed; `bytes` stays as it is then.
void trim_cache(const char* path, uint64_t limit, std::pmr::memory_resource* memory,
                uint64_t* bytes) noexcept;

}  // namespace sporkle
