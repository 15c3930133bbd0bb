#include "core/cache_store.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "core/cache_directory.h"

namespace sporkle {

namespace {

constexpr uint64_t path_capacity = 320;
constexpr uint64_t content_limit = uint64_t{1} << 30;
constexpr uint32_t key_limit = 4096;
constexpr int64_t used_again_s = 86400;
// Of the limit: so much may be written before the directory is looked through again, for
// what other processes have written.
constexpr uint64_t unseen_part = 16;

uint64_t hash_bytes(uint64_t hash, const void* data, uint64_t bytes) noexcept {
  const auto* p = static_cast<const unsigned char*>(data);
  for (uint64_t i = 0; i < bytes; ++i) hash = (hash ^ p[i]) * 1099511628211u;  // FNV-1a
  return hash;
}

constexpr uint64_t hash_seed = 1469598103934665603u;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool opened() const { return descriptor_ >= 0; }

  bool regular(uint64_t* size, time_t* used) const noexcept {
    struct stat status;
    if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return false;
    *size = static_cast<uint64_t>(status.st_size);
    *used = status.st_mtim.tv_sec;
    return true;
  }

  // May fail: a file of somebody else, a file system that is read-only.
  void note_use() const noexcept { futimens(descriptor_, nullptr); }

  bool read_all(void* data, uint64_t bytes) const noexcept {
    auto* p = static_cast<char*>(data);
    while (bytes > 0) {
      const ssize_t got = ::read(descriptor_, p, bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      p += got;
      bytes -= static_cast<uint64_t>(got);
    }
    return true;
  }

  bool write_all(const void* data, uint64_t bytes) const noexcept {
    const auto* p = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t put = ::write(descriptor_, p, bytes);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      p += put;
      bytes -= static_cast<uint64_t>(put);
    }
    return true;
  }

 private:
  int descriptor_;
};

bool make_directories(const char* path) noexcept {
  char part[path_capacity];
  std::snprintf(part, sizeof part, "%s", path);
  for (char* p = part + 1; *p != '\0'; ++p) {
    if (*p != '/') continue;
    *p = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
    *p = '/';
  }
  return mkdir(part, 0700) == 0 || errno == EEXIST;
}

// Null when the content was read, "" when there is no such entry, else why it is none.
const char* read_entry(const char* path, const char* key, std::pmr::vector<unsigned char>* out) {
  // A pipe of that name must not make this wait, nor a length in the header take memory
  // that the file does not fill.
  const File file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  // Below what is no directory nothing can be written either: that is said then.
  if (!file.opened() && (errno == ENOENT || errno == ENOTDIR)) return "";
  if (!file.opened()) return errno == EACCES ? "permission denied" : "it cannot be opened";
  CacheFileHeader header;
  const uint64_t key_bytes = std::strlen(key);
  char stored_key[key_limit];
  uint64_t size = 0;
  time_t used = 0;
  if (!file.regular(&size, &used)) return "it is not a regular file";
  if (size < sizeof header) return "it is truncated";
  if (!file.read_all(&header, sizeof header)) return "it cannot be read";
  if (std::memcmp(header.magic, cache_file_magic, sizeof cache_file_magic) != 0) {
    return "it is not a cache entry of this format";
  }
  if (header.key_bytes != key_bytes) return "it belongs to another key";
  if (header.content_bytes > content_limit) return "its length is damaged";
  const uint64_t whole = sizeof header + key_bytes + header.content_bytes;
  if (size != whole) return size < whole ? "it is truncated" : "it is longer than its length says";
  if (!file.read_all(stored_key, key_bytes)) return "it cannot be read";
  if (std::memcmp(stored_key, key, key_bytes) != 0) return "it belongs to another key";
  out->resize(header.content_bytes);
  if (!file.read_all(out->data(), header.content_bytes)) return "it cannot be read";
  const uint64_t hash =
      hash_bytes(hash_bytes(hash_seed, key, key_bytes), out->data(), header.content_bytes);
  if (hash != header.hash) return "its checksum does not match";
  const time_t now = time(nullptr);
  if (used > now || now - used > used_again_s) file.note_use();
  return nullptr;
}

}  // namespace

void CacheStore::open(const char* directory, Log* log,
                      std::pmr::memory_resource* memory) noexcept {
  log_ = log;
  memory_ = memory;
  directory_[0] = '\0';
  if (directory[0] == '\0' || text_is_off(directory)) return;
  if (std::strlen(directory) >= sizeof directory_) {  // a part of it is another place
    warn_unwritable(directory, ENAMETOOLONG);
    return;
  }
  std::snprintf(directory_, sizeof directory_, "%s", directory);
}

