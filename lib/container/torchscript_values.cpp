#include "container/torchscript_values.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "container/bytes.h"
#include "container/torchscript_tensors.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr std::string_view kTypeTag = "torch.jit._pickle.restore_type_tag";
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxDepth = 200;

/// Typed lists of numbers and tensors have a function of their own each.
const std::map<std::string_view, const char*> kListTypes{
    {"torch.jit._pickle.build_intlist", "List[int]"},
    {"torch.jit._pickle.build_doublelist", "List[float]"},
    {"torch.jit._pickle.build_boollist", "List[bool]"},
    {"torch.jit._pickle.build_tensorlist", "List[Tensor]"},
};

std::string number_text(double number) {
  if (std::isnan(number)) {
    return "nan";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

/// What the values that an object or a list holds need to know of it.
struct Place {
  std::string name;
  size_t depth = 0;
  ScriptRole role = ScriptRole::kAttribute;
};

class ValueReader {
 public:
  ValueReader(const ScriptClasses& classes, const char* folder, ScriptArchive& file, std::vector<ScriptNode>& nodes)
      : classes_(classes), tensor_reader_(file, folder), file_(file), nodes_(nodes) {}

  void read(const PickleNode* value, const Place& place, std::string type = "") {
    if (nodes_.size() == kMaxNodes || place.depth > kMaxDepth) {
      fail(place.name, "is one value more than the million, or lies deeper than the 200 levels, that bertjit reads",
           ErrorKind::kUnsupported);
    }
    if (read_scalar(value, place)) {
      return;
    }
    if (!open_.insert(value).second) {
      fail(place.name, "holds itself", ErrorKind::kUnsupported);
    }
    if (const auto* list = PickleNode::as<PickleList>(value)) {
      read_items(list->items, add(place, ScriptKind::kList, std::move(type)), place);
    } else if (const auto* tuple = PickleNode::as<PickleTuple>(value)) {
      read_items(tuple->items, add(place, ScriptKind::kTuple, std::move(type)), place);
    } else if (const auto* dict = PickleNode::as<PickleDict>(value)) {
      read_dict(*dict, add(place, ScriptKind::kDict, std::move(type)), place);
    } else if (const auto* object = PickleNode::as<PickleObject>(value)) {
      read_object(*object, value, place);
    } else if (const auto* call = PickleNode::as<PickleCall>(value)) {
      read_call(*call, place);
    } else {
      fail(place.name, "is of a kind that TorchScript does not write", ErrorKind::kCorrupt);
    }
    open_.erase(value);
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what, ErrorKind kind) const {
    throw Error(kind, file_.archive->path().string() + ": value " + in_quotes(name) + " " + what);
  }

  /// The reference is good until the next node is added.
  size_t add(const Place& place, ScriptKind kind, std::string text) {
    ScriptNode node{.name = place.name, .depth = place.depth, .kind = kind, .text = std::move(text)};
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  bool read_scalar(const PickleNode* value, const Place& place) {
    if (PickleNode::as<std::monostate>(value) != nullptr) {
      add(place, ScriptKind::kNone, "None");
    } else if (const auto* truth = PickleNode::as<bool>(value)) {
      add(place, ScriptKind::kBool, *truth ? "True" : "False");
    } else if (const auto* integer = PickleNode::as<int64_t>(value)) {
      add(place, ScriptKind::kInt, std::to_string(*integer));
    } else if (const auto* number = PickleNode::as<double>(value)) {
      nodes_[add(place, ScriptKind::kFloat, number_text(*number))].number[0] = *number;
    } else if (const auto* text = PickleNode::as<std::string>(value)) {
      add(place, ScriptKind::kString, *text);
    } else {
      return false;
    }
    return true;
  }

  static Place inside(const Place& place, const std::string& name) {
    return {place.name.empty() ? name : place.name + "." + name, place.depth + 1, place.role};
  }

  void read_items(const std::vector<const PickleNode*>& items, size_t node, const Place& place) {
    nodes_[node].count = items.size();
    for (size_t i = 0; i < items.size(); ++i) {
      read(items[i], inside(place, std::to_string(i)));
    }
  }

  void read_dict(const PickleDict& dict, size_t node, const Place& place) {
    nodes_[node].count = 2 * dict.items.size();
    for (const auto& [key, value] : dict.items) {
      const size_t key_node = nodes_.size();
      read(key, inside(place, ""));
      const Place entry = inside(place, nodes_[key_node].text);
      nodes_[key_node].name = entry.name;
      read(value, entry);
    }
  }

  void read_object(const PickleObject& object, const PickleNode* identity, const Place& place) {
    const size_t node = add(place, ScriptKind::kObject, object.type->name);
    nodes_[node].same_as = objects_.try_emplace(identity, node).first->second;
    const auto found = classes_.find(object.type->name);
    const ScriptClass* type = found == classes_.end() ? nullptr : &found->second;
    nodes_[node].is_module = type != nullptr && type->is_module;
    const auto* attributes = PickleNode::as<PickleDict>(object.state);
    if (attributes == nullptr) {
      read_own_state(object.state, node, place);
      return;
    }
    nodes_[node].count = attributes->items.size();
    for (const auto& [key, value] : attributes->items) {
      const auto* name = PickleNode::as<std::string>(key);
      if (name == nullptr) {
        fail(place.name, "has an attribute whose name is not text", ErrorKind::kCorrupt);
      }
      Place attribute = inside(place, *name);
      if (nodes_[node].is_module && place.role != ScriptRole::kPacked) {
        attribute.role = type->parameters.contains(*name) ? ScriptRole::kParameter
                         : type->buffers.contains(*name)  ? ScriptRole::kBuffer
                                                          : ScriptRole::kAttribute;
      }
      read(value, attribute);
    }
  }

  void read_own_state(const PickleNode* state, size_t node, const Place& place) {
    if (state == nullptr) {
      return;
    }
    nodes_[node].has_own_state = true;
    nodes_[node].count = 1;
    const ScriptRole role = place.role == ScriptRole::kConstant ? place.role : ScriptRole::kPacked;
    read(state, {place.name, place.depth + 1, role});
  }

  void read_call(const PickleCall& call, const Place& place) {
    const std::string_view function = call.callable->name;
    const auto& arguments = call.arguments->items;
    const auto argument = [&](size_t i) { return i < arguments.size() ? arguments[i] : nullptr; };
    const auto list_type = kListTypes.find(function);
    if (is_tensor_call(call)) {
      ScriptTensor tensor = tensor_reader_.read(place.name, call);
      tensor.role = place.role;
      nodes_[add(place, ScriptKind::kTensor, "")].tensor = file_.tensors.size();
      file_.tensors.push_back(std::move(tensor));
    } else if (function == kTypeTag && PickleNode::as<std::string>(argument(1)) != nullptr) {
      read(argument(0), place, *PickleNode::as<std::string>(argument(1)));
    } else if (list_type != kListTypes.end() && PickleNode::as<PickleList>(argument(0)) != nullptr) {
      read(argument(0), place, list_type->second);
    } else if (function == "torch.device" && PickleNode::as<std::string>(argument(0)) != nullptr) {
      add(place, ScriptKind::kDevice, *PickleNode::as<std::string>(argument(0)));
    } else if (function == "builtins.complex" && PickleNode::as<double>(argument(0)) != nullptr &&
               PickleNode::as<double>(argument(1)) != nullptr) {
      read_complex(*PickleNode::as<double>(argument(0)), *PickleNode::as<double>(argument(1)), place);
    } else if (function.starts_with("__torch__.") && arguments.size() == 1 && is_enum_value(argument(0))) {
      const size_t node = add(place, ScriptKind::kObject, call.callable->name);
      nodes_[node].same_as = node;
      read_own_state(argument(0), node, place);
    } else {
      fail(place.name, "is made by " + in_quotes(function) + ", which bertjit does not read", ErrorKind::kUnsupported);
    }
  }

  static bool is_enum_value(const PickleNode* value) {
    return PickleNode::as<int64_t>(value) != nullptr || PickleNode::as<double>(value) != nullptr ||
           PickleNode::as<std::string>(value) != nullptr;
  }

  void read_complex(double real, double imaginary, const Place& place) {
    const size_t node = add(place, ScriptKind::kComplex, "(" + number_text(real) + ", " + number_text(imaginary) + ")");
    nodes_[node].number = {real, imaginary};
  }

  const ScriptClasses& classes_;
  ScriptTensorReader tensor_reader_;
  ScriptArchive& file_;
  std::vector<ScriptNode>& nodes_;
  std::set<const PickleNode*> open_;  ///< those that the value being read lies in
  std::map<const PickleNode*, size_t> objects_;
};

}  // namespace

void read_module_values(const Pickle& pickle, const ScriptClasses& classes, ScriptArchive& file) {
  if (PickleNode::as<PickleObject>(pickle.root) == nullptr) {
    throw Error(ErrorKind::kCorrupt, file.archive->path().string() + ": data.pkl holds no module");
  }
  ValueReader(classes, "data/", file, file.nodes).read(pickle.root, {});
}

void read_constant_values(const Pickle& pickle, const ScriptClasses& classes, ScriptArchive& file) {
  const auto* tuple = PickleNode::as<PickleTuple>(pickle.root);
  if (tuple == nullptr) {
    throw Error(ErrorKind::kCorrupt, file.archive->path().string() + ": constants.pkl holds no tuple");
  }
  ValueReader reader(classes, "constants/", file, file.constants);
  for (size_t i = 0; i < tuple->items.size(); ++i) {
    reader.read(tuple->items[i], {"CONSTANTS.c" + std::to_string(i), 0, ScriptRole::kConstant});
  }
}

}  // namespace bertjit
