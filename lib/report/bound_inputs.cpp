#include "report/bound_inputs.h"

#include <algorithm>

#include "container/tensors.h"
#include "report/evidence_json.h"

namespace bertjit {

void print_values(const std::vector<DescribedValue>& values, std::ostream& out) {
  size_t width = 0;
  for (const auto& value : values) {
    width = std::max(width, value.name.size());
  }
  for (const auto& value : values) {
    out << "  " << value.name << std::string(width - value.name.size(), ' ') << "  " << value.dtype << " "
        << value.value.value_or(shape_text(value.shape)) << (value.remark.empty() ? "" : "  ") << value.remark << "\n";
  }
}

void print_inputs(const std::vector<BoundInput>& inputs, std::ostream& out) {
  std::vector<DescribedValue> values;
  for (const auto& input : inputs) {
    values.push_back({input.name, input.dtype, input.shape, input.source, input.value});
  }
  print_values(values, out);
}

nlohmann::ordered_json inputs_to_json(const std::vector<BoundInput>& inputs) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const auto& input : inputs) {
    nlohmann::ordered_json row{
        {"name", json_text(input.name)}, {"dtype", input.dtype}, {"shape", input.shape}, {"source", input.source}};
    if (input.value) {
      row["shape"] = nullptr;
      row["value"] = json_text(*input.value);
    }
    json.push_back(std::move(row));
  }
  return json;
}

}  // namespace bertjit
