#include "inspect/members.h"

#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <tuple>

#include <c10/core/ScalarType.h>

#include "inspect/packed.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

constexpr size_t kMaxLiteralLength = 60;

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

/// Calls `visit(slot, name, value)` for every attribute of one module, in the file's order.
template <typename Visitor>
void for_each_slot(const jit::Module& module, const Visitor& visit) {
  const auto type = module.type();
  for (size_t slot = 0; slot < type->numAttributes(); ++slot) {
    visit(slot, type->getAttributeName(slot), module._ivalue()->getSlot(slot));
  }
}

bool is_submodule(const jit::Module& module, size_t slot) {
  return module.type()->getAttribute(slot)->is_module();
}

DescribedTensor::Kind member_kind(const jit::Module& module, size_t slot) {
  return module.type()->is_parameter(slot) ? DescribedTensor::Kind::kParameter
         : module.type()->is_buffer(slot)  ? DescribedTensor::Kind::kBuffer
                                           : DescribedTensor::Kind::kAttribute;
}

/// Tensors in lists, tuples and dicts, named by their place: "tables.0".
void collect_elements(const c10::IValue& value, const std::string& name, std::vector<NamedMember>& members) {
  if (value.isTensor() && value.toTensor().defined()) {
    members.push_back({name, DescribedTensor::Kind::kAttribute, value.toTensor()});
  } else if (value.isList() || value.isTuple()) {
    const auto elements =
        value.isList() ? value.toListRef() : c10::ArrayRef<c10::IValue>(value.toTupleRef().elements());
    for (size_t i = 0; i < elements.size(); ++i) {
      collect_elements(elements[i], joined(name, std::to_string(i)), members);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const std::string key = entry.key().isString() ? entry.key().toStringRef() : short_literal(entry.key());
      collect_elements(entry.value(), joined(name, key), members);
    }
  }
}

/// The module's own tensors: parameters, then buffers, then attributes, then packed ones.
std::vector<NamedMember> own_members(const jit::Module& module, const std::string& prefix, Members which) {
  std::vector<NamedMember> members;
  for (const auto kind :
       {DescribedTensor::Kind::kParameter, DescribedTensor::Kind::kBuffer, DescribedTensor::Kind::kAttribute}) {
    if (kind == DescribedTensor::Kind::kAttribute && which == Members::kWeights) {
      break;
    }
    for_each_slot(module, [&](size_t slot, const std::string& name, const c10::IValue& value) {
      if (value.isTensor() && value.toTensor().defined() && member_kind(module, slot) == kind) {
        members.push_back({joined(prefix, name), kind, value.toTensor()});
      }
    });
  }
  for_each_slot(module, [&](size_t, const std::string& name, const c10::IValue& value) {
    if (which == Members::kStored && !value.isTensor()) {
      collect_elements(value, joined(prefix, name), members);
    } else if (which != Members::kStored) {
      for (auto& [part, tensor] : unpack_weights(value)) {
        members.push_back({joined(joined(prefix, name), part), DescribedTensor::Kind::kPacked, std::move(tensor)});
      }
    }
  });
  return members;
}

void collect_members(const jit::Module& module, const std::string& prefix, Members which,
                     std::vector<NamedMember>& members) {
  const auto own = own_members(module, prefix, which);
  members.insert(members.end(), own.begin(), own.end());
  for_each_slot(module, [&](size_t slot, const std::string& name, const c10::IValue& value) {
    if (is_submodule(module, slot)) {
      collect_members(value.toModule(), joined(prefix, name), which, members);
    }
  });
}

/// The fewest digits that read back to the same number; repr() writes 17, and "2." for 2.0.
std::string shortest(double value) {
  char text[32];
  const std::string digits(text, std::to_chars(text, text + sizeof text, value).ptr);
  return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
}

/// `training` has a field of its own; the other is a leftover of Python's hooks, in every module.
bool is_bookkeeping(const std::string& name) {
  return name == "training" || name == "_is_full_backward_hook";
}

std::vector<DescribedAttribute> own_attributes(const jit::Module& module) {
  std::vector<DescribedAttribute> attributes;
  for_each_slot(module, [&](size_t slot, const std::string& name, const c10::IValue& value) {
    const bool is_tensor = value.isTensor() && value.toTensor().defined();
    if (!is_tensor && !is_submodule(module, slot) && !is_bookkeeping(name)) {
      attributes.push_back({name, module.type()->getAttribute(slot)->annotation_str(), short_literal(value)});
    }
  });
  for (size_t i = 0; i < module.type()->numConstants(); ++i) {
    const c10::IValue value = module.type()->getConstant(i);
    attributes.push_back(
        {module.type()->getConstantName(i), "Final[" + value.type()->annotation_str() + "]", short_literal(value)});
  }
  return attributes;
}

