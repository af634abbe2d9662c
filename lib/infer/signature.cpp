#include "infer/signature.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>

#include "checkpoint/weights.h"
#include "infer/values.h"
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

void check_range(const Batch& batch, const Signature& signature, const Argument& input, const at::Tensor& tensor) {
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
  return std::ranges::find(signature.inputs, name, &Argument::name) != signature.inputs.end();
}

/// "  what binds where: input 1 -> input_ids, input 2 -> ?"
std::string binding_text(const Batch& batch, const Signature& signature, size_t position) {
  std::string text = "\n  what binds where: ";
  size_t next = 0;
  for (size_t i = 0; i < position; ++i) {
    const std::string& name = batch.values[i].name;
    const auto it = std::ranges::find(signature.inputs, name, &Argument::name);
    next = name.empty() ? next : static_cast<size_t>(it - signature.inputs.begin());
    text += "input " + std::to_string(i + 1) + " -> " + signature.inputs[next++].name + ", ";
  }
  return text + "input " + std::to_string(position + 1) + " -> ?";
}

/// Whether a row of a tensor of integers does. A mask of floats is added to scores: its zeros mask nothing.
bool begins_with_zero(const c10::IValue& value) {
  if (!value.isTensor() || value.toTensor().is_floating_point()) {
    return false;
  }
  const at::Tensor tensor = value.toTensor();
  return tensor.dim() > 0 && tensor.numel() > 0 && tensor.select(-1, 0).eq(0).any().item<bool>();
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
    if (std::ranges::find(batch.values, other, &NamedInput::name) == batch.values.end()) {
      refuse(batch, number + " has no name and could be " + kMask + " or " + kSegments + ": " + signature.owner +
                        " takes " + name +
                        " there, the Hugging Face guide passes segments second, and segments taken "
                        "for a mask hide the first sentence" +
                        binding_text(batch, signature, position) + ways);
    }
    return;
  }
  if (name == kMask && begins_with_zero(batch.values[position].value)) {
    refuse(batch, number + " has no name, is " + kMask +
                      " by position and begins with 0, as the segments do that the " +
                      "Hugging Face guide passes second; " + signature.owner + " takes no " + kSegments +
                      binding_text(batch, signature, position) + "\n  name it if it is a mask: " + kMask +
                      "=SPEC for --input, an entry of that name for --inputs");
  }
}

/// Whether what is known of BERT models holds for that argument: of a network, or of a module that has positions and
/// calls the argument by a usual name.
bool is_sequence(const Argument& input, const Signature& signature) {
  const bool has_usual_name = input.limit > 0 || input.missing != InputDefault::kRequired;
  return input.rank != 0 || (signature.max_positions > 0 && has_usual_name);
}

using Slots = std::vector<std::optional<c10::IValue>>;

/// The first argument of that sequence that has a value.
std::optional<size_t> first_of(const Slots& slots, const Signature& signature, InputSequence sequence) {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] && slots[i]->isTensor() && signature.inputs[i].sequence == sequence) {
      return i;
    }
  }
  return std::nullopt;
}

bool has_rank(const at::Tensor& tensor, int64_t rank) {
  return rank == 0 ? tensor.dim() == 2 || tensor.dim() == 3 : tensor.dim() == rank;
}

void check_sequence_shape(const Batch& batch, const Signature& signature, const Argument& input,
                          const at::Tensor& tensor) {
  const std::string found = input.name + " is " + shape_text(tensor);
  if (!has_rank(tensor, input.rank) || tensor.numel() == 0) {
    const char* expected = input.rank == 3 ? "[batch, choices, length]" : "[batch, length]";
    refuse(batch, found + ", expected " + expected + " with at least one token");
  }
  if (signature.max_positions > 0 && tensor.size(-1) > signature.max_positions) {
    refuse(batch, found + ": longer than max_position_embeddings " + std::to_string(signature.max_positions) + " of " +
                      signature.owner);
  }
}

/// Arguments of one sequence have one shape, no longer than there are positions; all have one number of rows.
void check_shapes(const Batch& batch, const Signature& signature, const BoundBatch& bound) {
  std::optional<size_t> first;
  std::map<InputSequence, size_t> first_of_sequence;
  for (size_t i = 0; i < bound.values.size(); ++i) {
    const Argument& input = signature.inputs[i];
    if (!bound.values[i].isTensor() || !is_sequence(input, signature)) {
      continue;
    }
    const at::Tensor& tensor = bound.tensor(i);
    check_sequence_shape(batch, signature, input, tensor);
    const std::string found = input.name + " is " + shape_text(tensor);
    first = first.value_or(i);
    const size_t same = first_of_sequence.emplace(input.sequence, i).first->second;
    if (tensor.sizes() != bound.tensor(same).sizes()) {
      refuse(batch, found + ", " + signature.inputs[same].name + " is " + shape_text(bound.tensor(same)));
    }
    if (tensor.size(0) != bound.tensor(*first).size(0)) {
      refuse(batch, found + ", " + signature.inputs[*first].name + " is " + shape_text(bound.tensor(*first)) +
                        ": not as many rows");
    }
  }
}

