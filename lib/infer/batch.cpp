#include "infer/batch.h"

#include <ATen/CPUGeneratorImpl.h>
#include <nlohmann/json.hpp>

#include "checkpoint/weights.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "infer/input_spec.h"
#include "support/error.h"
#include "support/json.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

at::Tensor row(const std::vector<int64_t>& values) {
  return at::tensor(values, at::kLong).unsqueeze(0);
}

/// A text that brings its own [CLS] and [SEP]: segment 1 begins after the first [SEP], as in the guide.
void count_segments(Encoding& encoding, const Tokenizer& tokenizer) {
  int64_t segment = 0;
  encoding.token_type_ids.clear();
  for (const int64_t id : encoding.input_ids) {
    encoding.token_type_ids.push_back(segment);
    segment = segment == 1 || (tokenizer.sep_id() && id == *tokenizer.sep_id()) ? 1 : 0;
  }
}

Encoding encode(const InputOptions& options, const Tokenizer& tokenizer, const std::string& text,
                const std::string& pair) {
  const auto cls = tokenizer.cls_id() ? tokenizer.id_to_token(*tokenizer.cls_id()) : std::nullopt;
  const bool brings_specials = cls && text.starts_with(*cls);
  EncodeOptions encode_options;
  encode_options.special_tokens = brings_specials ? SpecialTokens::kLeaveOut : SpecialTokens::kAdd;
  Encoding encoding =
      tokenizer.encode(text, pair.empty() ? std::nullopt : std::optional<std::string_view>(pair), encode_options);
  if (encoding.input_ids.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "--text '" + text + "': has no tokens");
  }
  if (brings_specials && encoding.has_token_type_ids) {
    count_segments(encoding, tokenizer);
  }
  if (options.mask_index) {
    const int64_t length = static_cast<int64_t>(encoding.input_ids.size());
    if (*options.mask_index < 0 || *options.mask_index >= length) {
      throw Error(ErrorKind::kInvalidArgument, "--mask-index " + std::to_string(*options.mask_index) +
                                                   ": the text has " + std::to_string(length) + " tokens, 0 to " +
                                                   std::to_string(length - 1));
    }
    if (!tokenizer.mask_id()) {
      throw Error(ErrorKind::kInvalidArgument, "--mask-index: the tokenizer has no mask token");
    }
    encoding.input_ids[static_cast<size_t>(*options.mask_index)] = *tokenizer.mask_id();
  }
  return encoding;
}

void pad(Encoding& encoding, int64_t length, const Tokenizer& tokenizer) {
  const auto size = static_cast<size_t>(length);
  if (length < 1 || length > (1 << 20) || encoding.input_ids.size() > size) {
    throw Error(ErrorKind::kInvalidArgument, "--pad-to " + std::to_string(length) + ": the text has " +
                                                 std::to_string(encoding.input_ids.size()) + " tokens");
  }
  encoding.input_ids.resize(size, tokenizer.pad_id().value_or(0));
  encoding.attention_mask.resize(size, 0);
  if (encoding.has_token_type_ids) {
    encoding.token_type_ids.resize(size, 0);
  }
}

bool takes(const Signature& signature, const std::string& name) {
  for (const auto& input : signature.inputs) {
    if (input.name == name) {
      return true;
    }
  }
  return false;
}

Batch text_batch(const InputOptions& options, const Signature& signature, const Tokenizer& tokenizer,
                 const std::string& text, const std::string& pair, const std::string& origin) {
  Encoding encoding = encode(options, tokenizer, text, pair);
  if (options.pad_to) {
    pad(encoding, *options.pad_to, tokenizer);
  }
  Batch batch{origin, {{"input_ids", row(encoding.input_ids)}}};
  if (takes(signature, "attention_mask")) {
    batch.tensors.push_back({"attention_mask", row(encoding.attention_mask)});
  }
  if (encoding.has_token_type_ids && takes(signature, "token_type_ids")) {
    batch.tensors.push_back({"token_type_ids", row(encoding.token_type_ids)});
  }
  return batch;
}

