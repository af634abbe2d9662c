#include "infer/signature.h"

#include <algorithm>
#include <sstream>

#include "checkpoint/weights.h"
#include "support/error.h"

namespace bertjit {

namespace {

std::string known_names(const Signature& signature) {
  std::string text;
  for (const auto& input : signature.inputs) {
    text += (text.empty() ? "" : ", ") + input.name;
  }
  return text;
}

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

[[noreturn]] void refuse(const Batch& batch, const std::string& message) {
  throw Error(ErrorKind::kInvalidArgument, batch.origin + ": " + message);
}

/// Position of the first element outside [0, limit), as "[0, 3]".
std::string index_text(int64_t flat, at::IntArrayRef sizes) {
  std::string text;
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
    text = std::to_string(flat % *size) + (text.empty() ? "" : ", ") + text;
    flat /= *size;
  }
  return "[" + text + "]";
}

void check_range(const Batch& batch, const Signature& signature, const ModelInput& input, const at::Tensor& tensor) {
  if (input.limit == 0 || tensor.numel() == 0) {
    return;
  }
  if (!at::isIntegralType(tensor.scalar_type(), /*includeBool=*/false)) {
    refuse(batch, input.name + " is " + std::string(at::toString(tensor.scalar_type())) + ", expected int64 or int32");
  }
  const at::Tensor flat = tensor.flatten();
  const at::Tensor outside = at::logical_or(flat.lt(0), flat.ge(input.limit)).nonzero();
  if (outside.numel() > 0) {
    const int64_t position = outside[0].item<int64_t>();
    refuse(batch, input.name + " holds " + std::to_string(flat[position].item<int64_t>()) + " at " +
                      index_text(position, tensor.sizes()) + "; " + signature.owner + " takes 0 to " +
                      std::to_string(input.limit - 1));
  }
}

at::Tensor made(InputDefault kind, const at::Tensor& like) {
  const auto options = at::TensorOptions(at::kLong);
  return kind == InputDefault::kOnes ? at::ones(like.sizes(), options) : at::zeros(like.sizes(), options);
}

}  // namespace

BoundBatch bind_batch(const Batch& batch, const Signature& signature) {
  BoundBatch bound{batch.origin, std::vector<at::Tensor>(signature.inputs.size()),
                   std::vector<std::string>(signature.inputs.size())};
  size_t next = 0;
  for (const auto& [name, tensor] : batch.tensors) {
    size_t slot = next;
    if (!name.empty()) {
      const auto it = std::find_if(signature.inputs.begin(), signature.inputs.end(),
                                   [&, &wanted = name](const ModelInput& input) { return input.name == wanted; });
      if (it == signature.inputs.end()) {
        refuse(batch, "no argument is named '" + name + "'; " + signature.owner + " takes " + known_names(signature));
      }
      slot = static_cast<size_t>(it - signature.inputs.begin());
    } else if (slot >= signature.inputs.size()) {
      refuse(batch, "holds more inputs than " + signature.owner + " takes (" + known_names(signature) + ")");
    }
    if (bound.tensors[slot].defined()) {
      refuse(batch, signature.inputs[slot].name + " is given twice");
    }
    bound.tensors[slot] = tensor;
    bound.sources[slot] = name.empty() ? "given, in order" : "given";
    next = slot + 1;
  }

  const at::Tensor* first = nullptr;
  for (const auto& tensor : bound.tensors) {
    first = first == nullptr && tensor.defined() ? &tensor : first;
  }
  if (first == nullptr && !signature.inputs.empty()) {
    refuse(batch, "holds no inputs; " + signature.owner + " takes " + known_names(signature));
  }
  const at::Tensor like = first == nullptr ? at::Tensor() : *first;
  for (size_t i = 0; i < bound.tensors.size(); ++i) {
    const ModelInput& input = signature.inputs[i];
    if (!bound.tensors[i].defined()) {
      if (input.missing == InputDefault::kRequired) {
        refuse(batch, input.name + " is missing; " + signature.owner + " takes " + known_names(signature));
      }
      bound.tensors[i] = made(input.missing, like);
      bound.sources[i] = input.missing == InputDefault::kOnes ? "made of ones" : "made of zeros";
    }
    check_range(batch, signature, input, bound.tensors[i]);
  }
  if (signature.max_positions > 0) {
    for (size_t i = 0; i < bound.tensors.size(); ++i) {
      const at::Tensor& tensor = bound.tensors[i];
      const std::string& name = signature.inputs[i].name;
      if (tensor.dim() != 2 || tensor.numel() == 0) {
        refuse(batch, name + " is " + shape_text(tensor) + ", expected [batch, length] with at least one token");
      }
      if (tensor.size(1) > signature.max_positions) {
        refuse(batch, name + " is " + shape_text(tensor) + ": longer than max_position_embeddings " +
                          std::to_string(signature.max_positions) + " of " + signature.owner);
      }
      if (tensor.sizes() != like.sizes()) {
        refuse(batch, name + " is " + shape_text(tensor) + ", " + signature.inputs[0].name + " is " + shape_text(like));
      }
    }
  }
  return bound;
}

std::vector<BoundInput> describe_inputs(const BoundBatch& batch, const Signature& signature) {
  std::vector<BoundInput> inputs;
  for (size_t i = 0; i < batch.tensors.size(); ++i) {
    const at::Tensor& tensor = batch.tensors[i];
    inputs.push_back({signature.inputs[i].name, dtype_name(container_dtype(tensor.scalar_type())), tensor.sizes().vec(),
                      batch.sources[i]});
  }
  return inputs;
}

}  // namespace bertjit