DescribedModule describe_module(const jit::Module& module, const std::string& name, const std::string& path,
                                SeenStorages& seen) {
  DescribedModule described;
  described.name = name;
  described.path = path;
  described.class_name = module.type()->name()->name();
  described.qualified_name = module.type()->name()->qualifiedName();
  if (module.hasattr("training") && module.attr("training").isBool()) {
    described.training = module.attr("training").toBool();
  }
  for (const auto& method : module.get_methods()) {
    described.methods.push_back(method.name());
  }
  for (const auto& member : own_members(module, path, Members::kAll)) {
    described.tensors.push_back(describe_member(member, seen));
  }
  described.attributes = own_attributes(module);
  const StateSize size = state_size(module);
  described.parameter_count = size.parameter_count;
  described.size_bytes = size.size_bytes;
  for_each_slot(module, [&](size_t slot, const std::string& child, const c10::IValue& value) {
    if (is_submodule(module, slot)) {
      described.children.push_back(describe_module(value.toModule(), child, joined(path, child), seen));
    }
  });
  return described;
}

}  // namespace

std::vector<NamedMember> named_members(const jit::Module& module, Members which) {
  std::vector<NamedMember> members;
  collect_members(module, "", which, members);
  return members;
}

std::string SeenStorages::earlier_name(const at::Tensor& tensor, const std::string& name) {
  if (!tensor.has_storage() || tensor.storage().nbytes() == 0) {
    return "";
  }
  const auto [it, is_new] = names_.emplace(tensor.storage().unsafeGetStorageImpl(), name);
  return is_new ? "" : it->second;
}

uint64_t tensor_bytes(const at::Tensor& tensor) {
  return static_cast<uint64_t>(tensor.numel()) * tensor.element_size();
}

std::string scalar_type_name(const at::Tensor& tensor) {
  return std::string(c10::getDtypeNames(tensor.scalar_type()).first);
}

DescribedTensor describe_member(const NamedMember& member, SeenStorages& seen) {
  return {member.name, member.kind, scalar_type_name(member.tensor), member.tensor.sizes().vec(),
          member.tensor.requires_grad(), tensor_bytes(member.tensor),
          // What was unpacked has a storage of its own only now, at an address that another may have had.
          member.kind == DescribedTensor::Kind::kPacked ? "" : seen.earlier_name(member.tensor, member.name),
          scale_text(member.tensor)};
}

std::vector<DescribedTensor> describe_state(const jit::Module& module) {
  SeenStorages seen;
  std::vector<DescribedTensor> described;
  for (const auto& member : named_members(module, Members::kWeights)) {
    described.push_back(describe_member(member, seen));
  }
  return described;
}

DescribedModule describe_tree(const jit::Module& module) {
  SeenStorages seen;
  return describe_module(module, "", "", seen);
}

StateSize state_size(const jit::Module& module) {
  StateSize size;
  std::set<std::tuple<const void*, int64_t, std::vector<int64_t>>> counted;
  for (const auto& member : named_members(module, Members::kWeights)) {
    const at::Tensor& tensor = member.tensor;
    const bool is_new =
        !tensor.has_storage() || tensor.numel() == 0 ||
        counted.emplace(tensor.storage().unsafeGetStorageImpl(), tensor.storage_offset(), tensor.sizes().vec()).second;
    if (is_new) {
      size.parameter_count += member.kind == DescribedTensor::Kind::kBuffer ? 0 : tensor.numel();
      size.size_bytes += tensor_bytes(tensor);
    }
  }
  return size;
}

std::string short_literal(const c10::IValue& value) {
  std::ostringstream text;
  try {
    value.repr(text, [](std::ostream& out, const c10::IValue& inner) {
      if (inner.isTensor() || inner.isObject() || inner.isCapsule() || inner.isEnum()) {
        // repr() has no words for these; what holds one has no literal.
        throw std::invalid_argument("no literal");
      }
      if (inner.isDouble() && std::isfinite(inner.toDouble())) {
        out << shortest(inner.toDouble());
        return true;
      }
      return false;
    });
  } catch (const std::exception&) {
    return "";
  }
  return text.str().size() <= kMaxLiteralLength ? text.str() : "";
}

}  // namespace bertjit