at::Tensor made_input(const ModelInput& input, const std::vector<int64_t>& shape, at::Generator& generator,
                      const std::string& owner) {
  at::Tensor values = at::ones(shape, at::kLong);
  const int64_t length = shape.back();
  if (input.missing == InputDefault::kOnes) {
    for (int64_t i = 1; i < shape.front(); i += 2) {
      values[i].slice(-1, (length + 1) / 2).zero_();
    }
    return values;
  }
  if (input.missing == InputDefault::kZeros) {
    values.slice(-1, 0, (length + 1) / 2).zero_();
    return input.limit == 1 ? values.zero_() : values;
  }
  if (input.limit == 0) {
    throw Error(ErrorKind::kInvalidArgument, owner + ": cannot make up values for " + input.name +
                                                 ", whose range is not known; give --input " + input.name +
                                                 "=SPEC or --inputs FILE");
  }
  return at::randint(0, input.limit, shape, generator, at::kLong);
}

}  // namespace

Batch make_batch(const InputOptions& options, const Signature& signature, const Tokenizer* tokenizer) {
  const bool has_tensors = !options.inputs.empty() || !options.input.empty();
  if (!options.text.empty()) {
    if (has_tensors) {
      throw Error(ErrorKind::kInvalidArgument, "--text cannot be combined with --inputs or --input");
    }
    if (tokenizer == nullptr) {
      throw Error(ErrorKind::kInvalidArgument, "--text needs a tokenizer: " + signature.owner +
                                                   " has none beside it; name a folder with --tokenizer");
    }
    return text_batch(options, signature, *tokenizer, options.text, options.text_pair, "--text");
  }
  if (!options.text_pair.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "--text-pair needs --text");
  }
  if (has_tensors) {
    if (options.mask_index || options.pad_to) {
      throw Error(ErrorKind::kInvalidArgument, "--mask-index and --pad-to need --text");
    }
    Batch batch = options.inputs.empty() ? Batch{"--input", {}} : read_batch(options.inputs);
    for (const auto& spec : options.input) {
      batch.tensors.push_back(parse_input_spec(spec, options.seed));
    }
    return batch;
  }
  if (tokenizer != nullptr && takes(signature, "input_ids")) {
    return text_batch(options, signature, *tokenizer, kGuideText, kGuideTextPair, "the guide's sentence pair");
  }
  return shape_batch({1, 14}, signature, options.seed);
}

Batch read_batch(const fs::path& path) {
  Batch batch{path.string(), {}};
  if (path.extension() == ".json") {
    const nlohmann::json json = read_json_file(path);
    if (!json.is_object()) {
      throw Error(ErrorKind::kCorrupt, path.string() + ": holds a JSON " + json.type_name() +
                                           ", expected an object of named lists, e.g. {\"input_ids\": [[101, 102]]}");
    }
    for (const auto& [name, value] : json.items()) {
      batch.tensors.push_back({name, tensor_from_json(value.dump(), path.string() + ": " + name)});
    }
    return batch;
  }
  if (path.extension() != ".npz" && path.extension() != ".safetensors") {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": expected a .npz, .safetensors or .json file");
  }
  const TensorFile file = path.extension() == ".npz" ? read_npz(path) : read_safetensors(path);
  for (const auto& view : file.tensors) {
    // A copy: a module may change its inputs in place, and writing into a mapped file ends the process.
    batch.tensors.push_back({view.name, tensor_from_view(view, file.storage).clone()});
  }
  return batch;
}

Batch shape_batch(const std::vector<int64_t>& shape, const Signature& signature, uint64_t seed) {
  if (shape.size() < 2) {
    throw Error(ErrorKind::kInvalidArgument, "shape " + std::to_string(shape.empty() ? 0 : shape.front()) +
                                                 ": expected batch and length, such as 8x128");
  }
  Batch batch{"ids from --seed", {}};
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (const auto& input : signature.inputs) {
    batch.tensors.push_back({input.name, made_input(input, shape, generator, signature.owner)});
  }
  return batch;
}

std::vector<BoundBatch> further_batches(const std::vector<std::string>& files, const std::vector<std::string>& shapes,
                                        const Signature& signature, uint64_t seed) {
  std::vector<BoundBatch> batches;
  for (const auto& file : files) {
    batches.push_back(bind_batch(read_batch(file), signature));
  }
  for (const auto& shape : shapes) {
    Batch batch = shape_batch(parse_shape(shape), signature, seed);
    batch.origin = "shape " + shape;
    batches.push_back(bind_batch(batch, signature));
  }
  return batches;
}

}  // namespace bertjit
