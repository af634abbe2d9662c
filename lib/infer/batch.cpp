#include "infer/batch.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

#include <ATen/CPUGeneratorImpl.h>
#include <nlohmann/json.hpp>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "infer/input_spec.h"
#include "support/error.h"
#include "support/file_status.h"
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

constexpr int64_t kMostPadded = 1 << 20;

void pad(Encoding& encoding, int64_t length, const Tokenizer& tokenizer) {
  const auto size = static_cast<size_t>(length);
  if (length < 1 || length > kMostPadded || encoding.input_ids.size() > size) {
    throw Error(ErrorKind::kInvalidArgument, "--pad-to " + std::to_string(length) + ": the text has " +
                                                 std::to_string(encoding.input_ids.size()) + " tokens");
  }
  encoding.input_ids.resize(size, tokenizer.pad_id().value_or(0));
  encoding.attention_mask.resize(size, 0);
  if (encoding.has_token_type_ids) {
    encoding.token_type_ids.resize(size, 0);
  }
}

const Argument* find_input(const Signature& signature, const std::string& name) {
  const auto it = std::ranges::find(signature.inputs, name, &Argument::name);
  return it == signature.inputs.end() ? nullptr : &*it;
}

/// What decoder_input_ids begin with: a TorchScript file does not say, the folder of its tokenizer does.
int64_t decoder_start(const InputOptions& options, const Signature& signature) {
  std::optional<int64_t> id = signature.decoder_start_token_id;
  if (const fs::path config = fs::path(options.tokenizer) / "config.json"; !id && path_exists(config)) {
    id = Config::read(config).token_id("decoder_start_token_id", std::nullopt);
  }
  if (!id) {
    throw Error(ErrorKind::kInvalidArgument,
                "--text: " + signature.owner +
                    " takes decoder_input_ids, and no config.json beside the tokenizer says " +
                    "what they begin with (decoder_start_token_id); give --inputs FILE");
  }
  return *id;
}

Batch text_batch(const InputOptions& options, const Signature& signature, const Tokenizer& tokenizer,
                 const std::string& text, const std::string& pair, const std::string& origin) {
  Encoding encoding = encode(options, tokenizer, text, pair);
  if (options.pad_to) {
    pad(encoding, *options.pad_to, tokenizer);
  }
  Batch batch{origin, {}};
  const auto add = [&](const std::string& name, const std::vector<int64_t>& values) {
    const Argument* input = find_input(signature, name);
    if (input != nullptr) {
      const at::Tensor tensor = row(values);
      batch.values.push_back({name, input->rank == 3 ? tensor.unsqueeze(1) : tensor});  // one choice
    }
  };
  add("input_ids", encoding.input_ids);
  add("attention_mask", encoding.attention_mask);
  if (encoding.has_token_type_ids) {
    add("token_type_ids", encoding.token_type_ids);
  }
  if (find_input(signature, "decoder_input_ids") != nullptr) {
    add("decoder_input_ids", {decoder_start(options, signature)});
  }
  return batch;
}

/// numpy.savez(file, a, b) names its arrays arr_0 and arr_1: the place of one, nullopt for a name that was chosen.
std::optional<size_t> savez_position(const std::string& name) {
  constexpr std::string_view kPrefix = "arr_";
  size_t position = 0;
  const char* end = name.data() + name.size();
  if (!name.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, position);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(position) : std::nullopt;
}

/// Positional arrays lose their names and come first, in their order.
void unname_positional(Batch& batch) {
  std::ranges::stable_sort(batch.values, {}, [](const NamedInput& input) {
    return savez_position(input.name).value_or(std::numeric_limits<size_t>::max());
  });
  for (auto& input : batch.values) {
    input.name = savez_position(input.name) ? "" : input.name;
  }
}

/// "8x128".
std::string sizes_text(const std::vector<int64_t>& sizes) {
  std::string text;
  for (const int64_t size : sizes) {
    text += (text.empty() ? "" : "x") + std::to_string(size);
  }
  return text;
}

/// The position of the argument that `name` is, or `next` for an input without a name.
size_t slot_of(const Signature& signature, const std::string& name, size_t next) {
  const auto it = std::ranges::find(signature.inputs, name, &Argument::name);
  return name.empty() ? next : static_cast<size_t>(it - signature.inputs.begin());
}

