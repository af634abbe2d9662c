#include "verify/baked_values.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_set>

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "compare/describe.h"
#include "recognise/called_code.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr int64_t kToTheEnd = std::numeric_limits<int64_t>::max();

bool is_any(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// Whether a tensor can be data of an example: ids, or what is added to scores or multiplied with them to hide some.
/// Weights are neither.
bool can_be_data(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() < 2 || !tensor.device().is_cpu() || tensor.is_quantized()) {
    return false;
  }
  if (!tensor.is_floating_point()) {
    return true;
  }
  return tensor.eq(0).logical_or(tensor.eq(1)).logical_or(tensor.le(-1e4)).all().item<bool>();
}

class Walk {
 public:
  explicit Walk(const torch::jit::Module& module) : module_(module) {}

  BakedValues run() {
    try {
      visit_called_code(module_, [this](const CodeNode& node, const std::string& path, const CodePaths& paths) {
        look_at(node, path, paths);
      });
    } catch (const Error& error) {
      found_.why_not = error.what();
    }
    return std::move(found_);
  }

 private:
  /// Constants where they are used: compilers put them first in a graph.
  void look_at(const CodeNode& node, const std::string& path, const CodePaths& paths) {
    for (const CodeValue* input : node.inputs()) {
      if (input->node()->kind() == c10::prim::Constant && seen_.insert(input).second) {
        look_at_constant(*input->node(), path);
      }
    }
    if (node.kind() == c10::prim::GetAttr) {
      const auto full = paths.find(node.output());
      if (full != paths.end() && node.output()->type()->isSubtypeOf(*c10::TensorType::get())) {
        add_data(attribute(full->second), *node.output(), path);
      }
    } else {
      look_at_sizes(node, path);
    }
  }

  void look_at_constant(const CodeNode& node, const std::string& path) {
    const auto value = torch::jit::toIValue(node.output());
    if (!value) {
      return;
    }
    if (value->isTensor()) {
      add_data(value->toTensor(), *node.output(), path);
    } else if (value->isDevice() && !value->toDevice().is_cpu()) {
      found_.values.push_back(
          {BakedValue::Kind::kDevice, path, user_of(*node.output()) + " on " + value->toDevice().str(), {}, {}});
    }
  }

  /// The tensor at a dotted path; undefined if there is none.
  at::Tensor attribute(const std::string& path) const {
    c10::IValue value = module_._ivalue();
    for (size_t begin = 0; begin <= path.size();) {
      const size_t end = std::min(path.find('.', begin), path.size());
      const std::string name = path.substr(begin, end - begin);
      if (!value.isObject() || !value.toObjectRef().type()->findAttributeSlot(name)) {
        return {};
      }
      value = value.toObjectRef().getAttr(name);
      begin = end + 1;
    }
    return value.isTensor() ? value.toTensor() : at::Tensor();
  }

  static std::string user_of(const CodeValue& value) {
    return value.hasUses() ? std::string(operator_name(*value.uses()[0].user)) : "nothing";
  }

  void add_data(const at::Tensor& tensor, const CodeValue& value, const std::string& path) {
    if (!value.hasUses() || !can_be_data(tensor)) {
      return;
    }
    BakedValue found{BakedValue::Kind::kData,
                     path,
                     dtype_text(tensor) + " " + shape_text(tensor) + " for " + user_of(value),
                     {},
                     {}};
    if (tensor.dim() > 1) {
      found.batches.push_back(tensor.size(0));
    }
    found.lengths.push_back(tensor.size(-1));
    if (tensor.dim() > 2) {
      found.lengths.push_back(tensor.size(-2));
    }
    found_.values.push_back(std::move(found));
  }

  static std::optional<int64_t> constant_int(const CodeValue* value) {
    const auto constant = torch::jit::toIValue(value);
    return constant && constant->isInt() ? std::optional(constant->toInt()) : std::nullopt;
  }

  /// The numbers of a list; -1 for those that are computed. Empty if it is no list whose numbers can be seen.
  static std::vector<int64_t> numbers_of(const CodeValue* value) {
    if (const auto constant = torch::jit::toIValue(value); constant && constant->isIntList()) {
      return constant->toIntVector();
    }
    std::vector<int64_t> numbers;
    if (value->node()->kind() == c10::prim::ListConstruct) {
      for (const CodeValue* element : value->node()->inputs()) {
        numbers.push_back(constant_int(element).value_or(-1));
      }
    }
    return numbers;
  }

  static std::string list_text(const std::vector<int64_t>& numbers) {
    std::string text;
    for (const int64_t number : numbers) {
      text += (text.empty() ? "" : ", ") + (number < 0 ? std::string("_") : std::to_string(number));
    }
    return "[" + text + "]";
  }

  void add_size(const std::string& path, std::string text, std::vector<int64_t> batches, std::vector<int64_t> lengths) {
    std::erase_if(batches, [](int64_t size) { return size < 1; });
    std::erase_if(lengths, [](int64_t size) { return size < 1; });
    if (!batches.empty() || !lengths.empty()) {
      found_.values.push_back({BakedValue::Kind::kSize, path, std::move(text), std::move(batches), std::move(lengths)});
    }
  }

  void look_at_sizes(const CodeNode& node, const std::string& path) {
    const std::string_view name = operator_name(node);
    const auto inputs = node.inputs();
    if (is_any(name, {"view", "reshape", "expand", "repeat", "unflatten", "as_strided", "resize", "new_zeros",
                      "new_ones", "new_full", "broadcast_to", "tile"}) ||
        is_any(name, {"zeros", "ones", "full", "empty"})) {
      const size_t at = is_any(name, {"zeros", "ones", "full", "empty"}) ? 0 : name == "unflatten" ? 2 : 1;
      const auto numbers = at < inputs.size() ? numbers_of(inputs[at]) : std::vector<int64_t>();
      if (!numbers.empty()) {
        const std::vector<int64_t> first(numbers.begin(), numbers.begin() + (name == "unflatten" ? 0 : 1));
        add_size(path, std::string(name) + " to " + list_text(numbers), first, numbers);
      }
      return;
    }
    const auto at = [&](size_t index) { return index < inputs.size() ? constant_int(inputs[index]).value_or(-1) : -1; };
    if (name == "arange") {
      for (const size_t index : {size_t{0}, size_t{1}}) {
        add_size(path, "arange to " + std::to_string(at(index)), {}, {at(index)});
      }
    } else if (name == "slice" && at(3) != kToTheEnd) {
      add_size(path, "slice to " + std::to_string(at(3)), {at(3)}, {at(3)});
    } else if (name == "narrow") {
      add_size(path, "narrow to " + std::to_string(at(3)), {at(3)}, {at(3)});
    }
  }

  const torch::jit::Module& module_;
  BakedValues found_;
  std::unordered_set<const CodeValue*> seen_;  ///< constants
};

}  // namespace

BakedValues find_baked_values(const torch::jit::Module& module) {
  return Walk(module).run();
}

}  // namespace bertjit