void CacheStore::warn_unreadable(const char* path, const char* reason) const noexcept {
  if (log_ == nullptr || unreadable_.exchange(true)) return;
  log_->write(SPORKLE_LOG_WARNING, "cache: %s is not used: %s", path, reason);
}

bool CacheStore::warn_unwritable(const char* path, int error) noexcept {
  if (log_ == nullptr || unwritable_.exchange(true)) return false;
  char text[96];
  const char* said = strerror_r(error, text, sizeof text);
  log_->write(SPORKLE_LOG_WARNING, "cache: %s cannot be written, nothing is kept: %s", path, said);
  return false;
}

void CacheStore::blame(const char* kind, const char* key, const char* reason) const noexcept {
  char path[path_capacity];
  if (path_of(kind, key, path, sizeof path)) warn_unreadable(path, reason);
}

bool CacheStore::path_of(const char* kind, const char* key, char* out,
                         uint64_t capacity) const noexcept {
  const size_t length = std::strlen(key);
  if (!enabled() || length > key_limit) return false;
  const uint64_t first = hash_bytes(hash_seed, key, length);
  const uint64_t second = hash_bytes(first ^ 0x9e3779b97f4a7c15u, key, length);
  const int written = std::snprintf(out, capacity, "%s/%s-%016" PRIx64 "%016" PRIx64 "%s",
                                    directory_, kind, first, second, cache_file_suffix);
  return written > 0 && static_cast<uint64_t>(written) < capacity;
}

bool CacheStore::get(const char* kind, const char* key,
                     std::pmr::vector<unsigned char>* out) const noexcept try {
  char path[path_capacity];
  if (!path_of(kind, key, path, sizeof path)) return false;
  const char* reason = read_entry(path, key, out);
  if (reason != nullptr && reason[0] != '\0') warn_unreadable(path, reason);
  return reason == nullptr;
} catch (...) {
  return false;  // no memory for it
}

bool CacheStore::put(const char* kind, const char* key,
                     std::span<const unsigned char> content) noexcept {
  char path[path_capacity], temporary[path_capacity + 48];
  const uint64_t largest = std::min(content_limit, cache_target(byte_limit_));
  if (content.size() > largest || !path_of(kind, key, path, sizeof path)) return false;
  if (!make_directories(directory_)) return warn_unwritable(directory_, errno);
  std::snprintf(temporary, sizeof temporary, "%s.%ld.%" PRIu64 ".tmp", path,
                static_cast<long>(getpid()), now_ns());
  CacheFileHeader header{};
  std::memcpy(header.magic, cache_file_magic, sizeof cache_file_magic);
  header.key_bytes = std::strlen(key);
  header.content_bytes = content.size();
  header.hash = hash_bytes(hash_bytes(hash_seed, key, header.key_bytes), content.data(),
                           content.size());
  bool written = false;
  {
    const File file(::open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.opened()) return warn_unwritable(path, errno);
    written = file.write_all(&header, sizeof header) && file.write_all(key, header.key_bytes) &&
              file.write_all(content.data(), content.size());
  }
  if (!written || rename(temporary, path) != 0) {
    warn_unwritable(path, errno);
    unlink(temporary);
    return false;
  }
  account(sizeof header + header.key_bytes + content.size());
  return true;
}

uint64_t CacheStore::clear() noexcept {
  uint64_t removed = 0;
  if (!enabled()) return 0;
  CacheDirectory directory(directory_);
  for (CacheFile file; directory.next(&file);) {
    if (file.kind == CacheFileKind::entry && directory.remove(file.name)) ++removed;
  }
  return removed;
}

uint64_t CacheStore::bytes() const noexcept { return enabled() ? measure_cache(directory_) : 0; }

void CacheStore::account(uint64_t bytes) noexcept {
  const uint64_t written = written_.fetch_add(bytes) + bytes;
  const uint64_t measured = measured_.load();
  if (measured <= byte_limit_ && written <= byte_limit_ - measured &&
      written < byte_limit_ / unseen_part) {
    return;
  }
  const std::unique_lock lock(measuring_, std::try_to_lock);
  if (!lock.owns_lock()) return;  // another thread is about it
  const uint64_t seen = written_.load();
  uint64_t left = measure_cache(directory_);
  if (left > byte_limit_) trim_cache(directory_, byte_limit_, memory_, &left);
  measured_ = left;
  written_ -= seen;
}

}  // namespace sporkle
