// How inputs were bound to the arguments of forward, as text and as JSON; `trace` and `run` say it alike.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "infer/bound_input.h"

namespace bertjit {

/// One line a value: "  input_ids  int64 [1, 14]  given", in columns. The remark may be empty.
struct DescribedValue {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::string remark;
};
void print_values(const std::vector<DescribedValue>& values, std::ostream& out);

void print_inputs(const std::vector<BoundInput>& inputs, std::ostream& out);

/// [{"name", "dtype", "shape", "source"}]
nlohmann::ordered_json inputs_to_json(const std::vector<BoundInput>& inputs);

}  // namespace bertjit
