#include "container/pickled_tensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "container/bytes.h"
#include "container/strides.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr std::string_view kRebuild = "torch._utils._rebuild_";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildTensorOfDType = "torch._utils._rebuild_tensor_v3";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kRebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kRebuildFromType = "torch._tensor._rebuild_from_type_v2";
/// As numpy; a shape can be shared by all tensors of a file, so its copies must be small.
constexpr size_t kMaxDimensions = 64;
/// A parameter with attributes of its own is wrapped twice.
constexpr int kMaxWrappers = 4;

struct StorageType {
  std::string_view global;
  DType dtype;
};

constexpr std::array kStorageTypes{
    StorageType{"torch.FloatStorage", DType::kFloat32}, StorageType{"torch.DoubleStorage", DType::kFloat64},
    StorageType{"torch.HalfStorage", DType::kFloat16},  StorageType{"torch.BFloat16Storage", DType::kBFloat16},
    StorageType{"torch.LongStorage", DType::kInt64},    StorageType{"torch.IntStorage", DType::kInt32},
    StorageType{"torch.ShortStorage", DType::kInt16},   StorageType{"torch.CharStorage", DType::kInt8},
    StorageType{"torch.ByteStorage", DType::kUInt8},    StorageType{"torch.BoolStorage", DType::kBool},
};

/// Elements that DType lacks, by their storages; of UntypedStorage these are bytes.
constexpr auto kOtherStorageTypes = std::to_array<std::pair<std::string_view, uint64_t>>({
    {"torch.ComplexDoubleStorage", 16},
    {"torch.ComplexFloatStorage", 8},
    {"torch.QInt32Storage", 4},
    {"torch.QInt8Storage", 1},
    {"torch.QUInt8Storage", 1},
    {"torch.storage.UntypedStorage", 1},
});

/// Bytes of an element, of the dtypes that _rebuild_tensor_v3 names.
constexpr auto kDTypeSizes = std::to_array<std::pair<std::string_view, uint64_t>>({
    {"torch.bfloat16", 2},        {"torch.bool", 1},        {"torch.complex128", 16},     {"torch.complex64", 8},
    {"torch.float16", 2},         {"torch.float32", 4},     {"torch.float64", 8},         {"torch.float8_e4m3fn", 1},
    {"torch.float8_e4m3fnuz", 1}, {"torch.float8_e5m2", 1}, {"torch.float8_e5m2fnuz", 1}, {"torch.float8_e8m0fnu", 1},
    {"torch.int16", 2},           {"torch.int32", 4},       {"torch.int64", 8},           {"torch.int8", 1},
    {"torch.uint16", 2},          {"torch.uint32", 4},      {"torch.uint64", 8},          {"torch.uint8", 1},
});

/// Calls that make plain values, and tensors without elements.
constexpr auto kPlainCalls = std::to_array<std::string_view>({
    "__builtin__.bytearray",
    "__builtin__.set",
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.set",
    "torch.Size",
    "torch.device",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch.serialization._get_layout",
});

/// What else a dict of tensors and plain values refers to.
constexpr auto kOtherGlobals = std::to_array<std::string_view>({
    "__builtin__.bytearray",
    "__builtin__.set",
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.set",
    "collections.OrderedDict",
    kRebuildFromType,
    kRebuildParameter,
    kRebuildParameterWithState,
    kRebuildTensor,
    kRebuildTensorV2,
    kRebuildTensorOfDType,
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_sparse_tensor",
    "torch.Size",
    "torch.Tensor",
    "torch.device",
    "torch.nn.parameter.Parameter",
    "torch.per_channel_affine",
    "torch.per_tensor_affine",
    "torch.serialization._get_layout",
    "torch.storage.UntypedStorage",
    "torch.ComplexDoubleStorage",
    "torch.ComplexFloatStorage",
    "torch.QInt32Storage",
    "torch.QInt8Storage",
    "torch.QUInt8Storage",
    "torch.bfloat16",
    "torch.float16",
    "torch.float32",
    "torch.float64",
    "torch.bool",
    "torch.int16",
    "torch.int32",
    "torch.int64",
    "torch.int8",
    "torch.uint8",
    "torch.complex128",
    "torch.complex64",
    "torch.uint16",
    "torch.uint32",
    "torch.uint64",
    "torch.float8_e4m3fn",
    "torch.float8_e4m3fnuz",
    "torch.float8_e5m2",
    "torch.float8_e5m2fnuz",
    "torch.float8_e8m0fnu",
});

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what,
                       ErrorKind kind = ErrorKind::kCorrupt) {
  throw Error(kind, path.string() + ": " + what);
}

