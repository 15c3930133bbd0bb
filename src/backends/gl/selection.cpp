#include "backends/gl/selection.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <strings.h>

namespace sporkle::gl {

namespace {

int place_of(const Candidate& c) noexcept {
  if (c.software) return 3;
  switch (c.kind) {
    case CardKind::discrete: return 0;
    case CardKind::unknown: return 1;
    case CardKind::integrated: break;
  }
  return 2;
}

bool is_number(const char* text) noexcept {
  return text[0] != '\0' && text[std::strspn(text, "0123456789")] == '\0';
}

// "65:00.0" names "0000:65:00.0".
bool pci_matches(const char* pci, const char* wish) noexcept {
  if (std::strncmp(wish, "pci:", 4) == 0) wish += 4;
  const size_t have = std::strlen(pci), want = std::strlen(wish);
  if (want < 7 || want > have || std::strchr(wish, ':') == nullptr) return false;
  if (strcasecmp(pci + (have - want), wish) != 0) return false;
  return want == have || pci[have - want - 1] == ':';
}

// A UUID, or a beginning of one of at least eight digits; "GPU-" may be left out.
bool uuid_matches(const char* uuid, const char* wish, size_t length) noexcept {
  constexpr size_t prefix = 4, least = 8;
  if (uuid[0] == '\0') return false;
  if (length >= prefix && strncasecmp(wish, "GPU-", prefix) == 0) {
    wish += prefix;
    length -= prefix;
  }
  return length >= least && strncasecmp(uuid + prefix, wish, length) == 0;
}

bool contains(const char* text, const char* part) noexcept {
  const size_t length = std::strlen(part);
  for (; *text != '\0'; ++text) {
    if (strncasecmp(text, part, length) == 0) return true;
  }
  return false;
}

void name_all(std::span<const Candidate> candidates, char* out, size_t capacity) noexcept {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < candidates.size() && used + 1 < capacity; ++i) {
    const int written = std::snprintf(out + used, capacity - used, "%s%zu = %.40s",
                                      i == 0 ? "" : ", ", i, candidates[i].name);
    used += static_cast<size_t>(std::max(written, 0));
  }
}

bool choose_by_rank(std::span<const Candidate> candidates, int64_t rank, Choice* choice,
                    Reason* reason) noexcept {
  if (rank < 0) {
    reason->set("SPORKLE_GL_DEVICE=local-rank, but no MPI launcher has set a local rank");
    return false;
  }
  const auto hardware = static_cast<int64_t>(
      std::count_if(candidates.begin(), candidates.end(), [](auto& c) { return !c.software; }));
  const auto usable = hardware != 0 ? hardware : static_cast<int64_t>(candidates.size());
  choice->index = static_cast<uint32_t>(rank % usable);
  return true;
}

}  // namespace

void order_candidates(std::span<Candidate> candidates) noexcept {
  // Insertion sort: stable, without the allocation of std::stable_sort.
  for (size_t i = 1; i < candidates.size(); ++i) {
    for (size_t j = i; j > 0 && place_of(candidates[j]) < place_of(candidates[j - 1]); --j) {
      std::swap(candidates[j], candidates[j - 1]);
    }
  }
}

bool visible_to_cuda(const Candidate& candidate, const char* visible_devices) noexcept {
  if (visible_devices == nullptr || !candidate.nvidia) return true;
  for (const char* item = visible_devices;; ++item) {
    item += std::strspn(item, " ");
    const size_t length = std::strcspn(item, ", ");
    const bool index = std::isdigit(static_cast<unsigned char>(*item)) != 0;
    // CUDA stops at the first entry that names nothing ("-1", "NoDevFiles").
    if (!index && strncasecmp(item, "GPU-", 4) != 0) return false;
    // A card whose CUDA index the driver does not tell cannot be excluded by one.
    if (index && (candidate.cuda_index < 0 || std::atoi(item) == candidate.cuda_index)) return true;
    if (!index && uuid_matches(candidate.uuid, item, length)) return true;
    item += length;
    item += std::strspn(item, " ");
    if (*item != ',') return false;
  }
}

bool choose_candidate(std::span<const Candidate> candidates, const char* wish, int64_t rank,
                      Choice* choice, Reason* reason) noexcept {
  *choice = Choice{};
  if (wish[0] == '\0' || std::strcmp(wish, "auto") == 0) return true;
  choice->asked = true;
  if (std::strcmp(wish, "local-rank") == 0) {
    return choose_by_rank(candidates, rank, choice, reason);
  }
  const bool number = is_number(wish);
  for (uint32_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = candidates[i];
    const bool match =
        number ? std::strtoul(wish, nullptr, 10) == i
               : std::strcmp(wish, "software") == 0
                     ? c.software
                     : pci_matches(c.pci, wish) ||
                           uuid_matches(c.uuid, wish, std::strlen(wish)) || contains(c.name, wish);
    if (!match) continue;
    choice->index = i;
    return true;
  }
  char names[160];
  name_all(candidates, names, sizeof names);
  reason->set("SPORKLE_GL_DEVICE=%.40s names no device; there are: %s", wish, names);
  return false;
}

}  // namespace sporkle::gl