/// Adds what --input gives, each read by the type of the argument it binds to.
void add_specs(Batch& batch, const InputOptions& options, const Signature& signature) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(options.seed);
  size_t next = 0;
  for (const auto& given : batch.values) {
    next = slot_of(signature, given.name, next) + 1;
  }
  for (const auto& text : options.input) {
    const auto [name, spec] = split_input_spec(text);
    const size_t slot = slot_of(signature, name, next);
    const c10::TypePtr type = slot < signature.inputs.size() ? signature.inputs[slot].type : nullptr;
    batch.values.push_back({name, parse_input_spec(spec, type, generator, text)});
    next = slot + 1;
  }
}

/// Whether it is ids, or goes with ids: what bertjit can make up from its name or limit alone.
bool is_made_like_ids(const Argument& input) {
  return input.limit > 0 || input.missing != InputDefault::kRequired;
}

at::Tensor made_like_ids(const Argument& input, const std::vector<int64_t>& shape, at::Generator& generator) {
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
  return at::randint(0, input.limit, shape, generator, at::kLong);
}

[[noreturn]] void refuse_shape(const std::vector<int64_t>& shape, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, "shape " + sizes_text(shape) + ": " + why);
}

at::Tensor ids_of_shape(const Argument& input, std::vector<int64_t> shape, at::Generator& generator) {
  if (shape.size() < 2 || (input.rank != 0 && static_cast<int64_t>(shape.size()) != input.rank)) {
    refuse_shape(shape, input.rank == 3 ? "expected batch, choices and length, such as 2x4x11"
                                        : "expected batch and length, such as 8x128");
  }
  if (input.sequence == InputSequence::kDecoder) {
    shape.back() = std::max<int64_t>(1, shape.back() - 1);
  }
  return made_like_ids(input, shape, generator);
}

[[noreturn]] void refuse_to_guess(const Argument& input, const std::string& owner) {
  throw Error(ErrorKind::kInvalidArgument, owner + ": cannot make up values for " + input.name +
                                               ", whose range is not known; give --input " + input.name +
                                               "=SPEC or --inputs FILE");
}

/// A tensor of the shape and of the example's dtype.
at::Tensor like_example(const Argument& input, const at::Tensor& example, const std::vector<int64_t>& shape,
                        at::Generator& generator, const std::string& owner) {
  if (example.scalar_type() == at::kBool) {
    return at::randint(0, 2, shape, generator, at::kLong).to(at::kBool);
  }
  if (!example.is_floating_point()) {
    if (example.numel() == 0) {
      refuse_to_guess(input, owner);
    }
    const int64_t least = example.min().item<int64_t>();
    const int64_t greatest = example.max().item<int64_t>();
    return at::randint(least, greatest + 1, shape, generator, at::kLong).to(example.scalar_type());
  }
  return at::rand(shape, generator).to(example.scalar_type());
}

/// One position after the other, as networks count them that are given none.
at::Tensor positions_of_shape(const std::vector<int64_t>& shape, const at::Tensor& example) {
  const bool has_example = example.defined() && example.numel() > 0 && !example.is_floating_point();
  const int64_t first = has_example ? example.flatten()[0].item<int64_t>() : 0;
  return at::arange(first, first + shape.back(), has_example ? example.scalar_type() : at::kLong)
      .expand(shape)
      .contiguous();
}

bool has_rank_of(const c10::IValue& value, const std::vector<int64_t>& shape) {
  return value.isTensor() && value.toTensor().dim() == static_cast<int64_t>(shape.size());
}

Batch read_json_batch(const fs::path& path, const Signature* signature) {
  Batch batch{path.string(), {}};
  const nlohmann::json json = read_json_file(path);
  if (!json.is_object()) {
    throw Error(ErrorKind::kCorrupt, path.string() + ": holds a JSON " + json.type_name() +
                                         ", expected an object of named lists, e.g. {\"input_ids\": [[101, 102]]}");
  }
  for (const auto& [name, value] : json.items()) {
    const Argument* input = signature == nullptr ? nullptr : find_input(*signature, name);
    const c10::TypePtr type = input == nullptr ? c10::TypePtr(c10::TensorType::get()) : input->type;
    batch.values.push_back({name, value_from_json(value, type, path.string() + ": " + name)});
  }
  return batch;
}

