// Settings: where they come from and what they are. The one place that reads
// the environment.
#pragma once

#include <cstdint>

#include "base/log.h"

namespace sporkle {

enum class Option : uint32_t {
#define SPORKLE_OPTION(id, name, fallback, text) id,
#include "base/options.def"
#undef SPORKLE_OPTION
  count
};

constexpr uint32_t option_count = static_cast<uint32_t>(Option::count);
static_assert(option_count <= 15, "the number of variables is limited by design");

enum class OptionOrigin : uint32_t { fallback = 0, environment = 1, argument = 2 };

class Options {
 public:
  Options();  // every option from the environment or its default

  // An explicit argument of the context descriptor. Throws Error when it does
  // not fit.
  void set_argument(Option option, const char* value);

  // What the library made of the setting, for reports: origin stays.
  void set_effective(Option option, const char* value) noexcept;

  const char* value(Option option) const noexcept { return entry(option).value; }
  OptionOrigin origin(Option option) const noexcept { return entry(option).origin; }
  bool is_off(Option option) const noexcept;
  // Throws Error naming the variable when the value is neither on nor off.
  bool is_on(Option option) const;
  // What to blame for the value: the field of the descriptor that gave it, or
  // the variable.
  const char* source(Option option, const char* field) const noexcept {
    return origin(option) == OptionOrigin::argument ? field : name(option);
  }
  // Throws Error naming the variable when the value is not a number.
  uint64_t number(Option option) const;

  static const char* name(Option option) noexcept;
  static const char* description(Option option) noexcept;
  static const char* origin_name(OptionOrigin origin) noexcept;

 private:
  struct Entry {
    char value[224] = {};
    OptionOrigin origin = OptionOrigin::fallback;
  };
  const Entry& entry(Option option) const noexcept {
    return entries_[static_cast<uint32_t>(option)];
  }
  Entry entries_[option_count];
};

// "0", "off" and "no" mean off.
bool text_is_off(const char* text) noexcept;

// Warns about SPORKLE_* variables that the library does not know, once each,
// with the nearest name it knows.
void warn_unknown_variables(Log& log) noexcept;

// Variables of other programs that decide which GPU a process may use.
enum class ForeignVariable : uint32_t {
  cuda_visible_devices,
  cuda_device_order,
  nvidia_visible_devices,
  nvidia_driver_capabilities,
  egl_vendor_filenames,
  egl_vendor_dirs
};

// The value, or null when it is not set.
const char* foreign_variable(ForeignVariable variable) noexcept;
const char* foreign_variable_name(ForeignVariable variable) noexcept;

// Rank of this process on its node as the MPI launcher tells it; false when no
// launcher's variable is set.
bool local_rank(uint32_t* out) noexcept;

// $XDG_CACHE_HOME/sporkle or $HOME/.cache/sporkle; empty when neither is set.
void default_cache_directory(char* out, uint64_t capacity) noexcept;

}  // namespace sporkle
