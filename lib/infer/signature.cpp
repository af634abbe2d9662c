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

constexpr const char* kMask = "attention_mask";
constexpr const char* kSegments = "token_type_ids";

bool takes(const Signature& signature, const std::string& name) {
  return std::ranges::find(signature.inputs, name, &ModelInput::name) != signature.inputs.end();
}

/// "  what binds where: input 1 -> input_ids, input 2 -> ?"
std::string binding_text(const Batch& batch, const Signature& signature, size_t position) {
  std::string text = "\n  what binds where: ";
  size_t next = 0;
  for (size_t i = 0; i < position; ++i) {
    const std::string& name = batch.tensors[i].name;
    const auto it = std::ranges::find(signature.inputs, name, &ModelInput::name);
    next = name.empty() ? next : static_cast<size_t>(it - signature.inputs.begin());
    text += "input " + std::to_string(i + 1) + " -> " + signature.inputs[next++].name + ", ";
  }
  return text + "input " + std::to_string(position + 1) + " -> ?";
}

/// Refuses to guess between attention_mask and token_type_ids, which have one shape and one dtype.
///
/// The Hugging Face TorchScript guide traces with (tokens, segments); the second argument of BertModel is the mask, so
/// the first sentence was masked out, silently. A nameless input may be one of the two only if the other is named, or
/// if the model has no segments and every row begins with a token that is not masked, as no row of segments does.
void check_nameless(const Batch& batch, const Signature& signature, size_t position, size_t slot) {
  const std::string& name = signature.inputs[slot].name;
  if (name != kMask && name != kSegments) {
    return;
  }
  const std::string other = name == kMask ? kSegments : kMask;
  const std::string number = "input " + std::to_string(position + 1);
  const std::string ways = "\n  name it: " + std::string(kMask) + "=SPEC or " + kSegments +
                           "=SPEC for --input, entries of these names for --inputs";
  if (takes(signature, other)) {
    if (std::ranges::find(batch.tensors, other, &NamedTensor::name) == batch.tensors.end()) {
      refuse(batch, number + " has no name and could be " + kMask + " or " + kSegments + ": " + signature.owner +
                        " takes " + name +
                        " there, the Hugging Face guide passes segments second, and segments taken "
                        "for a mask hide the first sentence" +
                        binding_text(batch, signature, position) + ways);
    }
    return;
  }
  const at::Tensor& tensor = batch.tensors[position].tensor;
  if (name == kMask && tensor.dim() > 0 && tensor.numel() > 0 && tensor.select(-1, 0).eq(0).any().item<bool>()) {
    refuse(batch, number + " has no name, is " + kMask +
                      " by position and begins with 0, as the segments do that the " +
                      "Hugging Face guide passes second; " + signature.owner + " takes no " + kSegments +
                      binding_text(batch, signature, position) + "\n  name it if it is a mask: " + kMask +
                      "=SPEC for --input, an entry of that name for --inputs");
  }
}

/// The first argument of that sequence that has a value.
std::optional<size_t> first_of(const BoundBatch& bound, const Signature& signature, InputSequence sequence) {
  for (size_t i = 0; i < bound.tensors.size(); ++i) {
    if (bound.tensors[i].defined() && signature.inputs[i].sequence == sequence) {
      return i;
    }
  }
  return std::nullopt;
}

bool has_rank(const at::Tensor& tensor, int64_t rank) {
  return rank == 0 ? tensor.dim() == 2 || tensor.dim() == 3 : tensor.dim() == rank;
}

/// Arguments of one sequence have one shape, no longer than there are positions; all have one number of rows.
void check_shapes(const Batch& batch, const Signature& signature, const BoundBatch& bound) {
  for (size_t i = 0; i < bound.tensors.size(); ++i) {
    const ModelInput& input = signature.inputs[i];
    const at::Tensor& tensor = bound.tensors[i];
    if (input.rank == 0 && signature.max_positions == 0) {
      continue;  // a module of any kind
    }
    const std::string found = input.name + " is " + shape_text(tensor);
    if (!has_rank(tensor, input.rank) || tensor.numel() == 0) {
      const char* expected = input.rank == 3 ? "[batch, choices, length]" : "[batch, length]";
      refuse(batch, found + ", expected " + expected + " with at least one token");
    }
    if (signature.max_positions > 0 && tensor.size(-1) > signature.max_positions) {
      refuse(batch, found + ": longer than max_position_embeddings " + std::to_string(signature.max_positions) +
                        " of " + signature.owner);
    }
    const size_t same = *first_of(bound, signature, input.sequence);
    if (tensor.sizes() != bound.tensors[same].sizes()) {
      refuse(batch, found + ", " + signature.inputs[same].name + " is " + shape_text(bound.tensors[same]));
    }
    if (tensor.size(0) != bound.tensors[0].size(0)) {
      refuse(batch,
             found + ", " + signature.inputs[0].name + " is " + shape_text(bound.tensors[0]) + ": not as many rows");
    }
  }
}

}  // namespace

BoundBatch bind_batch(const Batch& batch, const Signature& signature) {
  BoundBatch bound{batch.origin, std::vector<at::Tensor>(signature.inputs.size()),
                   std::vector<std::string>(signature.inputs.size())};
  size_t next = 0;
  for (size_t position = 0; position < batch.tensors.size(); ++position) {
    const auto& [name, tensor] = batch.tensors[position];
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
    } else {
      check_nameless(batch, signature, position, slot);
    }
    if (bound.tensors[slot].defined()) {
      refuse(batch, signature.inputs[slot].name + " is given twice");
    }
    bound.tensors[slot] = tensor;
    bound.sources[slot] = name.empty() ? "given, in order" : "given";
    next = slot + 1;
  }

  if (batch.tensors.empty() && !signature.inputs.empty()) {
    refuse(batch, "holds no inputs; " + signature.owner + " takes " + known_names(signature));
  }
  for (size_t i = 0; i < bound.tensors.size(); ++i) {
    const ModelInput& input = signature.inputs[i];
    if (!bound.tensors[i].defined()) {
      if (input.missing == InputDefault::kRequired) {
        refuse(batch, input.name + " is missing; " + signature.owner + " takes " + known_names(signature));
      }
      const auto given = first_of(bound, signature, input.sequence);
      if (!given) {
        refuse(batch, "holds nothing that says how long " + input.name + " is; " + signature.owner + " takes " +
                          known_names(signature));
      }
      bound.tensors[i] = made(input.missing, bound.tensors[*given]);
      bound.sources[i] = input.missing == InputDefault::kOnes ? "made of ones" : "made of zeros";
    }
    check_range(batch, signature, input, bound.tensors[i]);
  }
  check_shapes(batch, signature, bound);
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
