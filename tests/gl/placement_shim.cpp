#include "gl/placement_shim.h"

#include "backends/gl/placement.h"
#include "backends/gl/tuner.h"

using namespace sporkle::gl;

static ProbeRates rates_of(const shim_rates* r) {
  ProbeRates rates;
  rates.took_ns = 1;
  rates.local_read = r->local_read;
  rates.local_write = r->local_write;
  for (auto& kind : rates.mapped) {
    for (int client = 0; client < 2; ++client) {
      kind[client] = {r->cpu_write[client], r->cpu_read[client], r->gpu_read[client],
                      r->gpu_write[client], r->copy[client]};
    }
  }
  return rates;
}

const char* shim_platform(const char* vendor, const char* renderer, int integrated,
                          int software) {
  const CardKind card = integrated != 0 ? CardKind::integrated : CardKind::unknown;
  return platform_name(platform_of(vendor, renderer, card, software != 0));
}

const char* shim_form_of(const char* vendor, const char* renderer, int kind, uint64_t bytes) {
  const Placement p =
      profile_of(platform_of(vendor, renderer, CardKind::unknown, false), true);
  return memory_form_name(p.form_of(static_cast<BufferKind>(kind), bytes));
}

shim_placement shim_place(const char* vendor, const char* renderer, int integrated, int software,
                          int storage, const shim_rates* measured) {
  const CardKind card = integrated != 0 ? CardKind::integrated : CardKind::unknown;
  Placement p =
      profile_of(platform_of(vendor, renderer, card, software != 0), storage != 0);
  shim_placement out{};
  if (measured != nullptr) out.overruled = overrule(rates_of(measured), &p);
  for (uint32_t i = 0; i < mapped_kind_count; ++i) {
    out.form[i] = memory_form_name(p.kinds[i].form);
    out.client_storage[i] = p.kinds[i].map.client_storage;
  }
  out.block_bytes = p.block_bytes;
  return out;
}

void shim_trial_forms(const char* vendor, const char* renderer, int software,
                      const sporkle_conv2d_desc* desc, const char* out[2]) {
  const Placement p =
      profile_of(platform_of(vendor, renderer, CardKind::unknown, software != 0), true);
  const TrialKinds kinds = trial_kinds(p, sporkle::make_problem(*desc));
  out[0] = kinds.input == BufferKind::upload ? "mapped" : "local";
  out[1] = kinds.output == BufferKind::readback ? "mapped" : "local";
}
