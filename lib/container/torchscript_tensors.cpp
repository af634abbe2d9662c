#include "container/torchscript_tensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "container/bytes.h"
#include "container/pickled_tensors.h"
#include "container/strides.h"
#include "container/tensors.h"

namespace bertjit {

namespace {

constexpr std::string_view kRebuild = "torch._utils._rebuild_";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildQTensor = "torch._utils._rebuild_qtensor";
constexpr std::string_view kPerTensor = "torch.per_tensor_affine";
constexpr std::string_view kPerChannel = "torch.per_channel_affine";
constexpr std::string_view kPerChannelFloat = "torch.per_channel_affine_float_qparams";
/// As numpy.
constexpr size_t kMaxDimensions = 64;
/// A scale is a number of a tensor; one tensor of scales serves all its names.
constexpr uint64_t kMinValueBudget = 1u << 20;

struct StorageType {
  std::string_view global;
  const char* dtype;
  size_t size;
};

/// c10/core/ScalarType.h: the storage is named after the C++ type.
constexpr auto kStorageTypes = std::to_array<StorageType>({
    {"torch.FloatStorage", "float32", 4},
    {"torch.DoubleStorage", "float64", 8},
    {"torch.HalfStorage", "float16", 2},
    {"torch.BFloat16Storage", "bfloat16", 2},
    {"torch.LongStorage", "int64", 8},
    {"torch.IntStorage", "int32", 4},
    {"torch.ShortStorage", "int16", 2},
    {"torch.CharStorage", "int8", 1},
    {"torch.ByteStorage", "uint8", 1},
    {"torch.BoolStorage", "bool", 1},
    {"torch.QInt8Storage", "qint8", 1},
    {"torch.QUInt8Storage", "quint8", 1},
    {"torch.QInt32Storage", "qint32", 4},
    {"torch.UInt16Storage", "uint16", 2},
    {"torch.UInt32Storage", "uint32", 4},
    {"torch.UInt64Storage", "uint64", 8},
    {"torch.ComplexHalfStorage", "complex32", 4},
    {"torch.ComplexFloatStorage", "complex64", 8},
    {"torch.ComplexDoubleStorage", "complex128", 16},
    {"torch.Float8_e5m2Storage", "float8_e5m2", 1},
    {"torch.Float8_e4m3fnStorage", "float8_e4m3fn", 1},
    {"torch.Float8_e5m2fnuzStorage", "float8_e5m2fnuz", 1},
    {"torch.Float8_e4m3fnuzStorage", "float8_e4m3fnuz", 1},
    {"torch.Float8_e8m0fnuStorage", "float8_e8m0fnu", 1},
});

constexpr auto kOtherGlobals = std::to_array<std::string_view>({
    "builtins.complex",
    "torch.QUInt2x4Storage",
    "torch.QUInt4x2Storage",
    "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.build_doublelist",
    "torch.jit._pickle.build_intlist",
    "torch.jit._pickle.build_tensor_from_id",
    "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.restore_type_tag",
    kPerChannelFloat,
});

const PickleNode* item(const PickleTuple* tuple, size_t i) {
  return tuple != nullptr && i < tuple->items.size() ? tuple->items[i] : nullptr;
}

/// {"conj": True, "neg": True}, in C++ written since PyTorch 1.11.
std::string math_bits_text(const PickleNode* node) {
  std::string text;
  const auto* dict = PickleNode::as<PickleDict>(node);
  for (const auto& [key, value] : dict != nullptr ? dict->items : decltype(dict->items)()) {
    const auto* name = PickleNode::as<std::string>(key);
    const auto* is_set = PickleNode::as<bool>(value);
    if (name != nullptr && is_set != nullptr && *is_set) {
      text += (text.empty() ? "" : ",") + *name;
    }
  }
  return text;
}

std::optional<uint64_t> size_in_bytes(size_t element_size, const std::vector<int64_t>& shape) {
  uint64_t size = element_size;
  bool is_empty = false;
  for (const int64_t length : shape) {
    if (length < 0 || (length > 0 && __builtin_mul_overflow(size, static_cast<uint64_t>(length), &size))) {
      return std::nullopt;
    }
    is_empty |= length == 0;
  }
  return is_empty ? 0 : size;
}

template <class T>
std::vector<double> widen(std::span<const std::byte> bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<double>(value);
  }
  return values;
}

}  // namespace

