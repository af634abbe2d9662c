#include "module/copy.h"

#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

namespace jit = torch::jit;

jit::Module copy_module(const jit::Module& module) {
  jit::Module copy = module.clone();
  std::vector<jit::Module> originals;
  for (const auto& part : module.modules()) {
    originals.push_back(part);
  }
  std::unordered_map<const c10::Type*, c10::TypePtr> copied;
  size_t index = 0;
  for (const auto& part : copy.modules()) {
    copied.emplace(originals.at(index++).type().get(), part.type());
  }
  const auto own_type = [&](const c10::TypePtr& type) {
    const auto it = copied.find(type.get());
    return it == copied.end() ? type : it->second;
  };
  for (const auto& part : copy.modules()) {
    for (const auto& method : part.get_methods()) {
      method.graph()->remapTypes(own_type);
      method.function().setSchema(method.function().getSchema().cloneWithRemappedTypes(own_type));
    }
  }
  return copy;
}

}  // namespace bertjit
