// The order in which variants are tried: a cost model of a GPU with `units` cores.
// Constants were fitted to the measurements in docs/gl_kernels.md; only the order
// of the predictions matters. Software drivers have an order of their own.
#include <algorithm>

#include "backends/gl/kernels/cost.h"

namespace sporkle::gl {
namespace {

void sort_by_cost(std::pmr::vector<const Variant*>& list, const ConvProblem& problem,
                  const Limits& limits) {
  // Names break ties, so that the order is the same everywhere.
  std::pmr::vector<double> costs(variants().size(), list.get_allocator());
  const Variant* first = variants().data();
  for (const Variant* v : list) costs[v - first] = predicted_us(*v, problem, limits);
  std::sort(list.begin(), list.end(), [&](const Variant* a, const Variant* b) {
    const double cost_a = costs[a - first], cost_b = costs[b - first];
    return cost_a != cost_b ? cost_a < cost_b : a < b;
  });
}

}  // namespace

std::pmr::vector<const Variant*> rank(const ConvProblem& problem, const Limits& limits,
                                      std::pmr::memory_resource* memory, Reason* reason) {
  std::pmr::vector<const Variant*> list(memory);
  for (const Variant& variant : variants())
    if (accepts(variant, problem, limits, nullptr)) list.push_back(&variant);
  if (list.empty()) {
    accepts(*find_variant("direct_1x1"), problem, limits, reason);
    return list;
  }
  sort_by_cost(list, problem, limits);
  return list;
}

}  // namespace sporkle::gl