bool is_script_global(const std::string& name) {
  return name.starts_with("__torch__.") || is_tensor_global(name) ||
         std::ranges::find(kStorageTypes, std::string_view(name), &StorageType::global) != kStorageTypes.end() ||
         std::ranges::find(kOtherGlobals, std::string_view(name)) != kOtherGlobals.end();
}

bool is_tensor_call(const PickleCall& call) {
  return call.callable->name.starts_with(kRebuild);
}

ScriptTensorReader::ScriptTensorReader(const ScriptArchive& file, std::string folder)
    : file_(file),
      folder_(std::move(folder)),
      value_budget_(std::max<uint64_t>(file.archive->size_bytes(), kMinValueBudget)) {}

void ScriptTensorReader::fail(const std::string& name, const std::string& what, ErrorKind kind) const {
  throw Error(kind, file_.archive->path().string() + ": tensor " + in_quotes(name) + " " + what);
}

std::vector<int64_t> ScriptTensorReader::read_numbers(const std::string& name, const PickleNode* node) const {
  const auto* tuple = PickleNode::as<PickleTuple>(node);
  if (tuple == nullptr || tuple->items.size() > kMaxDimensions) {
    fail(name, "has no shape and strides of at most " + std::to_string(kMaxDimensions) + " dimensions",
         ErrorKind::kCorrupt);
  }
  std::vector<int64_t> numbers;
  for (const PickleNode* entry : tuple->items) {
    const auto* number = PickleNode::as<int64_t>(entry);
    if (number == nullptr) {
      fail(name, "has a shape or strides that are not whole numbers", ErrorKind::kCorrupt);
    }
    numbers.push_back(*number);
  }
  return numbers;
}

/// ("storage", type, key, device, elements)
void ScriptTensorReader::read_storage(const PickleNode* node, ScriptTensor& tensor) const {
  const auto* persistent = PickleNode::as<PicklePersistentId>(node);
  const auto* id = persistent != nullptr ? PickleNode::as<PickleTuple>(persistent->id) : nullptr;
  const auto* tag = PickleNode::as<std::string>(item(id, 0));
  const auto* type = PickleNode::as<PickleGlobal>(item(id, 1));
  const auto* key = PickleNode::as<std::string>(item(id, 2));
  const auto* device = PickleNode::as<std::string>(item(id, 3));
  const auto* elements = PickleNode::as<int64_t>(item(id, 4));
  if (tag == nullptr || *tag != "storage" || type == nullptr || key == nullptr || device == nullptr ||
      elements == nullptr || *elements < 0) {
    fail(tensor.name, "has no storage that is a type, a key, a device and a number of elements", ErrorKind::kCorrupt);
  }
  const auto found = std::ranges::find(kStorageTypes, std::string_view(type->name), &StorageType::global);
  if (found == kStorageTypes.end()) {
    fail(tensor.name, "lies in a " + in_quotes(type->name) + ", which bertjit does not read", ErrorKind::kUnsupported);
  }
  tensor.dtype = found->dtype;
  tensor.element_size = found->size;
  tensor.record = folder_ + *key;
  tensor.device = *device;
  tensor.storage_elements = *elements;
  const ZipRecord* record = file_.find(tensor.record);
  if (record == nullptr) {
    fail(tensor.name, "needs record " + in_quotes(tensor.record) + ", which is missing from the archive",
         ErrorKind::kCorrupt);
  }
  const auto size = size_in_bytes(tensor.element_size, {tensor.storage_elements});
  // A storage that is also viewed with a smaller dtype can have a few bytes more.
  if (!size || *size > record->size || record->size - *size >= tensor.element_size) {
    fail(tensor.name,
         "lies in record " + in_quotes(tensor.record) + " of " + std::to_string(record->size) + " bytes, not " +
             std::to_string(*elements) + " elements of " + tensor.dtype,
         ErrorKind::kCorrupt);
  }
}

void ScriptTensorReader::check_extent(const ScriptTensor& tensor) const {
  const auto extent = tensor.shape.size() == tensor.strides.size() ? strided_extent(tensor.shape, tensor.strides)
                                                                   : std::optional<int64_t>();
  if (!extent || tensor.storage_offset < 0 || tensor.storage_offset > tensor.storage_elements ||
      *extent > tensor.storage_elements - tensor.storage_offset) {
    fail(tensor.name,
         "of shape " + shape_text(tensor.shape) + ", strides " + shape_text(tensor.strides) + " and offset " +
             std::to_string(tensor.storage_offset) + " reaches out of record " + in_quotes(tensor.record) + " of " +
             std::to_string(tensor.storage_elements) + " elements",
         ErrorKind::kCorrupt);
  }
}