Batch read_any_batch(const fs::path& path, const Signature* signature) {
  if (path.extension() == ".json") {
    return read_json_batch(path, signature);
  }
  Batch batch{path.string(), {}};
  if (path.extension() != ".npz" && path.extension() != ".safetensors") {
    throw Error(ErrorKind::kInvalidArgument, path.string() + ": expected a .npz, .safetensors or .json file");
  }
  const TensorFile file = path.extension() == ".npz" ? read_npz(path) : read_safetensors(path);
  for (const auto& view : file.tensors) {
    // A copy: a module may change its inputs in place, and writing into a mapped file ends the process.
    batch.values.push_back({view.name, tensor_from_view(view).clone()});
  }
  if (path.extension() == ".npz") {
    unname_positional(batch);
  }
  return batch;
}

}  // namespace

bool names_inputs(const InputOptions& options) {
  return !options.text.empty() || !options.inputs.empty() || !options.input.empty();
}

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
    Batch batch = options.inputs.empty() ? Batch{"--input", {}} : read_batch(options.inputs, signature);
    batch.origin += options.inputs.empty() || options.input.empty() ? "" : " and --input";
    add_specs(batch, options, signature);
    return batch;
  }
  if (tokenizer != nullptr && find_input(signature, "input_ids") != nullptr) {
    return text_batch(options, signature, *tokenizer, kGuideText, kGuideTextPair, "the guide's sentence pair");
  }
  const bool has_choices = std::ranges::any_of(signature.inputs, [](const auto& input) { return input.rank == 3; });
  const int64_t length = options.pad_to.value_or(kGuideLength);
  if (length < 1 || length > kMostPadded) {
    throw Error(ErrorKind::kInvalidArgument,
                "--pad-to " + std::to_string(length) + ": is not a number from 1 to " + std::to_string(kMostPadded));
  }
  Batch batch = shape_batch(has_choices ? std::vector<int64_t>{1, 2, length} : std::vector<int64_t>{1, length},
                            signature, options.seed);
  batch.origin = batch.values.empty() ? "defaults" : batch.origin;
  return batch;
}

Batch read_batch(const fs::path& path) {
  return read_any_batch(path, nullptr);
}

Batch read_batch(const fs::path& path, const Signature& signature) {
  return read_any_batch(path, &signature);
}

Batch shape_batch(const std::vector<int64_t>& shape, const Signature& signature, uint64_t seed,
                  const BoundBatch* example) {
  Batch batch{"ids from --seed", {}};
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  bool has_shape = signature.inputs.empty() || example == nullptr;
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    const Argument& input = signature.inputs[i];
    const bool is_float =
        example != nullptr && example->values.at(i).isTensor() && example->tensor(i).is_floating_point();
    if (is_made_like_ids(input) && !is_float) {
      batch.values.push_back({input.name, ids_of_shape(input, shape, generator)});
      has_shape = true;
    } else if (input.name == "position_ids" && input.type != nullptr &&
               input.type->isSubtypeOf(*c10::TensorType::get())) {
      const bool has_tensor = example != nullptr && example->values.at(i).isTensor();
      batch.values.push_back({input.name, positions_of_shape(shape, has_tensor ? example->tensor(i) : at::Tensor())});
      has_shape = true;
    } else if (example != nullptr && has_rank_of(example->values[i], shape)) {
      batch.values.push_back({input.name, like_example(input, example->tensor(i), shape, generator, signature.owner)});
      has_shape = true;
    } else if (example != nullptr) {
      batch.values.push_back({input.name, example->values[i]});
    } else if (!input.default_value) {
      refuse_to_guess(input, signature.owner);
    }
  }
  if (!has_shape) {
    refuse_shape(shape, "no input of " + signature.owner + " has " + std::to_string(shape.size()) + " dimensions");
  }
  return batch;
}

std::vector<BoundBatch> further_batches(const std::vector<std::string>& files, const std::vector<std::string>& shapes,
                                        const Signature& signature, uint64_t seed, const BoundBatch* example) {
  std::vector<BoundBatch> batches;
  for (const auto& file : files) {
    batches.push_back(bind_batch(read_batch(file, signature), signature));
  }
  for (const auto& shape : shapes) {
    Batch batch = shape_batch(parse_shape(shape), signature, seed, example);
    batch.origin = "shape " + shape;
    batches.push_back(bind_batch(batch, signature));
  }
  return batches;
}

}  // namespace bertjit
