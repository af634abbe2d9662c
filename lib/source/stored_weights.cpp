#include "source/stored_weights.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "compare/describe.h"
#include "support/file_status.h"

namespace bertjit {

namespace {

class WeightCount {
 public:
  void add(const c10::IValue& value) {
    if (value.isTensor() && value.toTensor().defined()) {
      add(value.toTensor());
    } else if (value.isObject()) {
      const auto name = value.toObjectRef().type()->name();
      holds_packed_ = holds_packed_ || (name && name->qualifiedName().find(".classes.quantized.") != std::string::npos);
    }
  }

  void add_constants(const torch::jit::Block& block) {
    for (const torch::jit::Node* node : block.nodes()) {
      if (node->kind() == c10::prim::Constant) {
        if (const auto value = torch::jit::toIValue(node->output())) {
          add(*value);
        }
      }
      for (const torch::jit::Block* inner : node->blocks()) {
        add_constants(*inner);
      }
    }
  }

  StoredWeights result() const {
    StoredWeights weights;
    for (const auto& [dtype, bytes] : bytes_) {
      weights.size_bytes += bytes;
    }
    const auto most = std::ranges::max_element(bytes_, {}, [](const auto& entry) { return entry.second; });
    weights.dtype = holds_packed_ ? "int8" : most == bytes_.end() ? "" : most->first;
    return weights;
  }

 private:
  void add(const at::Tensor& tensor) {
    if (!tensor.device().is_cpu() || !storages_.insert(tensor.storage().data()).second) {
      return;
    }
    bytes_[tensor.is_quantized() ? "int8" : dtype_text(tensor)] += tensor.nbytes();
  }

  std::set<const void*> storages_;
  std::map<std::string, uint64_t> bytes_;
  bool holds_packed_ = false;
};

}  // namespace

StoredWeights describe_weights(const torch::jit::Module& module) {
  WeightCount count;
  for (const torch::jit::Module& one : module.modules()) {
    for (const auto& attribute : one.named_attributes(/*recurse=*/false)) {
      count.add(attribute.value);
    }
  }
  if (const auto forward = module.find_method("forward")) {
    count.add_constants(*forward->graph()->block());
  }
  return count.result();
}

StoredWeights describe_weights(const Source& source) {
  const auto tree = source.compiled     ? std::optional(source.compiled->module)
                    : source.checkpoint ? std::optional(source.checkpoint->model->module())
                                        : source.program->module();
  StoredWeights weights = tree ? describe_weights(*tree) : StoredWeights{};
  if (source.compiled && source.compiled->claims && !source.compiled->claims->dtype.empty()) {
    weights.dtype = source.compiled->claims->dtype;
  }
  if (!source.checkpoint && path_is_file(source.name)) {
    weights.size_bytes = std::filesystem::file_size(source.name);
  }
  return weights;
}

}  // namespace bertjit