ScriptTensor ScriptTensorReader::read(const std::string& name, const PickleCall& call) {
  const std::string_view function = call.callable->name;
  const bool is_quantized = function == kRebuildQTensor;
  if (!is_quantized && function != kRebuildTensor && function != kRebuildTensorV2) {
    fail(name, "is made by " + in_quotes(function) + ", which bertjit does not read (it reads dense tensors)",
         ErrorKind::kUnsupported);
  }
  ScriptTensor tensor{.name = name};
  read_storage(item(call.arguments, 0), tensor);
  const auto* offset = PickleNode::as<int64_t>(item(call.arguments, 1));
  if (offset == nullptr) {
    fail(name, "has no offset", ErrorKind::kCorrupt);
  }
  tensor.storage_offset = *offset;
  tensor.shape = read_numbers(name, item(call.arguments, 2));
  tensor.strides = read_numbers(name, item(call.arguments, 3));
  const auto size = size_in_bytes(tensor.element_size, tensor.shape);
  if (!size) {
    fail(name, "of shape " + shape_text(tensor.shape) + " has more elements than can be", ErrorKind::kCorrupt);
  }
  tensor.size_bytes = *size;
  check_extent(tensor);
  const size_t flags = is_quantized ? 5 : 4;
  if (is_quantized) {
    tensor.quantization = read_quantizer(name, item(call.arguments, 4));
  }
  const auto* requires_grad = PickleNode::as<bool>(item(call.arguments, flags));
  tensor.requires_grad = requires_grad != nullptr && *requires_grad;
  tensor.math_bits = math_bits_text(item(call.arguments, flags + 2));
  return tensor;
}

/// (scheme, scale, zero point), or (scheme, scales, zero points, axis) with tensors.
ScriptQuantization ScriptTensorReader::read_quantizer(const std::string& name, const PickleNode* node) {
  const auto* tuple = PickleNode::as<PickleTuple>(node);
  const auto* scheme = PickleNode::as<PickleGlobal>(item(tuple, 0));
  if (scheme == nullptr) {
    fail(name, "is quantized, but does not say how", ErrorKind::kCorrupt);
  }
  ScriptQuantization result{
      .scheme = scheme->name.substr(scheme->name.rfind('.') + 1), .scales = {}, .zero_points = {}};
  if (scheme->name == kPerTensor) {
    const auto* scale = PickleNode::as<double>(item(tuple, 1));
    const auto* zero_point = PickleNode::as<int64_t>(item(tuple, 2));
    if (scale == nullptr || zero_point == nullptr) {
      fail(name, "is quantized without a scale and a zero point", ErrorKind::kCorrupt);
    }
    result.scales = {*scale};
    result.zero_points = {static_cast<double>(*zero_point)};
    return result;
  }
  const auto* axis = PickleNode::as<int64_t>(item(tuple, 3));
  if ((scheme->name != kPerChannel && scheme->name != kPerChannelFloat) || axis == nullptr) {
    fail(name, "is quantized by " + in_quotes(scheme->name) + ", which bertjit does not read", ErrorKind::kUnsupported);
  }
  result.scales = read_values(name + " (scales)", item(tuple, 1));
  result.zero_points = read_values(name + " (zero points)", item(tuple, 2));
  result.axis = *axis;
  return result;
}

std::vector<double> ScriptTensorReader::read_values(const std::string& name, const PickleNode* node) {
  const auto* call = PickleNode::as<PickleCall>(node);
  if (call == nullptr || call->callable->name == kRebuildQTensor) {
    fail(name, "is not a plain tensor", ErrorKind::kCorrupt);
  }
  const ScriptTensor tensor = read(name, *call);
  const uint64_t count = tensor.size_bytes / tensor.element_size;
  if (count > value_budget_) {
    fail(name, "has more numbers than the file has bytes", ErrorKind::kCorrupt);
  }
  value_budget_ -= count;
  file_.archive->check_crc(*file_.find(tensor.record));
  std::vector<std::byte> copy;
  const auto bytes = read_elements(file_, tensor, copy);
  if (tensor.dtype == "float64") {
    return widen<double>(bytes);
  }
  if (tensor.dtype == "float32") {
    return widen<float>(bytes);
  }
  if (tensor.dtype == "int64") {
    return widen<int64_t>(bytes);
  }
  if (tensor.dtype == "int32") {
    return widen<int32_t>(bytes);
  }
  fail(name, "has dtype " + tensor.dtype, ErrorKind::kUnsupported);
}

}  // namespace bertjit
