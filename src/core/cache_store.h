// Named blobs on disk: probe results, program binaries, tuned choices.
//
// One file per entry, written beside the target and renamed over it, so that
// readers see the old or the new entry and no lock is needed. Every file
// carries its key, length and a hash; anything that does not match is treated
// as absent. All failures are soft: the cache only saves time. The first entry of a
// store that cannot be used and the first that cannot be written are named in a
// warning with their file and the reason; later ones are not.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <span>
#include <vector>

namespace sporkle {

class Log;

class CacheStore {
 public:
  // "off" disables the store. The directory is created at the first write. The log and
  // the memory outlive the store; no log: nothing is said.
  void open(const char* directory, Log* log,
            std::pmr::memory_resource* memory = std::pmr::get_default_resource()) noexcept;
  bool enabled() const noexcept { return directory_[0] != '\0'; }
  const char* directory() const noexcept { return directory_; }

  // `kind` is a short word of [a-z0-9_]; `key` is any text up to 4096 bytes.
  // Reads an entry into `out`; returns false when there is none or it is damaged. A file
  // that was not used for a day gets a new time, by which put() removes.
  bool get(const char* kind, const char* key, std::pmr::vector<unsigned char>* out) const noexcept;

  // For who finds the content of an entry unusable: the warning that get() gives.
  void blame(const char* kind, const char* key, const char* reason) const noexcept;

  // Writes an entry; returns false when it cannot (no space, read-only, off), or the entry
  // alone is larger than cache_target(). Entries beyond the byte limit of the store are
  // removed (trim_cache() says in which order). The directory is looked through at the
  // first write of a store, when the limit is reached by what it knows of, and after every
  // sixteenth of the limit that it writes: of several stores that write at once, each may
  // exceed the limit by that and one entry.
  bool put(const char* kind, const char* key, std::span<const unsigned char> content) noexcept;

  // Removes every entry of this store's format; returns how many.
  uint64_t clear() noexcept;

  // Bytes of all entries on disk.
  uint64_t bytes() const noexcept;

  void set_byte_limit(uint64_t bytes) noexcept { byte_limit_ = bytes; }

 private:
  bool path_of(const char* kind, const char* key, char* out, uint64_t capacity) const noexcept;
  void account(uint64_t bytes) noexcept;
  void warn_unreadable(const char* path, const char* reason) const noexcept;
  bool warn_unwritable(const char* path, int error) noexcept;

  Log* log_ = nullptr;
  mutable std::atomic<bool> unreadable_ = false;
  std::atomic<bool> unwritable_ = false;
  char directory_[224] = {};
  std::pmr::memory_resource* memory_ = nullptr;
  uint64_t byte_limit_ = uint64_t{256} << 20;
  std::mutex measuring_;
  std::atomic<uint64_t> measured_ = UINT64_MAX;  // bytes at the last look; none yet
  std::atomic<uint64_t> written_ = 0;            // since then, by this store
};

}  // namespace sporkle
