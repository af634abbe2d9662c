#include "report/run_report.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "report/bound_inputs.h"
#include "report/evidence_json.h"
#include "report/source_report.h"
#include "report/tensor_text.h"

namespace bertjit {

namespace {

PrintedValue printed(const OutputValue& value) {
  switch (value.kind) {
    case OutputValue::Kind::kTensor:
      return {PrintedTensor{value.tensor.dtype, value.tensor.shape, value.tensor.bytes, value.grad_fn,
                            value.requires_grad}};
    case OutputValue::Kind::kText:
      return {value.text};
    case OutputValue::Kind::kNamedTuple:
    case OutputValue::Kind::kDict: {
      PrintedDict dict;
      for (size_t i = 0; i < value.items.size(); ++i) {
        dict.items.emplace_back(value.keys[i], printed(value.items[i]));
      }
      if (value.kind == OutputValue::Kind::kNamedTuple) {
        return {PrintedNamedTuple{value.type, std::move(dict.items)}};
      }
      return {dict};
    }
    default: {
      std::vector<PrintedValue> items;
      for (const auto& item : value.items) {
        items.push_back(printed(item));
      }
      if (value.kind == OutputValue::Kind::kTuple) {
        return {PrintedTuple{std::move(items)}};
      }
      return {PrintedList{std::move(items)}};
    }
  }
}

/// What holds no other outputs, in order.
void collect(const OutputValue& value, std::vector<const OutputValue*>& leaves) {
  if (value.kind == OutputValue::Kind::kTensor || value.kind == OutputValue::Kind::kText) {
    leaves.push_back(&value);
  }
  for (const auto& item : value.items) {
    collect(item, leaves);
  }
}

template <typename T>
void append_values(const Array& array, nlohmann::ordered_json& values) {
  for (size_t offset = 0; offset < array.bytes.size(); offset += sizeof(T)) {
    T value;
    std::memcpy(&value, array.bytes.data() + offset, sizeof(T));
    if constexpr (std::is_floating_point_v<T>) {
      values.push_back(json_number(value));
    } else {
      values.push_back(value);
    }
  }
}

/// All elements, row-major; null for dtypes that JSON numbers do not spell (float16, bfloat16: use --output).
nlohmann::ordered_json values_of(const Array& array) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  switch (array.dtype) {
    case DType::kFloat32:
      append_values<float>(array, values);
      break;
    case DType::kFloat64:
      append_values<double>(array, values);
      break;
    case DType::kInt64:
      append_values<int64_t>(array, values);
      break;
    case DType::kInt32:
      append_values<int32_t>(array, values);
      break;
    case DType::kInt16:
      append_values<int16_t>(array, values);
      break;
    case DType::kInt8:
      append_values<int8_t>(array, values);
      break;
    case DType::kUInt8:
      append_values<uint8_t>(array, values);
      break;
    case DType::kBool:
      append_values<bool>(array, values);
      break;
    default:
      return nullptr;
  }
  return values;
}

nlohmann::ordered_json output_to_json(const OutputValue& value) {
  if (value.kind == OutputValue::Kind::kText) {
    return {{"name", json_text(value.name)},
            {"dtype", json_text(value.type)},
            {"shape", nullptr},
            {"grad_fn", nullptr},
            {"values", nullptr},
            {"value", json_text(value.text)}};
  }
  return {{"name", json_text(value.tensor.name)},
          {"dtype", dtype_name(value.tensor.dtype)},
          {"shape", value.tensor.shape},
          {"grad_fn", value.grad_fn.empty() ? nlohmann::ordered_json(nullptr) : json_text(value.grad_fn)},
          {"values", values_of(value.tensor)}};
}

/// One list of ids and one text a row.
nlohmann::ordered_json generated_to_json(const Generated& generated) {
  const nlohmann::ordered_json values = values_of(generated.ids);
  const auto length = static_cast<size_t>(generated.ids.shape.at(1));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (int64_t row = 0; row < generated.ids.shape.at(0); ++row) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(row) * length);
    rows.push_back(nlohmann::ordered_json::array_t(begin, begin + static_cast<std::ptrdiff_t>(length)));
  }
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const auto& text : generated.texts) {
    texts.push_back(json_text(text));
  }
  return {{"ids", std::move(rows)},
          {"text", generated.texts.empty() ? nlohmann::ordered_json(nullptr) : std::move(texts)}};
}

}  // namespace

void print_text(const RunResult& result, std::ostream& out) {
  out << value_text(printed(result.output)) << "\n";
  if (result.generated) {
    const Array& ids = result.generated->ids;
    out << tensor_text({ids.dtype, ids.shape, ids.bytes}) << "\n";
    for (const auto& text : result.generated->texts) {
      out << text << "\n";
    }
  }
}

void print_binding(const RunResult& result, std::ostream& out) {
  out << "inputs from " << result.example << "\n";
  print_inputs(result.inputs, out);
  if (!result.output_file.empty()) {
    out << "wrote " << result.output_file << "\n";
  }
}

nlohmann::ordered_json to_json(const RunResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = "bertjit.run/1";
  json["model"] = json_text(result.model);
  json["kind"] = result.kind;
  json["checkpoint"] = result.choice ? choice_to_json(*result.choice) : nlohmann::ordered_json(nullptr);
  json["executor"] =
      result.executor.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.executor);
  json["grad"] = result.grad;
  json["example"] = json_text(result.example);
  json["inputs"] = inputs_to_json(result.inputs);
  json["outputs"] = nlohmann::ordered_json::array();
  std::vector<const OutputValue*> leaves;
  collect(result.output, leaves);
  for (const OutputValue* leaf : leaves) {
    json["outputs"].push_back(output_to_json(*leaf));
  }
  json["generated"] = result.generated ? generated_to_json(*result.generated) : nlohmann::ordered_json(nullptr);
  json["output"] = result.output_file.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.output_file);
  return json;
}

}  // namespace bertjit
