// How inputs were bound to the arguments of forward, as text and as JSON; `trace` and `run` say it alike.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "infer/bound_input.h"

namespace bertjit {

/// One line a value: "  input_ids  int64 [1, 14]  given", or "  scale  float 0.5  default" of what is no tensor, in
/// columns. The remark may be empty.
struct DescribedValue {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::string remark;
  std::optional<std::string> value = std::nullopt;  ///< of what is no tensor
};
void print_values(const std::vector<DescribedValue>& values, std::ostream& out);

void print_inputs(const std::vector<BoundInput>& inputs, std::ostream& out);

/// [{"name", "dtype", "shape", "source"}]; of what is no tensor shape is null, and "value" its text.
nlohmann::ordered_json inputs_to_json(const std::vector<BoundInput>& inputs);

}  // namespace bertjit
