#include "backends/gl/device_scan.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "base/memory.h"
#include "core/cache_store.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t open_patience_ns = 20000000000u;

// Whether the store can write: its directory, or the nearest one above it that
// exists, is writable. A store that the user has turned off is their choice.
bool cache_is_usable(const DeviceEnvironment& environment) {
  if (environment.cache == nullptr || !environment.cache->enabled()) return true;
  char path[256];
  std::snprintf(path, sizeof path, "%s", environment.cache->directory());
  while (access(path, F_OK) != 0) {
    char* slash = std::strrchr(path, '/');
    if (slash == nullptr || slash == path) return false;
    *slash = '\0';
  }
  return access(path, W_OK) == 0;
}

}  // namespace

DeviceScan::DeviceScan(const DeviceEnvironment& environment, const OpenRules& rules)
    : environment_(environment),
      rules_(rules),
      list_(environment.memory),
      opened_(environment.memory),
      candidates_(environment.memory) {}

void DeviceScan::run() {
  const EglFunctions* egl = open_egl_library(&findings_.library_error);
  findings_.library_loaded = egl != nullptr;
  findings_.program_cache = cache_is_usable(environment_);
  if (egl != nullptr) {
    open_all(*egl);
    await_all();
    hide_by_cuda();
    order_candidates(candidates_);
  }
  for (const Candidate& candidate : candidates_) {
    ++(candidate.software ? findings_.software_devices : findings_.hardware_devices);
  }
  if (!candidates_.empty()) choose();
  diagnose(real_surroundings(), findings_, &list_);
}

void DeviceScan::open_all(const EglFunctions& egl) {
  EglDevice devices[egl_device_limit];
  Reason reason;
  const uint32_t count = list_egl_devices(egl, devices, egl_device_limit, &reason);
  if (count == 0) {
    add_unavailable(&list_, "", reason.text,
                    "sudo apt-get install libgl1-mesa-dri   # or the GPU vendor's OpenGL driver");
  }
  opened_.reserve(count);
  // All at once: each driver takes its time on its own thread.
  for (uint32_t i = 0; i < count; ++i) {
    opened_.push_back({devices[i], make_shared_in<SubmissionThread>(
                                       environment_.memory, environment_, egl, devices[i],
                                       rules_)});
    opened_.back().thread->start();
  }
}

void DeviceScan::await_all() {
  const Deadline deadline = Deadline::after(open_patience_ns);
  for (uint32_t i = 0; i < opened_.size(); ++i) {
    try {
      opened_[i].thread->await_open(deadline);
    } catch (const Error& error) {
      if (error.status == SPORKLE_ERROR_OUT_OF_MEMORY) throw;
      add_unavailable(&list_, "", error.reason.text,
                      "sporkle report   # collects what the driver's vendor needs to know");
      drop(i);
      continue;
    }
    const Candidate candidate = describe(i);
    if (is_duplicate(candidate)) {
      drop(i);
      continue;
    }
    const Facts& facts = opened_[i].thread->facts();
    findings_.slowest_open_ns = std::max(findings_.slowest_open_ns, facts.open_ns);
    findings_.opened_nvidia |= candidate.nvidia;
    if (!facts.robust && !facts.software) {
      environment_.log->warn_once("gl-robust",
                                  "%s refuses a robust context: a GPU reset may end the process",
                                  facts.name);
    }
    candidates_.push_back(candidate);
  }
}

Candidate DeviceScan::describe(uint32_t source) const {
  const EglDevice& device = opened_[source].device;
  const Facts& facts = opened_[source].thread->facts();
  Candidate candidate;
  candidate.source = source;
  candidate.software = facts.software;
  candidate.nvidia = facts.limits.vendor == Vendor::nvidia;
  candidate.cuda_index = device.cuda_index;
  std::snprintf(candidate.name, sizeof candidate.name, "%s", facts.name);
  std::snprintf(candidate.uuid, sizeof candidate.uuid, "%s", facts.uuid);
  if (!pci_of_drm_file("", device.drm_file, candidate.pci)) {
    pci_of_nvidia_uuid("", facts.uuid, candidate.pci);
  }
  if (!facts.software) {
    candidate.kind = candidate.pci[0] != '\0' ? kind_of_pci("", candidate.pci) : CardKind::unknown;
  }
  return candidate;
}

