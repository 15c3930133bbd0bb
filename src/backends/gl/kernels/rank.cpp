// The order in which variants are tried: a cost model of a GPU with `units` cores.
// Constants were fitted to the measurements in docs/gl_kernels.md; only the order
// of the predictions matters. Software drivers have an order of their own.
#include <algorithm>

#include "backends/gl/kernels/cost.h"

namespace sporkle::gl {
namespace {

// One kernel for every batch size: the least product of the times of a small, a middle and
// a large one.
double cost_of(const Variant& variant, ConvProblem problem, const Limits& limits, bool any_batch) {
  if (!any_batch) return predicted_us(variant, problem, limits);
  double product = 1;
  for (const int64_t images : {1, 8, 64}) {
    problem.n = images;
    product *= predicted_us(variant, problem, limits);
  }
  return product;
}

void sort_by_cost(std::pmr::vector<const Variant*>& list, const ConvProblem& problem,
                  const Limits& limits, bool any_batch) {
  // Names break ties, so that the order is the same everywhere.
  std::pmr::vector<double> costs(variants().size(), list.get_allocator());
  const Variant* first = variants().data();
  for (const Variant* v : list) costs[v - first] = cost_of(*v, problem, limits, any_batch);
  std::sort(list.begin(), list.end(), [&](const Variant* a, const Variant* b) {
    const double cost_a = costs[a - first], cost_b = costs[b - first];
    return cost_a != cost_b ? cost_a < cost_b : a < b;
  });
}

}  // namespace

std::pmr::vector<const Variant*> rank(const ConvProblem& problem, const Limits& limits,
                                      std::pmr::memory_resource* memory, Reason* reason,
                                      bool any_batch) {
  std::pmr::vector<const Variant*> list(memory);
  for (const Variant& variant : variants())
    if (accepts(variant, problem, limits, nullptr)) list.push_back(&variant);
  if (list.empty()) {
    accepts(*find_variant("direct_1x1"), problem, limits, reason);
    return list;
  }
  sort_by_cost(list, problem, limits, any_batch);
  return list;
}

}  // namespace sporkle::gl
