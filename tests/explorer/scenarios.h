// Which programs the threads of the model run.
#pragma once

#include <functional>

#include "explorer/explorer.h"
#include "explorer/model.h"

namespace explorer {

// Calls take(scenario) for each scenario of a family (EXPLORER_*) until it
// returns false.
void each_scenario(int family, const std::function<bool(const Scenario&)>& take);

Scenario random_scenario(const std::function<uint64_t()>& random);

// Fills violation and trace of the report.
void describe_violation(const Scenario& scenario, const Step* steps, size_t count,
                        explorer_report* report);

}  // namespace explorer