bool DeviceScan::is_duplicate(const Candidate& candidate) const noexcept {
  // Two vendors' libraries may offer one card; a card without a working driver
  // appears as one more software renderer.
  return std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& other) {
    if (candidate.software && other.software) return true;
    return candidate.pci[0] != '\0' && std::strcmp(candidate.pci, other.pci) == 0;
  });
}

void DeviceScan::hide_by_cuda() {
  const char* visible = foreign_variable(ForeignVariable::cuda_visible_devices);
  for (auto it = candidates_.begin(); it != candidates_.end();) {
    if (visible_to_cuda(*it, visible)) {
      ++it;
      continue;
    }
    findings_.wrong_device.set("CUDA_VISIBLE_DEVICES=%.40s hides %.100s (CUDA index %d)", visible,
                               it->name, it->cuda_index);
    drop(it->source);
    it = candidates_.erase(it);
  }
}

void DeviceScan::choose() {
  uint32_t rank = 0;
  const int64_t known_rank = local_rank(&rank) ? static_cast<int64_t>(rank) : -1;
  Choice choice;
  Reason reason;
  if (choose_candidate(candidates_, environment_.options->value(Option::gl_device), known_rank,
                       &choice, &reason)) {
    publish(choice);
    return;
  }
  // Taking another GPU than the one that was named would be a silent fallback.
  findings_.wrong_device = reason;
  environment_.log->warn_once("gl-device", "%s; no OpenGL device is used", reason.text);
  for (const Candidate& candidate : candidates_) drop(candidate.source);
}

void DeviceScan::explain_default(const Choice& choice, uint32_t position,
                                 DeviceIdentity* identity) const {
  const Candidate& first = candidates_[choice.index];
  char* out = identity->reason;
  const size_t capacity = sizeof identity->reason;
  if (position != 0) {
    std::snprintf(out, capacity, "no: %.80s comes first (discrete, integrated, software)",
                  first.name);
  } else if (choice.asked) {
    std::snprintf(out, capacity, "yes: SPORKLE_GL_DEVICE=%.60s",
                  environment_.options->value(Option::gl_device));
  } else if (first.software) {
    std::snprintf(out, capacity, "no: software, used only when named");
  } else {
    std::snprintf(out, capacity, "yes: first %s GPU", card_kind_name(first.kind));
  }
}

void DeviceScan::publish(const Choice& choice) {
  // The chosen one leads; the others keep their order.
  std::pmr::vector<uint32_t> order(environment_.memory);
  order.push_back(choice.index);
  for (uint32_t i = 0; i < candidates_.size(); ++i) {
    if (i != choice.index) order.push_back(i);
  }
  for (uint32_t position = 0; position < order.size(); ++position) {
    const Candidate& candidate = candidates_[order[position]];
    DeviceIdentity identity;
    identity.index = order[position];
    identity.kind = rules_.pretend_integrated ? CardKind::integrated : candidate.kind;
    identity.cuda_index = candidate.cuda_index;
    identity.asked = choice.asked && position == 0;
    std::memcpy(identity.pci, candidate.pci, sizeof identity.pci);
    if (position == 0) {
      std::snprintf(identity.spec, sizeof identity.spec, "gl");
    } else {
      std::snprintf(identity.spec, sizeof identity.spec, "gl:%u", position);
    }
    explain_default(choice, position, &identity);
    const auto& thread = opened_[candidate.source].thread;
    list_.devices.push_back(make_shared_in<GlDevice>(environment_.memory, environment_, thread,
                                                     identity, rules_));
    // A context on every GPU of a node would cost each of its processes memory
    // there: only the default one stays open.
    const bool likely_used = position == 0 && (!candidate.software || choice.asked);
    if (!likely_used) thread->suspend();
  }
}

void DeviceScan::drop(uint32_t source) noexcept {
  opened_[source].thread->close(SPORKLE_ERROR_DEVICE_UNAVAILABLE);
}

}  // namespace sporkle::gl
