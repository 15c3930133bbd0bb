// The programs of a recipe, as long as they are looked at; on the submission thread.
#pragma once

#include "backends/gl/engine.h"

namespace sporkle::gl {

struct TrialPrograms {
  TrialPrograms(Engine& engine, const Recipe& recipe, std::pmr::memory_resource* memory)
      : entries(memory), names(memory) {
    std::pmr::string source(memory);
    for (const Program& program : recipe.programs) {
      source.clear();
      append_source(program, source);
      entries.push_back(engine.acquire_program(source, shader_name(program.shader)));
      names.push_back(entries.back()->name);
    }
  }
  TrialPrograms(const TrialPrograms&) = delete;
  TrialPrograms& operator=(const TrialPrograms&) = delete;
  ~TrialPrograms() {
    for (ProgramEntry* entry : entries) entry->users.fetch_sub(1, std::memory_order_release);
  }

  std::pmr::vector<ProgramEntry*> entries;
  std::pmr::vector<GLuint> names;
};

}  // namespace sporkle::gl
