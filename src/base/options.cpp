// The one file of the library that reads the environment.
#include "base/options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"

namespace sporkle {

namespace {

struct OptionText {
  const char* name;
  const char* fallback;
  const char* description;
};

constexpr OptionText option_texts[] = {
#define SPORKLE_OPTION(id, name, fallback, text) {name, fallback, text},
#include "base/options.def"
#undef SPORKLE_OPTION
};

const OptionText& text_of(Option option) { return option_texts[static_cast<uint32_t>(option)]; }

// Variables that start with SPORKLE_ and belong to other parts of the project.
constexpr const char* foreign_variables[] = {"SPORKLE_FORTRAN_VERBOSE", "SPORKLE_LIB_DIR",
                                             "SPORKLE_STATIC"};

constexpr int longest_name = 64;

// Edits between two short texts (Levenshtein), with one row of storage.
int edit_distance(const char* a, const char* b) noexcept {
  int row[longest_name + 1];
  const int width = std::min<int>(static_cast<int>(std::strlen(b)), longest_name);
  for (int j = 0; j <= width; ++j) row[j] = j;
  for (int i = 1; a[i - 1] != '\0'; ++i) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= width; ++j) {
      const int substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[width];
}

bool is_known(const char* name) noexcept {
  for (const OptionText& text : option_texts) {
    if (std::strcmp(text.name, name) == 0) return true;
  }
  for (const char* foreign : foreign_variables) {
    if (std::strcmp(foreign, name) == 0) return true;
  }
  return false;
}

const char* nearest_name(const char* name) noexcept {
  const char* best = option_texts[0].name;
  for (const OptionText& text : option_texts) {
    if (edit_distance(name, text.name) < edit_distance(name, best)) best = text.name;
  }
  return best;
}

}  // namespace

Options::Options() {
  for (uint32_t i = 0; i < option_count; ++i) {
    const OptionText& text = option_texts[i];
    const char* value = secure_getenv(text.name);
    const bool set = value != nullptr && value[0] != '\0';
    // Half of a path is another path.
    if (set && std::strlen(value) >= sizeof entries_[i].value) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: longer than %zu characters", text.name,
           sizeof entries_[i].value - 1);
    }
    std::snprintf(entries_[i].value, sizeof entries_[i].value, "%s", set ? value : text.fallback);
    if (set) entries_[i].origin = OptionOrigin::environment;
  }
}

void Options::set_argument(Option option, const char* value) {
  Entry& entry = entries_[static_cast<uint32_t>(option)];
  if (std::strlen(value) >= sizeof entry.value) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: longer than %zu characters", name(option),
         sizeof entry.value - 1);
  }
  std::snprintf(entry.value, sizeof entry.value, "%s", value);
  entry.origin = OptionOrigin::argument;
}

void Options::set_effective(Option option, const char* value) noexcept {
  Entry& entry = entries_[static_cast<uint32_t>(option)];
  std::snprintf(entry.value, sizeof entry.value, "%s", value);
}

bool Options::is_off(Option option) const noexcept { return text_is_off(value(option)); }

bool Options::is_on(Option option) const {
  const char* text = value(option);
  if (text_is_off(text)) return false;
  if (std::strcmp(text, "1") == 0 || strcasecmp(text, "on") == 0 || strcasecmp(text, "yes") == 0) {
    return true;
  }
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: \"%.40s\" is neither on nor off", name(option), text);
}

uint64_t Options::number(Option option) const {
  const char* text = value(option);
  char* end = nullptr;
  errno = 0;
  const unsigned long long parsed = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || text[0] == '-') {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: \"%.40s\" is not a number", name(option), text);
  }
  return parsed;
}

const char* Options::name(Option option) noexcept { return text_of(option).name; }

const char* Options::description(Option option) noexcept { return text_of(option).description; }

const char* Options::origin_name(OptionOrigin origin) noexcept {
  switch (origin) {
    case OptionOrigin::argument: return "argument";
    case OptionOrigin::environment: return "environment";
    case OptionOrigin::fallback: break;
  }
  return "default";
}

bool text_is_off(const char* text) noexcept {
  return std::strcmp(text, "0") == 0 || strcasecmp(text, "off") == 0 ||
         strcasecmp(text, "no") == 0;
}

void warn_unknown_variables(Log& log) noexcept {
  if (environ == nullptr) return;
  for (char** item = environ; *item != nullptr; ++item) {
    if (std::strncmp(*item, "SPORKLE_", 8) != 0) continue;
    char name[longest_name];
    const size_t length = std::min(std::strcspn(*item, "="), sizeof name - 1);
    std::memcpy(name, *item, length);
    name[length] = '\0';
    if (is_known(name)) continue;
    log.warn_once(name, "%s is not a variable of libsporkle; did you mean %s?", name,
                  nearest_name(name));
  }
}

const char* foreign_variable_name(ForeignVariable variable) noexcept {
  static constexpr const char* names[] = {
      "CUDA_VISIBLE_DEVICES",       "CUDA_DEVICE_ORDER",           "NVIDIA_VISIBLE_DEVICES",
      "NVIDIA_DRIVER_CAPABILITIES", "__EGL_VENDOR_LIBRARY_FILENAMES", "__EGL_VENDOR_LIBRARY_DIRS"};
  return names[static_cast<uint32_t>(variable)];
}

const char* foreign_variable(ForeignVariable variable) noexcept {
  return secure_getenv(foreign_variable_name(variable));
}

bool local_rank(uint32_t* out) noexcept {
  // Open MPI, MPICH and Intel MPI, Slurm, PMI, MVAPICH, PALS.
  static constexpr const char* names[] = {
      "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID", "PMI_LOCAL_RANK",
      "MV2_COMM_WORLD_LOCAL_RANK",  "PALS_LOCAL_RANKID"};
  for (const char* name : names) {
    const char* text = secure_getenv(name);
    if (text == nullptr || text[0] < '0' || text[0] > '9') continue;
    *out = static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
    return true;
  }
  return false;
}

void default_cache_directory(char* out, uint64_t capacity) noexcept {
  out[0] = '\0';
  const char* xdg = secure_getenv("XDG_CACHE_HOME");
  const char* home = secure_getenv("HOME");
  int length = 0;
  // The XDG base directory specification ignores relative paths.
  if (xdg != nullptr && xdg[0] == '/') {
    length = std::snprintf(out, capacity, "%s/sporkle", xdg);
  } else if (home != nullptr && home[0] == '/') {
    length = std::snprintf(out, capacity, "%s/.cache/sporkle", home);
  }
  if (length < 0 || static_cast<uint64_t>(length) >= capacity) out[0] = '\0';
}

}  // namespace sporkle
