#include "gl/looks_shim.h"

#include "backends/gl/look_schedule.h"

using namespace sporkle::gl;

int shim_spins(uint64_t begin, uint64_t predicted, uint64_t now) {
  return LookSchedule::spins(begin, {predicted, 0}, now);
}

int shim_stays_awake(uint64_t begin, uint64_t predicted, uint64_t now, int after_idle) {
  return LookSchedule::stays_awake(begin, {predicted, 0}, now, after_idle != 0);
}

uint64_t shim_next_look(uint64_t begin, uint64_t predicted, uint64_t deviation, uint64_t now) {
  return LookSchedule::next(begin, {predicted, deviation}, now);
}
