// From a Program to GLSL text: expands the @for directive of shaders.h.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "backends/gl/kernels/recipe.h"
#include "backends/gl/shaders/shaders.h"
#include "sporkle.h"

namespace sporkle::gl {
namespace {

constexpr int max_nesting = 8;

const char* shader_body(Program::Shader shader) noexcept {
  switch (shader) {
    case Program::Shader::gemm: return shaders::gemm;
    case Program::Shader::igemm: return shaders::igemm;
    case Program::Shader::direct: return shaders::direct;
    case Program::Shader::spread: return shaders::spread;
    case Program::Shader::stem: return shaders::stem;
    case Program::Shader::depthwise: return shaders::depthwise;
    case Program::Shader::fourier_input:
    case Program::Shader::fourier_weights: return shaders::fourier_input;
    case Program::Shader::fourier_output: return shaders::fourier_output;
    case Program::Shader::winograd_input: return shaders::winograd_input;
    case Program::Shader::winograd_weights: return shaders::winograd_weights;
    case Program::Shader::winograd_output: return shaders::winograd_output;
    case Program::Shader::winograd_fused: return shaders::winograd_fused;
    case Program::Shader::reduce: return shaders::reduce;
  }
  return "";
}

bool is_fourier(Program::Shader shader) noexcept {
  return shader == Program::Shader::fourier_input || shader == Program::Shader::fourier_weights ||
         shader == Program::Shader::fourier_output;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

class Expander {
 public:
  Expander(std::string_view defines, std::pmr::string& sink) : defines_(defines), sink_(sink) {}

  void expand(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = take_line(text);
      if (line.starts_with("@for ")) {
        repeat(line.substr(5), take_body(text));
      } else {
        emit(line);
      }
    }
  }

 private:
  struct Variable {
    char name;
    int value;
  };

  // The lines up to the @end that belongs to an already consumed @for.
  static std::string_view take_body(std::string_view& text) {
    const char* begin = text.data();
    int depth = 1;
    while (!text.empty()) {
      const char* line_begin = text.data();
      const std::string_view line = take_line(text);
      if (line.starts_with("@for ")) ++depth;
      if (line.starts_with("@end") && --depth == 0)
        return {begin, static_cast<size_t>(line_begin - begin)};
    }
    fail(SPORKLE_ERROR_INTERNAL, "shader: @for without @end");
  }

  void repeat(std::string_view head, std::string_view body) {
    if (head.size() < 3 || depth_ == max_nesting)
      fail(SPORKLE_ERROR_INTERNAL, "shader: malformed @for");
    const int count = evaluate(head.substr(2));
    Variable& variable = variables_[depth_++];
    variable.name = head[0];
    for (variable.value = 0; variable.value < count; ++variable.value) expand(body);
    --depth_;
  }

  int evaluate(std::string_view word) const {
    int value = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc())
      return value;
    for (std::string_view rest = defines_; !rest.empty();) {
      std::string_view line = take_line(rest);
      line.remove_prefix(std::min<size_t>(line.size(), 8));  // "#define "
      if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ')
        continue;
      line.remove_prefix(word.size() + 1);
      std::from_chars(line.data(), line.data() + line.size(), value);
      return value;
    }
    fail(SPORKLE_ERROR_INTERNAL, "shader: no define %.*s", static_cast<int>(word.size()),
         word.data());
  }

  void emit(std::string_view line) {
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '$' && i + 1 < line.size()) {
        emit_value(line[++i]);
      } else {
        sink_ += line[i];
      }
    }
    sink_ += '\n';
  }

  void emit_value(char name) {
    for (int i = depth_; i-- > 0;) {
      if (variables_[i].name != name) continue;
      char digits[12];
      const auto end = std::to_chars(digits, digits + sizeof digits, variables_[i].value);
      sink_.append(digits, end.ptr);
      return;
    }
    fail(SPORKLE_ERROR_INTERNAL, "shader: unknown variable $%c", name);
  }

  std::string_view defines_;
  std::pmr::string& sink_;
  Variable variables_[max_nesting] = {};
  int depth_ = 0;
};

}  // namespace

const char* shader_name(Program::Shader shader) noexcept {
  switch (shader) {
    case Program::Shader::gemm: return "gemm";
    case Program::Shader::igemm: return "igemm";
    case Program::Shader::direct: return "direct";
    case Program::Shader::spread: return "spread";
    case Program::Shader::stem: return "stem";
    case Program::Shader::depthwise: return "depthwise";
    case Program::Shader::fourier_input: return "fourier_input";
    case Program::Shader::fourier_weights: return "fourier_weights";
    case Program::Shader::fourier_output: return "fourier_output";
    case Program::Shader::winograd_input: return "winograd_input";
    case Program::Shader::winograd_weights: return "winograd_weights";
    case Program::Shader::winograd_output: return "winograd_output";
    case Program::Shader::winograd_fused: return "winograd_fused";
    case Program::Shader::reduce: return "reduce";
  }
  return "unknown";
}

uint32_t catalogue_mark() noexcept {
  static const uint32_t mark = [] {
    // Defines, packing and dispatches are the library's.
    uint32_t hash = 2166136261u ^ SPORKLE_VERSION;
    const auto add = [&](const char* text) {
      do hash = (hash ^ static_cast<unsigned char>(*text)) * 16777619u;
      while (*text++ != '\0');
    };
    for (const Variant& variant : variants()) add(variant.name);
    add(shaders::common);
    add(shaders::fourier_common);
    for (int i = 0; i <= static_cast<int>(Program::Shader::fourier_output); ++i) {
      add(shader_body(static_cast<Program::Shader>(i)));
    }
    return hash;
  }();
  return mark;
}

void append_source(const Program& program, std::pmr::string& sink) {
  sink += "#version 430\n";
  sink += program.defines;
  sink += shaders::common;
  if (is_fourier(program.shader)) sink += shaders::fourier_common;
  Expander(program.defines, sink).expand(shader_body(program.shader));
}

}  // namespace sporkle::gl
