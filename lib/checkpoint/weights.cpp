#include "checkpoint/weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include <ATen/Parallel.h>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 10> kDTypes = {{
    {DType::kBool, at::kBool},
    {DType::kUInt8, at::kByte},
    {DType::kInt8, at::kChar},
    {DType::kInt16, at::kShort},
    {DType::kInt32, at::kInt},
    {DType::kInt64, at::kLong},
    {DType::kFloat16, at::kHalf},
    {DType::kBFloat16, at::kBFloat16},
    {DType::kFloat32, at::kFloat},
    {DType::kFloat64, at::kDouble},
}};

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

std::string joined_lines(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) {
    return "";
  }
  std::string text = "\n  " + title + " (" + std::to_string(lines.size()) + "):";
  for (const auto& line : lines) {
    text += "\n    " + line;
  }
  return text;
}

/// The name the first BERT release gave a LayerNorm parameter; empty if `name` is none.
std::string legacy_name(const std::string& name) {
  for (const auto& [now, then] :
       {std::pair("LayerNorm.weight", "LayerNorm.gamma"), {"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.ends_with(now)) {
      return name.substr(0, name.size() - std::strlen(now)) + then;
    }
  }
  return "";
}

/// Integer buffers that transformers keeps in its embeddings and older releases saved: positions, and zeros. The
/// networks make them anew.
bool is_known_buffer(const TensorView& tensor) {
  const bool is_integer = tensor.dtype == DType::kInt64 || tensor.dtype == DType::kInt32;
  return is_integer &&
         (tensor.name.ends_with("embeddings.position_ids") || tensor.name.ends_with("embeddings.token_type_ids"));
}

constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15;

/// The number that splitmix64 gives for one value of its counter (Steele, Lea and Flood 2014).
uint64_t splitmix64(uint64_t counter) {
  uint64_t z = (counter ^ (counter >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t fnv1a(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) {
    hash = (hash ^ c) * 0x100000001b3;
  }
  return hash;
}

void fill_normal(float* values, int64_t count, uint64_t start, double standard_deviation) {
  // Sum of eight uniforms on 0..65535: mean 262140, variance 8 (2^32 - 1) / 12.
  const double scale = standard_deviation / std::sqrt(8.0 * 4294967295.0 / 12.0);
  // Two numbers of the generator for each value, by its index: the threads' shares do not show in the result.
  at::parallel_for(0, count, 1 << 16, [&](int64_t begin, int64_t end) {
    uint64_t counter = start + static_cast<uint64_t>(begin) * 2 * kSplitMixStep;
    for (int64_t i = begin; i < end; ++i) {
      int64_t sum = -262140;
      for (int half = 0; half < 2; ++half) {
        const uint64_t bits = splitmix64(counter += kSplitMixStep);
        sum += static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
      }
      values[i] = static_cast<float>(static_cast<double>(sum) * scale);
    }
  });
}

/// Column 2i of row p is sin(p / 10000^(2i/columns)), column 2i + 1 its cosine: Attention Is All You Need, section 3.5.
void fill_sinusoids(const at::Tensor& table) {
  auto values = table.accessor<float, 2>();
  const auto columns = static_cast<double>(values.size(1));
  for (int64_t row = 0; row < values.size(0); ++row) {
    for (int64_t column = 0; column < values.size(1); ++column) {
      const double exponent = static_cast<double>(column / 2 * 2) / columns;
      const double angle = static_cast<double>(row) / std::pow(10000.0, exponent);
      values[row][column] = static_cast<float>(column % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
}

}  // namespace

at::ScalarType scalar_type(DType dtype) {
  return std::find_if(kDTypes.begin(), kDTypes.end(), [&](const auto& pair) { return pair.first == dtype; })->second;
}

DType container_dtype(at::ScalarType type) {
  const auto it = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const auto& pair) { return pair.second == type; });
  if (it == kDTypes.end()) {
    throw Error(ErrorKind::kUnsupported, std::string("tensors of dtype ") + at::toString(type) + " cannot be stored");
  }
  return it->first;
}

at::Tensor tensor_from_view(const TensorView& view) {
  const auto options = at::TensorOptions(scalar_type(view.dtype));
  const size_t alignment = dtype_size(view.dtype);
  if (view.bytes.empty()) {
    return at::empty(view.shape, options);
  }
  if (reinterpret_cast<uintptr_t>(view.bytes.data()) % alignment != 0) {
    at::Tensor copy = at::empty(view.shape, options);
    std::memcpy(copy.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    return copy;
  }
  return at::from_blob(
      view.bytes.data(), view.shape, [storage = view.storage](void*) {}, options);
}

Array array_from_tensor(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor source = tensor.detach().cpu().contiguous();
  Array array{name, container_dtype(source.scalar_type()), source.sizes().vec(), {}};
  const auto* bytes = static_cast<const std::byte*>(source.const_data_ptr());
  array.bytes.assign(bytes, bytes + source.nbytes());
  return array;
}

CheckpointWeights::CheckpointWeights(TensorFile file, std::string prefix, at::ScalarType dtype)
    : file_(std::move(file)), prefix_(std::move(prefix)), dtype_(dtype) {}

std::vector<std::string> CheckpointWeights::candidates(const std::string& name) const {
  std::vector<std::string> names;
  for (const std::string& now : {name, name.starts_with(prefix_) ? name.substr(prefix_.size()) : prefix_ + name}) {
    names.push_back(now);
    if (const std::string then = legacy_name(now); !then.empty()) {
      names.push_back(then);
    }
  }
  return names;
}

const TensorView* CheckpointWeights::find(const std::string& name) const {
  for (const auto& candidate : candidates(name)) {
    if (const TensorView* view = file_.find(candidate)) {
      return view;
    }
  }
  return nullptr;
}

bool CheckpointWeights::has(const std::string& name) const {
  return find(name) != nullptr;
}

at::Tensor CheckpointWeights::take(const std::string& name, at::IntArrayRef shape, Init) {
  const at::Tensor absent = at::empty(shape, at::TensorOptions(dtype_).device(at::kMeta));
  const TensorView* view = find(name);
  if (view == nullptr) {
    missing_.push_back({name, name + " " + shape_text(shape)});
    return absent;
  }
  used_.insert(view->name);
  if (at::IntArrayRef(view->shape) != shape) {
    wrong_.push_back(view->name + " is " + shape_text(view->shape) + ", config.json says " + shape_text(shape));
    return absent;
  }
  const at::ScalarType stored = scalar_type(view->dtype);
  if (!at::isFloatingType(stored)) {
    wrong_.push_back(view->name + " is " + dtype_name(view->dtype) + ", expected a floating dtype");
    return absent;
  }
  return tensor_from_view(*view).to(dtype_);
}

std::string CheckpointWeights::hidden_behind() const {
  std::map<std::string, size_t> prefixes;
  for (const Missing& missing : missing_) {
    for (const auto& candidate : candidates(missing.name)) {
      for (const TensorView& tensor : file_.tensors) {
        if (tensor.name.ends_with("." + candidate)) {
          ++prefixes[tensor.name.substr(0, tensor.name.size() - candidate.size())];
        }
      }
    }
  }
  const auto most = std::ranges::max_element(prefixes, {}, [](const auto& entry) { return entry.second; });
  return most == prefixes.end() || most->second * 2 < missing_.size() ? "" : most->first;
}

void CheckpointWeights::finish() {
  if (missing_.empty() && wrong_.empty()) {
    return;
  }
  std::vector<std::string> missing;
  for (const Missing& parameter : missing_) {
    missing.push_back(parameter.text);
  }
  std::string message = file_.path.string() + ": does not hold the weights that config.json describes";
  if (const std::string prefix = hidden_behind(); !prefix.empty()) {
    message += "\n  its names begin with '" + prefix + "'";
    message += prefix == "module."      ? ", which DataParallel adds: save model.module.state_dict()"
               : prefix == "_orig_mod." ? ", which torch.compile adds: save model._orig_mod.state_dict()"
                                        : ": save the state_dict() of that part of the model";
  }
  for (const std::string& note : file_.notes) {
    message += "\n  " + note;
  }
  throw Error(ErrorKind::kCorrupt, message + joined_lines("missing", missing) +
                                       joined_lines("wrong shape or dtype", wrong_) +
                                       joined_lines("in the file but not used", unused()));
}

std::vector<std::string> CheckpointWeights::unused() const {
  std::vector<std::string> names;
  for (const auto& tensor : file_.tensors) {
    if (!used_.contains(tensor.name) && !is_known_buffer(tensor)) {
      names.push_back(tensor.name);
    }
  }
  return names;
}

RandomWeights::RandomWeights(uint64_t seed, double initializer_range, at::ScalarType dtype)
    : seed_(seed), initializer_range_(initializer_range), dtype_(dtype) {}

bool RandomWeights::has(const std::string&) const {
  return false;
}

at::Tensor RandomWeights::take(const std::string& name, at::IntArrayRef shape, Init init) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  if (init == Init::kZeros || init == Init::kOnes) {
    tensor.fill_(init == Init::kOnes ? 1.0 : 0.0);
  } else if (init == Init::kSinusoids) {
    fill_sinusoids(tensor);
  } else {
    fill_normal(tensor.mutable_data_ptr<float>(), tensor.numel(), (seed_ ^ fnv1a(name)) + kSplitMixStep,
                initializer_range_);
    if (init == Init::kNormalRow0Zero) {
      tensor[0].zero_();
    }
  }
  return tensor.to(dtype_);
}

}  // namespace bertjit
