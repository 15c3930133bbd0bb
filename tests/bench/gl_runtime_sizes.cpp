#include "gl_runtime_sizes.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

namespace {

using sporkle::gl::Program;

constexpr GLint size_location = 8;

constexpr std::string_view size_names[] = {
    "IN_C",     "IN_H",      "IN_W",       "PLANE_IN",   "IMAGE_IN",   "OUT_C",      "OUT_H",
    "PLANE_OUT", "IMAGE_OUT", "STRIDE_H",   "STRIDE_W",   "PAD_TOP",    "PAD_LEFT",   "DILATION_H",
    "DILATION_W", "KERNEL_H", "KERNEL_W",   "PLANE4",     "IMAGE_IN4",  "IMAGE_OUT4", "BLOCKS",
    "BLOCKS_C", "SLABS",     "GROUP_K",    "TILES",      "TILES_Y",    "TILES_X",    "OUT_W"};

bool stays_constant(Program::Shader shader, std::string_view name) {
  // Their text is written out for one kernel and stride: nothing would be left to share.
  if (shader == Program::Shader::stem || shader == Program::Shader::depthwise) return true;
  // Decides how rows are stored, and whether planes are whole vectors.
  return (name == "OUT_W" && shader == Program::Shader::winograd_output) ||
         (name == "PLANE_OUT" && shader == Program::Shader::reduce);
}

}  // namespace

RuntimeSizes make_runtime_sizes(Program* program) {
  RuntimeSizes sizes;
  std::pmr::string text(program->defines.get_allocator());
  std::string_view rest = program->defines;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    constexpr size_t name_at = 8;  // "#define "
    const size_t space = line.find(' ', name_at);
    const std::string_view name = line.substr(name_at, space - name_at);
    if (std::find(std::begin(size_names), std::end(size_names), name) == std::end(size_names) ||
        stays_constant(program->shader, name)) {
      (text += line) += '\n';
      continue;
    }
    text += "#define " + std::string(name) + " run_time[" + std::to_string(sizes.size()) + "]\n";
    sizes.push_back(std::atoi(std::string(line.substr(space + 1)).c_str()));
  }
  if (sizes.empty()) return sizes;
  text += "layout(location = " + std::to_string(size_location) + ") uniform int run_time[" +
          std::to_string(sizes.size()) + "];\n";
  program->defines = text;
  return sizes;
}

void set_runtime_sizes(const GladGLContext& gl, GLuint program, const RuntimeSizes& sizes) {
  if (program == 0 || sizes.empty()) return;
  gl.UseProgram(program);
  // Not all of them are used: each that is has its own location.
  for (size_t i = 0; i < sizes.size(); ++i) {
    gl.Uniform1i(size_location + static_cast<GLint>(i), sizes[i]);
  }
}

}  // namespace bench