/// The argument that the input at `position` is for; a nameless one takes `next`.
size_t find_slot(const Batch& batch, const Signature& signature, size_t position, size_t next) {
  const std::string& name = batch.values[position].name;
  if (!name.empty()) {
    const auto it = std::ranges::find(signature.inputs, name, &Argument::name);
    if (it == signature.inputs.end()) {
      refuse(batch, "no argument is named '" + name + "'; " + signature.owner + " takes " + known_names(signature));
    }
    return static_cast<size_t>(it - signature.inputs.begin());
  }
  if (next >= signature.inputs.size()) {
    refuse(batch, "holds more inputs than " + signature.owner + " takes (" + known_names(signature) + ")");
  }
  check_nameless(batch, signature, position, next);
  return next;
}

/// What takes the place of an argument that is not given.
std::pair<c10::IValue, std::string> value_of_missing(const Batch& batch, const Signature& signature, const Slots& slots,
                                                     const Argument& input) {
  if (input.default_value) {
    return {*input.default_value, "default"};
  }
  const auto given = first_of(slots, signature, input.sequence);
  const bool like_floats = given && slots[*given]->toTensor().is_floating_point();
  if (input.missing == InputDefault::kRequired || like_floats) {
    refuse(batch, input.name + " is missing; " + signature.owner + " takes " + known_names(signature));
  }
  if (!given) {
    refuse(batch, "holds nothing that says how long " + input.name + " is; " + signature.owner + " takes " +
                      known_names(signature));
  }
  return {made(input.missing, slots[*given]->toTensor()),
          input.missing == InputDefault::kOnes ? "made of ones" : "made of zeros"};
}

}  // namespace

const at::Tensor& BoundBatch::tensor(size_t i) const {
  const c10::IValue& value = values.at(i);
  if (!value.isTensor()) {
    throw Error(ErrorKind::kInvalidArgument,
                origin + ": input " + std::to_string(i + 1) + " is " + type_text(value) + ", expected a tensor");
  }
  return value.toTensor();
}

std::vector<at::Tensor> BoundBatch::tensors() const {
  std::vector<at::Tensor> result;
  for (size_t i = 0; i < values.size(); ++i) {
    result.push_back(tensor(i));
  }
  return result;
}

BoundBatch BoundBatch::copy() const {
  BoundBatch result{origin, {}, sources};
  // Together, so that a tensor given twice is one tensor in the copy too.
  const c10::IValue copied = copy_value(c10::ivalue::Tuple::create(values));
  result.values = copied.toTupleRef().elements().vec();
  return result;
}

BoundBatch bind_batch(const Batch& batch, const Signature& signature) {
  Slots slots(signature.inputs.size());
  BoundBatch bound{batch.origin, {}, std::vector<std::string>(signature.inputs.size())};
  size_t next = 0;
  for (size_t position = 0; position < batch.values.size(); ++position) {
    const auto& [name, value] = batch.values[position];
    const size_t slot = find_slot(batch, signature, position, next);
    const Argument& input = signature.inputs[slot];
    if (slots[slot]) {
      refuse(batch, input.name + " is given twice");
    }
    slots[slot] = conform(value, input.type);
    if (!slots[slot]) {
      refuse(batch, input.name + " is " + type_text(value) + ", " + signature.owner + " takes " +
                        input.type->annotation_str());
    }
    bound.sources[slot] = name.empty() ? "given, in order" : "given";
    next = slot + 1;
  }

  const bool has_defaults =
      std::ranges::all_of(signature.inputs, [](const Argument& input) { return input.default_value.has_value(); });
  if (batch.values.empty() && !has_defaults) {
    refuse(batch, "holds no inputs; " + signature.owner + " takes " + known_names(signature));
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    const Argument& input = signature.inputs[i];
    if (!slots[i]) {
      std::tie(slots[i], bound.sources[i]) = value_of_missing(batch, signature, slots, input);
    }
    if (slots[i]->isTensor()) {
      check_range(batch, signature, input, slots[i]->toTensor());
    }
    bound.values.push_back(*slots[i]);
  }
  check_shapes(batch, signature, bound);
  return bound;
}

std::vector<BoundInput> describe_inputs(const BoundBatch& batch, const Signature& signature) {
  std::vector<BoundInput> inputs;
  for (size_t i = 0; i < batch.values.size(); ++i) {
    for (const auto& leaf : leaves_of(batch.values[i], signature.inputs[i].name)) {
      BoundInput input{leaf.name, type_text(leaf.value), {}, batch.sources[i], {}};
      if (leaf.value.isTensor()) {
        const at::Tensor& tensor = leaf.value.toTensor();
        input.dtype = dtype_name(container_dtype(tensor.scalar_type()));
        input.shape = tensor.sizes().vec();
      } else {
        input.value = python_text(leaf.value);
      }
      inputs.push_back(std::move(input));
    }
  }
  return inputs;
}

}  // namespace bertjit
