#include "backends/gl/device_placement.h"

#include <cinttypes>
#include <cstdio>
#include <new>

#include "backends/gl/engine.h"
#include "backends/gl/submission_thread.h"
#include "core/cache_store.h"

namespace sporkle::gl {

namespace {

constexpr BufferKind mapped_kinds[] = {BufferKind::upload, BufferKind::readback,
                                       BufferKind::shared};

// Three digits where there would be none: softpipe reaches megabytes per second. What was not
// measured is 0.
struct RateText {
  explicit RateText(double gigabytes) noexcept {
    if (gigabytes <= 0) std::snprintf(text, sizeof text, "-");
    else std::snprintf(text, sizeof text, gigabytes < 1 ? "%.3g" : "%.1f", gigabytes);
  }
  char text[24];
};

bool same(const KindChoice& a, const KindChoice& b) noexcept {
  return a.form == b.form && a.map.client_storage == b.map.client_storage;
}

}  // namespace

DevicePlacement::DevicePlacement(const DeviceEnvironment& environment,
                                 std::shared_ptr<SubmissionThread> thread, const Facts& facts,
                                 CardKind card, const OpenRules& rules)
    : environment_(environment), thread_(std::move(thread)), facts_(facts), rules_(rules) {
  const Platform platform = platform_of(facts.vendor, facts.name, card, facts.software);
  placement_ = profile_of(platform, facts.buffer_storage);
  // Debug mode compares what the CPU wrote with what it flushed.
  if (environment.debug) placement_.of(BufferKind::upload).map.read = true;
  for (const BufferKind kind : mapped_kinds) {
    // Tests reach the forms that the driver at hand does not need by rules.
    if (rules.windowed && facts.buffer_storage) {
      placement_.of(kind).form = MemoryForm::window;
      placement_.direct_bytes[static_cast<uint32_t>(kind)] = 0;
    }
    thread_->set_map_choice(kind, placement_.of(kind).map);
  }
}

void DevicePlacement::choose(const ProbeRates& again, bool confirmed) noexcept {
  Placement first = placement_, second = placement_;
  overrule(rates_, &first);
  // One disturbed measurement must not decide.
  if (!confirmed) overrule(again, &second);
  for (const BufferKind kind : mapped_kinds) {
    const bool changed = !same(first.of(kind), placement_.of(kind)) &&
                         (confirmed || same(first.of(kind), second.of(kind)));
    overruled_[static_cast<uint32_t>(kind)] = changed;
    if (changed) placement_.of(kind) = first.of(kind);
  }
}

void DevicePlacement::settle() {
  CacheStore* store = environment_.cache;
  cached_ = store != nullptr && load_rates(*store, environment_.memory, facts_, &rates_);
  ProbeRates again;
  if (!cached_ && facts_.buffer_storage && !rules_.without_probe) {
    thread_->call([this, &again](Engine& engine) {
      rates_ = probe_rates(engine.context(), rules_);
      Placement trial = placement_;
      if (overrule(rates_, &trial)) again = probe_rates(engine.context(), rules_);
    });
    if (store != nullptr) save_rates(*store, facts_, rates_);
  }
  if (rates_.took_ns == 0 || rules_.windowed || rules_.without_probe) return;
  choose(again, cached_);
  for (const BufferKind kind : mapped_kinds) {
    const MapChoice map = placement_.of(kind).map;
    thread_->call([kind, map](Engine& engine) { engine.set_map_choice(kind, map); });
  }
}

double DevicePlacement::cpu_write_rate() const noexcept {
  constexpr double unmeasured = 8.0;
  const KindChoice& choice = placement_.of(BufferKind::upload);
  const auto kind = static_cast<uint32_t>(BufferKind::upload);
  const double rate = rates_.mapped[kind][choice.map.client_storage ? 1 : 0].cpu_write;
  return rate > 0 ? rate : unmeasured;
}

const Placement& DevicePlacement::settled() {
  if (settled_.load(std::memory_order_acquire)) return placement_;
  const std::lock_guard lock(mutex_);
  if (!settled_.load(std::memory_order_relaxed)) {
    settle();
    settled_.store(true, std::memory_order_release);
  }
  return placement_;
}

void DevicePlacement::describe_kind(BufferKind kind, sporkle_property* out) const noexcept {
  const KindChoice& choice = placement_.of(kind);
  std::snprintf(out->key, sizeof out->key, "placement_%s", buffer_kind_name(kind));
  const bool overruled = overruled_[static_cast<uint32_t>(kind)];
  const double cost = cost_of(rates_, kind, choice);
  char text[64] = "";
  if (cost > 0) std::snprintf(text, sizeof text, ", %.2f ns per byte expected", cost);
  const uint64_t direct = placement_.direct_bytes[static_cast<uint32_t>(kind)];
  char small[48] = "";
  if (choice.form == MemoryForm::window && direct != 0) {
    std::snprintf(small, sizeof small, ", mapped up to %" PRIu64 " KiB", direct >> 10);
  }
  std::snprintf(out->value, sizeof out->value, "%s%s (%s%s)%s", memory_form_name(choice.form),
                choice.map.client_storage ? " in client storage" : "",
                overruled ? "measured" : "profile", text, small);
}

void DevicePlacement::describe_rates(BufferKind kind, sporkle_property* out) const noexcept {
  std::snprintf(out->key, sizeof out->key, "probe_%s", buffer_kind_name(kind));
  if (rates_.took_ns == 0) {
    std::snprintf(out->value, sizeof out->value, "not measured");
    return;
  }
  const MapRates* rows = rates_.mapped[static_cast<uint32_t>(kind)];
  const auto put = [out](size_t used, const char* label, const MapRates& m) {
    int wrote = std::snprintf(out->value + used, sizeof out->value - used, "%scopy %s", label,
                              RateText(m.copy).text);
    const auto add = [&](const char* what, double gigabytes) {
      const size_t at = used + static_cast<size_t>(wrote > 0 ? wrote : 0);
      if (gigabytes <= 0 || at >= sizeof out->value) return;
      wrote += std::snprintf(out->value + at, sizeof out->value - at, ", %s %s", what,
                             RateText(gigabytes).text);
    };
    add("CPU write", m.cpu_write);
    add("CPU read", m.cpu_read);
    add("GPU read", m.gpu_read);
    add("GPU write", m.gpu_write);
    return used + static_cast<size_t>(wrote > 0 ? wrote : 0);
  };
  const size_t used = put(0, "", rows[0]);
  if (used < sizeof out->value) put(used, "; client storage: ", rows[1]);
}

void DevicePlacement::describe(uint32_t index, sporkle_property* out) noexcept {
  bool known = true;
  try {
    settled();
  } catch (const Error&) {
    known = false;
  } catch (const std::bad_alloc&) {
    known = false;
  }
  *out = SPORKLE_PROPERTY_INIT;
  if (index == 0) {
    std::snprintf(out->key, sizeof out->key, "platform");
    std::snprintf(out->value, sizeof out->value, "%s", platform_name(placement_.platform));
  } else if (index <= mapped_kind_count) {
    describe_kind(mapped_kinds[index - 1], out);
  } else if (index == 4) {
    std::snprintf(out->key, sizeof out->key, "probe");
    if (!known || rates_.took_ns == 0) {
      std::snprintf(out->value, sizeof out->value, "not measured");
    } else {
      std::snprintf(out->value, sizeof out->value, "GB/s over %llu KiB, %.1f ms%s",
                    static_cast<unsigned long long>(rates_.bytes >> 10),
                    static_cast<double>(rates_.took_ns) * 1e-6, cached_ ? ", cached" : "");
    }
  } else if (index == 5) {
    std::snprintf(out->key, sizeof out->key, "probe_local");
    if (rates_.took_ns == 0) {
      std::snprintf(out->value, sizeof out->value, "not measured");
      return;
    }
    std::snprintf(out->value, sizeof out->value, "GPU read %s write %s",
                  RateText(rates_.local_read).text, RateText(rates_.local_write).text);
  } else {
    describe_rates(mapped_kinds[index - 6], out);
  }
}

}  // namespace sporkle::gl
