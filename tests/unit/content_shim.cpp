#include "content_shim.h"

#include "core/content_hash.h"

using namespace sporkle;

struct shim_hash {
  ContentHash hash;
};

namespace {

class Backwards final : public ParallelFor {
 public:
  uint32_t threads() const noexcept override { return 2; }
  void run(uint32_t count, sporkle_task task, void* data) noexcept override {
    while (count-- > 0) task(data, count);
  }
};

}  // namespace

shim_hash* shim_hash_create(void) {
  auto* hash = new shim_hash{ContentHash()};
  if (hash->hash.keyed()) return hash;
  delete hash;
  return nullptr;
}

void shim_hash_destroy(shim_hash* hash) { delete hash; }

shim_hash* shim_hash_twin(const shim_hash* hash, int vectors) {
  auto* twin = new shim_hash{ContentHash(static_cast<ContentHash::Vectors>(vectors))};
  twin->hash.take_key(hash->hash);
  return twin;
}

shim_digest shim_hash_digest(const shim_hash* hash, const void* first, uint64_t first_bytes,
                             const void* second, uint64_t second_bytes, int parallel) {
  Backwards backwards;
  const ContentDigest digest = hash->hash.digest({first, first_bytes}, {second, second_bytes},
                                                 parallel != 0 ? &backwards : nullptr);
  return {digest.low, digest.high};
}
