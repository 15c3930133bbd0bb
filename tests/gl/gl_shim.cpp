#include "gl/gl_shim.h"

#include <cstdio>
#include <cstring>
#include <vector>

#include "backends/gl/diagnosis.h"
#include "backends/gl/hazards.h"
#include "backends/gl/selection.h"

using namespace sporkle;
using namespace sporkle::gl;

namespace {

Candidate to_candidate(const shim_candidate& from, uint32_t source) {
  Candidate c;
  c.source = source;
  c.software = from.software != 0;
  c.nvidia = from.nvidia != 0;
  c.kind = static_cast<CardKind>(from.kind);
  c.cuda_index = from.cuda_index;
  std::snprintf(c.name, sizeof c.name, "%s", from.name);
  std::snprintf(c.pci, sizeof c.pci, "%s", from.pci == nullptr ? "" : from.pci);
  std::snprintf(c.uuid, sizeof c.uuid, "%s", from.uuid == nullptr ? "" : from.uuid);
  return c;
}

std::vector<Candidate> to_candidates(const shim_candidate* from, uint32_t count) {
  std::vector<Candidate> all;
  for (uint32_t i = 0; i < count; ++i) all.push_back(to_candidate(from[i], i));
  return all;
}

// What the fake system answers; one patient at a time.
bool fake_may_open = true;
bool fake_in_group = true;

bool fake_load(const char* path, Reason* error) {
  if (std::strstr(path, "missing") == nullptr) return true;
  error->set("%.100s: cannot open shared object file", path);
  return false;
}
bool fake_open(const char*) { return fake_may_open; }
bool fake_group(uint32_t) { return fake_in_group; }

Surroundings surroundings_of(const shim_patient& p) {
  Surroundings where;
  where.root = p.root;
  where.nvidia_capabilities = p.nvidia_capabilities;
  where.nvidia_visible_devices = p.nvidia_visible_devices;
  where.cuda_visible_devices = p.cuda_visible_devices;
  where.vendor_filenames = p.vendor_filenames;
  where.load_library = &fake_load;
  where.may_open = &fake_open;
  where.in_group = &fake_group;
  where.usable_cpus = p.usable_cpus;
  where.online_cpus = p.online_cpus;
  std::snprintf(where.user, sizeof where.user, "%s", p.user == nullptr ? "" : p.user);
  fake_may_open = p.may_open != 0;
  fake_in_group = p.in_group != 0;
  return where;
}

Findings findings_of(const shim_patient& p) {
  Findings f;
  f.library_loaded = p.library_loaded != 0;
  if (p.library_error != nullptr) f.library_error.set("%s", p.library_error);
  f.hardware_devices = p.hardware;
  f.software_devices = p.software;
  f.opened_nvidia = p.opened_nvidia != 0;
  f.slowest_open_ns = p.slowest_open_ns;
  f.program_cache = p.program_cache != 0;
  if (p.wrong_device != nullptr) f.wrong_device.set("%s", p.wrong_device);
  return f;
}

}  // namespace

void shim_order(const shim_candidate* candidates, uint32_t count, uint32_t* out_order) {
  auto all = to_candidates(candidates, count);
  order_candidates(all);
  for (uint32_t i = 0; i < count; ++i) out_order[i] = all[i].source;
}

int shim_choose(const shim_candidate* candidates, uint32_t count, const char* wish, int64_t rank,
                int* out_asked, char* reason) {
  const auto all = to_candidates(candidates, count);
  sporkle::gl::Choice choice;
  Reason text;
  const bool found = choose_candidate(all, wish, rank, &choice, &text);
  std::snprintf(reason, sizeof text.text, "%s", text.text);
  *out_asked = choice.asked;
  return found ? static_cast<int>(choice.index) : -1;
}

int shim_visible_to_cuda(const shim_candidate* candidate, const char* visible) {
  return visible_to_cuda(to_candidate(*candidate, 0), visible);
}

int shim_kind_of_pci(const char* root, const char* pci) {
  return static_cast<int>(kind_of_pci(root, pci));
}

int shim_pci_of_uuid(const char* root, const char* uuid, char* out) {
  return pci_of_nvidia_uuid(root, uuid, out);
}

struct shim_hazards {
  HazardTracker tracker;
};

shim_hazards* shim_hazards_create(void) { return new shim_hazards; }
void shim_hazards_destroy(shim_hazards* hazards) { delete hazards; }

void shim_hazards_all_ended(shim_hazards* hazards) { hazards->tracker.all_ended(); }

uint32_t shim_hazards_mark(const shim_hazards* hazards) { return hazards->tracker.mark(); }

void shim_hazards_ordered(shim_hazards* hazards, uint32_t mark) { hazards->tracker.ordered(mark); }

int shim_hazards_add(shim_hazards* hazards, uint32_t buffer, uint64_t begin, uint64_t end,
                     int write) {
  const Access access{buffer, begin, end, write != 0};
  const bool needed = hazards->tracker.needs_barrier(&access, 1);
  if (needed) hazards->tracker.barrier_done();
  hazards->tracker.add(&access, 1);
  return needed;
}

uint32_t shim_diagnose(const shim_patient* patient, shim_finding* out, uint32_t capacity) {
  DeviceList list(std::pmr::get_default_resource());
  diagnose(surroundings_of(*patient), findings_of(*patient), &list);
  uint32_t count = 0;
  for (const Unavailable& found : list.unavailable) {
    if (count < capacity) {
      std::memcpy(out[count].id, found.id, sizeof out->id);
      std::memcpy(out[count].reason, found.reason, sizeof out->reason);
      std::memcpy(out[count].cure, found.cure, sizeof out->cure);
    }
    ++count;
  }
  return count;
}