/// The innermost call that makes a tensor.
struct TensorCall {
  std::string_view function;
  const std::vector<const PickleNode*>& arguments;
};

/// nullopt if the object is no tensor. A parameter is a tensor in a wrapper, and so is a tensor with attributes:
/// _rebuild_parameter(tensor, …), _rebuild_from_type_v2(function, type, arguments, state).
std::optional<TensorCall> find_tensor_call(const PickleNode* node) {
  for (int i = 0; i < kMaxWrappers; ++i) {
    const auto* call = PickleNode::as<PickleCall>(node);
    if (call == nullptr) {
      return std::nullopt;
    }
    const std::string_view function = call->callable->name;
    const auto& arguments = call->arguments->items;
    if (function == kRebuildFromType) {
      const auto* inner = arguments.size() > 2 ? PickleNode::as<PickleGlobal>(arguments[0]) : nullptr;
      const auto* inner_arguments = inner != nullptr ? PickleNode::as<PickleTuple>(arguments[2]) : nullptr;
      if (inner_arguments == nullptr) {
        return std::nullopt;
      }
      if (inner->name != kRebuildParameter) {
        return TensorCall{inner->name, inner_arguments->items};
      }
      node = inner_arguments->items.empty() ? nullptr : inner_arguments->items.front();
    } else if ((function == kRebuildParameter || function == kRebuildParameterWithState) && !arguments.empty()) {
      node = arguments.front();
    } else if (function.starts_with(kRebuild)) {
      return TensorCall{function, arguments};
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

bool has_tensors(const PickleDict& dict) {
  return std::ranges::any_of(dict.items, [](const auto& item) { return find_tensor_call(item.second).has_value(); });
}

/// The dict whose values are the tensors: the object itself, or what training scripts keep under one of two keys.
struct StateDict {
  const PickleDict* dict;
  const char* key;  ///< nullptr for the object itself
};

StateDict find_state_dict(const PickleNode* root) {
  const auto* top = PickleNode::as<PickleDict>(root);
  if (top == nullptr || has_tensors(*top)) {
    return {top, nullptr};
  }
  for (const char* wanted : {"state_dict", "model"}) {
    for (const auto& [key, value] : top->items) {
      const auto* name = PickleNode::as<std::string>(key);
      const auto* dict = PickleNode::as<PickleDict>(value);
      if (name != nullptr && *name == wanted && dict != nullptr && has_tensors(*dict)) {
        return {dict, wanted};
      }
    }
  }
  return {nullptr, nullptr};
}

/// Turns the calls in a pickle into views of storages.
class TensorReader {
 public:
  TensorReader(TensorFile& result, const StorageSource& storages)
      : result_(result), storages_(storages), copy_budget_(storages.size_bytes) {}

  void read(const PickleNode* root) {
    const StateDict found = find_state_dict(root);
    if (found.dict == nullptr || !has_tensors(*found.dict)) {
      fail(result_.path, "holds no tensors by name, neither at its top level nor under 'state_dict' or 'model'",
           ErrorKind::kUnsupported);
    }
    std::vector<std::string> passed_over;
    for (const auto& [key, value] : found.dict->items) {
      const auto* name = PickleNode::as<std::string>(key);
      const auto call = find_tensor_call(value);
      if (!call) {
        passed_over.push_back(name != nullptr ? *name : "?");
        continue;
      }
      if (name == nullptr) {
        fail(result_.path, "holds a tensor under a key that is not text", ErrorKind::kUnsupported);
      }
      result_.tensors.push_back(read_tensor(*name, *call));
    }
    sort_by_name(result_);
    if (found.key != nullptr) {
      result_.notes.push_back(result_.path.string() + ": is a training checkpoint; the tensors under '" + found.key +
                              "' are used (transformers looks at the top level only)");
    }
    if (!passed_over.empty()) {
      result_.notes.push_back(result_.path.string() + ": passed over what is no tensor: " + all_in_quotes(passed_over));
    }
  }

 private:
  /// (storage, offset, size, stride), and since PyTorch 0.4 requires_grad and hooks
  TensorView read_tensor(const std::string& name, const TensorCall& call) {
    const std::string what = "tensor " + in_quotes(name);
    const auto argument = [&](size_t i) { return i < call.arguments.size() ? call.arguments[i] : nullptr; };
    check_is_dense(what, call);
    const auto* persistent = PickleNode::as<PicklePersistentId>(argument(0));
    const auto* offset = PickleNode::as<int64_t>(argument(1));
    const auto* sizes = PickleNode::as<PickleTuple>(argument(2));
    const auto* steps = PickleNode::as<PickleTuple>(argument(3));
    if (persistent == nullptr || offset == nullptr || sizes == nullptr || steps == nullptr ||
        sizes->items.size() != steps->items.size() || sizes->items.size() > kMaxDimensions) {
      fail(result_.path, what + " is not made of a storage, an offset, a shape of at most " +
                             std::to_string(kMaxDimensions) + " dimensions and as many strides");
    }
    const auto shape = read_numbers(what, *sizes);
    const auto strides = read_numbers(what, *steps);
    const StorageRef ref = parse_storage(result_.path, *persistent);
    const auto size_bytes = tensor_size_bytes(ref.dtype, shape);
    const auto extent = strided_extent(shape, strides);
    if (*offset < 0 || *offset > ref.count || !size_bytes || !extent || *extent > ref.count - *offset) {
      fail(result_.path, what + " of shape " + shape_text(shape) + ", strides " + shape_text(strides) + " and offset " +
                             std::to_string(*offset) + " reaches out of storage " + in_quotes(ref.key) + " of " +
                             std::to_string(ref.count) + " elements");
    }
    const auto bytes = storages_.find(ref).subspan(static_cast<size_t>(*offset) * dtype_size(ref.dtype));
    if (is_row_major(shape, strides)) {
      return {name, ref.dtype, shape, bytes.first(*size_bytes), storages_.keeper};
    }
    if (*size_bytes > copy_budget_) {
      fail(result_.path,
           what + " of shape " + shape_text(shape) + " and strides " + shape_text(strides) +
               " would be copied to more bytes than the whole file has",
           ErrorKind::kUnsupported);
    }
    copy_budget_ -= *size_bytes;
    auto copy = std::make_shared<std::vector<std::byte>>(copy_row_major(bytes, dtype_size(ref.dtype), shape, strides));
    return {name, ref.dtype, shape, *copy, copy};
  }

  void check_is_dense(const std::string& what, const TensorCall& call) const {
    if (call.function == kRebuildTensor || call.function == kRebuildTensorV2) {
      return;
    }
    if (call.function == kRebuildTensorOfDType) {
      const auto* dtype = call.arguments.size() > 6 ? PickleNode::as<PickleGlobal>(call.arguments[6]) : nullptr;
      fail(result_.path,
           what + " has dtype " + (dtype != nullptr ? dtype->name : "?") + ", which bertjit does not read",
           ErrorKind::kUnsupported);
    }
    fail(result_.path,
         what + " is made by " + std::string(call.function) +
             ", which bertjit does not read (it reads dense tensors that are not quantized)",
         ErrorKind::kUnsupported);
  }

  std::vector<int64_t> read_numbers(const std::string& what, const PickleTuple& tuple) const {
    std::vector<int64_t> numbers;
    for (const PickleNode* item : tuple.items) {
      const auto* number = PickleNode::as<int64_t>(item);
      if (number == nullptr) {
        fail(result_.path, what + " has a shape or strides that are not whole numbers");
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  TensorFile& result_;
  const StorageSource& storages_;
  uint64_t copy_budget_;
};

[[noreturn]] void refuse_storage_type(const std::filesystem::path& path, const std::string& key,
                                      const std::string& type) {
  fail(path, "storage " + in_quotes(key) + " is a " + type + ", which bertjit does not read", ErrorKind::kUnsupported);
}

/// Holds the tensors that a pickle makes against the storages that it describes; reads none.
class TensorChecker {
 public:
  explicit TensorChecker(const std::filesystem::path& path) : path_(path) {}

  size_t check(const Pickle& pickle) {
    for (const PickleNode& node : pickle.nodes) {
      if (const auto* call = PickleNode::as<PickleCall>(&node)) {
        check_call(*call);
      }
    }
    return count_;
  }

 private:
  void check_call(const PickleCall& call) {
    const auto& arguments = call.arguments->items;
    if (call.callable->name != kRebuildFromType) {
      return check_call(call.callable->name, arguments);
    }
    const auto* inner = arguments.size() > 2 ? PickleNode::as<PickleGlobal>(arguments[0]) : nullptr;
    const auto* inner_arguments = inner != nullptr ? PickleNode::as<PickleTuple>(arguments[2]) : nullptr;
    if (inner_arguments == nullptr || !inner->name.starts_with(kRebuild)) {
      fail(path_, "makes a tensor with attributes in a way that torch.save does not", ErrorKind::kUnsupported);
    }
    check_call(inner->name, inner_arguments->items);
  }

  void check_call(const std::string& function, const std::vector<const PickleNode*>& arguments) {
    const bool is_wrapper = function == kRebuildParameter || function == kRebuildParameterWithState;
    if (is_wrapper || std::ranges::find(kPlainCalls, std::string_view(function)) != kPlainCalls.end()) {
      return;  // the tensor that it wraps is a call of its own
    }
    if (function != kRebuildTensor && function != kRebuildTensorV2 && function != kRebuildTensorOfDType) {
      fail(path_,
           "makes an object by " + in_quotes(function) +
               ", which bertjit does not read (of tensors it reads dense ones)",
           ErrorKind::kUnsupported);
    }
    check_dense(function, arguments);
    ++count_;
  }

  /// (storage, offset, size, stride, …), and for _v3 the dtype as the seventh
  void check_dense(const std::string& function, const std::vector<const PickleNode*>& arguments) const {
    const auto argument = [&](size_t i) { return i < arguments.size() ? arguments[i] : nullptr; };
    const auto* persistent = PickleNode::as<PicklePersistentId>(argument(0));
    const auto* offset = PickleNode::as<int64_t>(argument(1));
    const auto shape = numbers_of(argument(2));
    const auto strides = numbers_of(argument(3));
    if (persistent == nullptr || offset == nullptr || !shape || !strides || shape->size() != strides->size()) {
      fail(path_, "makes a tensor of something other than a storage, an offset, a shape of at most " +
                      std::to_string(kMaxDimensions) + " dimensions and as many strides");
    }
    const AnyStorage storage = parse_any_storage(path_, *persistent);
    const uint64_t element_size = function == kRebuildTensorOfDType ? size_of_dtype(argument(6)) : storage.element_size;
    const auto count = static_cast<int64_t>(storage.size_bytes() / element_size);
    const auto extent = strided_extent(*shape, *strides);
    if (*offset < 0 || *offset > count || !tensor_size_bytes(DType::kInt64, *shape) || !extent ||
        *extent > count - *offset) {
      fail(path_, "makes a tensor of shape " + shape_text(*shape) + ", strides " + shape_text(*strides) +
                      " and offset " + std::to_string(*offset) + ", which reaches out of storage " +
                      in_quotes(storage.key) + " of " + std::to_string(count) + " elements");
    }
  }

  uint64_t size_of_dtype(const PickleNode* node) const {
    const auto* dtype = PickleNode::as<PickleGlobal>(node);
    const auto found = std::ranges::find(kDTypeSizes, std::string_view(dtype != nullptr ? dtype->name : ""),
                                         &decltype(kDTypeSizes)::value_type::first);
    if (found == kDTypeSizes.end()) {
      fail(path_, "makes a tensor of a dtype that bertjit does not know", ErrorKind::kUnsupported);
    }
    return found->second;
  }

  static std::optional<std::vector<int64_t>> numbers_of(const PickleNode* node) {
    const auto* tuple = PickleNode::as<PickleTuple>(node);
    if (tuple == nullptr || tuple->items.size() > kMaxDimensions) {
      return std::nullopt;
    }
    std::vector<int64_t> numbers;
    for (const PickleNode* item : tuple->items) {
      const auto* number = PickleNode::as<int64_t>(item);
      if (number == nullptr) {
        return std::nullopt;
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  const std::filesystem::path& path_;
  size_t count_ = 0;
};

/// 0 for a type that is on no list.
uint64_t element_size_of(std::string_view type) {
  const auto known = std::ranges::find(kStorageTypes, type, &StorageType::global);
  if (known != kStorageTypes.end()) {
    return dtype_size(known->dtype);
  }
  const auto other = std::ranges::find(kOtherStorageTypes, type, &decltype(kOtherStorageTypes)::value_type::first);
  return other == kOtherStorageTypes.end() ? 0 : other->second;
}

}  // namespace

bool is_tensor_global(const std::string& name) {
  return std::ranges::find(kStorageTypes, std::string_view(name), &StorageType::global) != kStorageTypes.end() ||
         std::ranges::find(kOtherGlobals, std::string_view(name)) != kOtherGlobals.end();
}

AnyStorage parse_any_storage(const std::filesystem::path& path, const PicklePersistentId& persistent) {
  const auto* id = PickleNode::as<PickleTuple>(persistent.id);
  const auto item = [&](size_t i) { return id != nullptr && i < id->items.size() ? id->items[i] : nullptr; };
  const auto* tag = PickleNode::as<std::string>(item(0));
  const auto* type = PickleNode::as<PickleGlobal>(item(1));
  const auto* key = PickleNode::as<std::string>(item(2));
  const auto* count = PickleNode::as<int64_t>(item(4));
  if (tag == nullptr || *tag != "storage" || type == nullptr || key == nullptr || count == nullptr || *count < 0) {
    fail(path, "has a persistent id that does not describe a storage");
  }
  if (item(5) != nullptr && PickleNode::as<std::monostate>(item(5)) == nullptr) {
    fail(path, "storage " + in_quotes(*key) + " is a view of another, a form PyTorch no longer writes",
         ErrorKind::kUnsupported);
  }
  const uint64_t element_size = element_size_of(type->name);
  if (element_size == 0) {
    refuse_storage_type(path, *key, type->name);
  }
  if (*count > std::numeric_limits<int64_t>::max() / static_cast<int64_t>(element_size)) {
    fail(path, "storage " + in_quotes(*key) + " has " + std::to_string(*count) + " elements, more than can be");
  }
  return {*key, type->name, element_size, *count};
}

StorageRef parse_storage(const std::filesystem::path& path, const PicklePersistentId& persistent) {
  const AnyStorage storage = parse_any_storage(path, persistent);
  const auto found = std::ranges::find(kStorageTypes, std::string_view(storage.type), &StorageType::global);
  if (found == kStorageTypes.end()) {
    refuse_storage_type(path, storage.key, storage.type);
  }
  return {storage.key, found->dtype, storage.count};
}

void read_state_dict(const PickleNode* root, const StorageSource& storages, TensorFile& result) {
  TensorReader(result, storages).read(root);
}

size_t check_tensors(const std::filesystem::path& path, const Pickle& pickle) {
  return TensorChecker(path).check(pickle);
}

}  // namespace bertjit
