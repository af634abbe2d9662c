#include "container/pytorch_bin.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "container/bytes.h"
#include "container/pickle.h"
#include "container/strides.h"
#include "container/zip.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr char kRebuildTensor[] = "torch._utils._rebuild_tensor_v2";
constexpr char kRebuildTensorOfDType[] = "torch._utils._rebuild_tensor_v3";
constexpr char kRebuildParameter[] = "torch._utils._rebuild_parameter";
/// As numpy; a shape can be shared by all tensors of a file, so its copies must be small.
constexpr size_t kMaxDimensions = 64;
constexpr std::string_view kZipMagic = "PK";

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

/// What else a dict of tensors and plain values refers to. Dtypes and storages that are not read are here so that the
/// message can say so, rather than call them unsafe.
constexpr auto kOtherGlobals = std::to_array<std::string_view>({
    "__builtin__.set",
    "_codecs.encode",
    "builtins.set",
    "collections.OrderedDict",
    kRebuildParameter,
    kRebuildTensor,
    kRebuildTensorOfDType,
    "torch.Size",
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

bool is_allowed_global(const std::string& name) {
  return std::ranges::find(kStorageTypes, std::string_view(name), &StorageType::global) != kStorageTypes.end() ||
         std::ranges::find(kOtherGlobals, std::string_view(name)) != kOtherGlobals.end();
}

/// A storage as a persistent id describes it.
struct StorageRef {
  std::string key;
  DType dtype;
  int64_t count;  ///< elements

  uint64_t size_bytes() const {
    return static_cast<uint64_t>(count) * dtype_size(dtype);
  }
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what,
                       ErrorKind kind = ErrorKind::kCorrupt) {
  throw Error(kind, path.string() + ": " + what);
}

/// ("storage", type, key, location, count), and in the old form a sixth item for views of storages.
StorageRef parse_storage(const std::filesystem::path& path, const PicklePersistentId& persistent) {
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
    fail(path, "storage " + quote_name(*key) + " is a view of another, a form PyTorch no longer writes",
         ErrorKind::kUnsupported);
  }
  const auto found = std::ranges::find(kStorageTypes, std::string_view(type->name), &StorageType::global);
  if (found == kStorageTypes.end()) {
    fail(path, "storage " + quote_name(*key) + " is a " + type->name + ", which bertjit does not read",
         ErrorKind::kUnsupported);
  }
  if (!tensor_size_bytes(found->dtype, {*count})) {
    fail(path, "storage " + quote_name(*key) + " has " + std::to_string(*count) + " elements, more than can be");
  }
  return {*key, found->dtype, *count};
}

/// The call that makes a tensor, nullptr if the object is none. A parameter is a tensor in a wrapper.
const PickleCall* find_tensor_call(const PickleNode* node) {
  const auto* call = PickleNode::as<PickleCall>(node);
  if (call != nullptr && call->callable->name == kRebuildParameter && !call->arguments->items.empty()) {
    call = PickleNode::as<PickleCall>(call->arguments->items.front());
  }
  const bool is_tensor =
      call != nullptr && (call->callable->name == kRebuildTensor || call->callable->name == kRebuildTensorOfDType);
  return is_tensor ? call : nullptr;
}

/// The dict whose values are the tensors: the object itself, or what training scripts keep under these keys.
const PickleDict* find_state_dict(const PickleNode* root) {
  const auto* top = PickleNode::as<PickleDict>(root);
  if (top == nullptr) {
    return nullptr;
  }
  const auto has_tensors = [](const PickleDict& dict) {
    return std::ranges::any_of(dict.items, [](const auto& item) { return find_tensor_call(item.second) != nullptr; });
  };
  if (has_tensors(*top)) {
    return top;
  }
  for (const char* wanted : {"state_dict", "model"}) {
    for (const auto& [key, value] : top->items) {
      const auto* name = PickleNode::as<std::string>(key);
      const auto* dict = PickleNode::as<PickleDict>(value);
      if (name != nullptr && *name == wanted && dict != nullptr && has_tensors(*dict)) {
        return dict;
      }
    }
  }
  return nullptr;
}

/// What keeps the bytes of a checkpoint's tensors alive.
struct Storage {
  std::shared_ptr<void> file;
  std::deque<std::vector<std::byte>> copies;
};

/// The bytes of a storage, exactly as many as the reference says.
using StorageFinder = std::function<std::span<std::byte>(const StorageRef&)>;

/// Turns the calls in a pickle into views of storages.
class TensorReader {
 public:
  /// `file_size` bounds what is copied: a few bytes can claim to be expanded (stride 0) to any size.
  TensorReader(TensorFile& result, Storage& storage, StorageFinder find_storage, uint64_t file_size)
      : result_(result), storage_(storage), find_storage_(std::move(find_storage)), copy_budget_(file_size) {}

  void read(const PickleNode* root) {
    const PickleDict* dict = find_state_dict(root);
    if (dict == nullptr) {
      fail(result_.path, "holds no tensors by name, neither at its top level nor under 'state_dict' or 'model'",
           ErrorKind::kUnsupported);
    }
    for (const auto& [key, value] : dict->items) {
      const PickleCall* call = find_tensor_call(value);
      if (call == nullptr) {
        continue;
      }
      const auto* name = PickleNode::as<std::string>(key);
      if (name == nullptr) {
        fail(result_.path, "holds a tensor under a key that is not text", ErrorKind::kUnsupported);
      }
      result_.tensors.push_back(read_tensor(*name, *call));
    }
    sort_by_name(result_);
  }

 private:
  /// (storage, offset, size, stride, requires_grad, hooks)
  TensorView read_tensor(const std::string& name, const PickleCall& call) {
    const std::string what = "tensor " + quote_name(name);
    const auto& items = call.arguments->items;
    const auto argument = [&](size_t i) { return i < items.size() ? items[i] : nullptr; };
    if (call.callable->name == kRebuildTensorOfDType) {
      const auto* dtype = PickleNode::as<PickleGlobal>(argument(6));
      fail(result_.path,
           what + " has dtype " + (dtype != nullptr ? dtype->name : "?") + ", which bertjit does not read",
           ErrorKind::kUnsupported);
    }
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
                             std::to_string(*offset) + " reaches out of storage " + quote_name(ref.key) + " of " +
                             std::to_string(ref.count) + " elements");
    }
    const auto bytes = find_storage_(ref).subspan(static_cast<size_t>(*offset) * dtype_size(ref.dtype));
    if (is_row_major(shape, strides)) {
      return {name, ref.dtype, shape, bytes.first(*size_bytes)};
    }
    if (*size_bytes > copy_budget_) {
      fail(result_.path,
           what + " of shape " + shape_text(shape) + " and strides " + shape_text(strides) +
               " would be copied to more bytes than the whole file has",
           ErrorKind::kUnsupported);
    }
    copy_budget_ -= *size_bytes;
    return {name, ref.dtype, shape,
            storage_.copies.emplace_back(copy_row_major(bytes, dtype_size(ref.dtype), shape, strides))};
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
  Storage& storage_;
  StorageFinder find_storage_;
  uint64_t copy_budget_;
};

// The zip form: ROOT/data.pkl, ROOT/data/KEY for each storage, and ROOT/byteorder.

std::string find_root(const ZipArchive& archive) {
  for (const ZipRecord& record : archive.records()) {
    const size_t slash = record.name.find('/');
    if (slash != std::string::npos && std::string_view(record.name).substr(slash) == "/data.pkl") {
      return record.name.substr(0, slash + 1);
    }
  }
  fail(archive.path(), "is a zip archive without data.pkl, so torch.save did not write it", ErrorKind::kUnsupported);
}

void check_is_readable(const ZipArchive& archive, const std::string& root) {
  if (archive.find(root + "constants.pkl") != nullptr) {
    fail(archive.path(), "is a TorchScript archive, not a checkpoint of tensors", ErrorKind::kUnsupported);
  }
  const ZipRecord* byteorder = archive.find(root + "byteorder");
  if (byteorder != nullptr && as_text(archive.read(*byteorder)) != "little") {
    fail(archive.path(), "was written on a big-endian machine", ErrorKind::kUnsupported);
  }
}

TensorFile read_zip_form(const std::filesystem::path& path) {
  const auto archive = std::make_shared<ZipArchive>(path);
  const std::string root = find_root(*archive);
  check_is_readable(*archive, root);
  const auto bytes = archive->read(*archive->find(root + "data.pkl"));
  const Pickle pickle = read_pickle(bytes, path.string(), is_allowed_global);
  if (pickle.size_bytes != bytes.size()) {
    fail(path, "data.pkl has " + std::to_string(bytes.size() - pickle.size_bytes) + " bytes after its pickle");
  }

  std::map<std::string, std::span<std::byte>> checked;
  const auto find_storage = [&](const StorageRef& ref) {
    const ZipRecord* record = archive->find(root + "data/" + ref.key);
    if (record == nullptr) {
      fail(path, "storage " + quote_name(ref.key) + " is missing from the archive");
    }
    if (record->size != ref.size_bytes()) {
      fail(path, "storage " + quote_name(ref.key) + " has " + std::to_string(record->size) + " bytes; " +
                     std::to_string(ref.count) + " elements of " + dtype_name(ref.dtype) + " need " +
                     std::to_string(ref.size_bytes()));
    }
    const auto [entry, is_new] = checked.try_emplace(ref.key);
    if (is_new) {
      entry->second = archive->stored_bytes(*record);
      archive->check_crc(*record);
    }
    return entry->second;
  };
  const auto storage = std::make_shared<Storage>(Storage{archive, {}});
  TensorFile result{.path = path, .storage = storage};
  TensorReader(result, *storage, find_storage, archive->size_bytes()).read(pickle.root);
  return result;
}

// The old form: pickles of a magic number, a protocol version, a description of the machine, the object, and the list
// of storage keys; then each storage as its number of elements and its bytes.

/// 0x1950a86a20f9469cfc6c
constexpr std::string_view kMagicNumber = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kProtocolVersion = 1001;

class OldFormReader {
 public:
  explicit OldFormReader(const std::filesystem::path& path) : path_(path), file_(std::make_shared<MappedFile>(path)) {}

  TensorFile read() {
    check_preamble();
    const Pickle object = next_pickle();
    read_storages(storage_refs(object), next_pickle());
    const auto storage = std::make_shared<Storage>(Storage{file_, {}});
    TensorFile result{.path = path_, .storage = storage};
    const auto find_storage = [&](const StorageRef& ref) { return storages_.at(ref.key); };
    TensorReader(result, *storage, find_storage, file_->bytes().size()).read(object.root);
    return result;
  }

 private:
  Pickle next_pickle() {
    Pickle pickle = read_pickle(file_->bytes().subspan(position_), path_.string(), is_allowed_global);
    position_ += pickle.size_bytes;
    return pickle;
  }

  void check_preamble() {
    const Pickle magic = next_pickle();
    const auto* number = PickleNode::as<PickleLong>(magic.root);
    if (number == nullptr || number->bytes != kMagicNumber) {
      fail(path_, "is a pickle, but not one that torch.save wrote (no magic number)", ErrorKind::kUnsupported);
    }
    const Pickle protocol = next_pickle();
    const auto* version = PickleNode::as<int64_t>(protocol.root);
    if (version == nullptr || *version != kProtocolVersion) {
      fail(path_, "has a protocol version other than 1001", ErrorKind::kUnsupported);
    }
    const Pickle machine = next_pickle();
    const auto* facts = PickleNode::as<PickleDict>(machine.root);
    for (const auto& [key, value] : facts != nullptr ? facts->items : decltype(facts->items)()) {
      const auto* name = PickleNode::as<std::string>(key);
      const auto* is_true = PickleNode::as<bool>(value);
      if (name != nullptr && *name == "little_endian" && is_true != nullptr && !*is_true) {
        fail(path_, "was written on a big-endian machine", ErrorKind::kUnsupported);
      }
    }
  }

  std::map<std::string, StorageRef> storage_refs(const Pickle& object) const {
    std::map<std::string, StorageRef> refs;
    for (const PickleNode& node : object.nodes) {
      const auto* persistent = PickleNode::as<PicklePersistentId>(&node);
      if (persistent == nullptr) {
        continue;
      }
      const StorageRef ref = parse_storage(path_, *persistent);
      const auto [entry, is_new] = refs.emplace(ref.key, ref);
      if (!is_new && (entry->second.dtype != ref.dtype || entry->second.count != ref.count)) {
        fail(path_, "storage " + quote_name(ref.key) + " is described in two ways");
      }
    }
    return refs;
  }

  void read_storages(const std::map<std::string, StorageRef>& refs, const Pickle& keys) {
    const auto* list = PickleNode::as<PickleList>(keys.root);
    if (list == nullptr) {
      fail(path_, "has no list of storages");
    }
    const auto bytes = file_->bytes();
    ByteCursor cursor(bytes, path_.string() + ": file");
    cursor.take(position_);
    for (const PickleNode* item : list->items) {
      const auto* key = PickleNode::as<std::string>(item);
      const auto found = key != nullptr ? refs.find(*key) : refs.end();
      if (found == refs.end()) {
        fail(path_, "lists a storage that no tensor uses");
      }
      const StorageRef& ref = found->second;
      const auto count = cursor.read<int64_t>();
      if (count != ref.count) {
        fail(path_, "storage " + quote_name(ref.key) + " has " + std::to_string(count) + " elements, its tensors say " +
                        std::to_string(ref.count));
      }
      const size_t begin = cursor.position();
      cursor.take(ref.size_bytes());
      if (!storages_.emplace(ref.key, bytes.subspan(begin, ref.size_bytes())).second) {
        fail(path_, "lists storage " + quote_name(ref.key) + " twice");
      }
    }
    if (cursor.remaining() != 0) {
      fail(path_, "has " + std::to_string(cursor.remaining()) + " bytes after its last storage");
    }
    if (storages_.size() != refs.size()) {
      fail(path_,
           "describes " + std::to_string(refs.size()) + " storages and holds " + std::to_string(storages_.size()));
    }
  }

  std::filesystem::path path_;
  std::shared_ptr<MappedFile> file_;
  size_t position_ = 0;
  std::map<std::string, std::span<std::byte>> storages_;
};

bool has_zip_magic(const std::filesystem::path& path) {
  const MappedFile file(path);
  return as_text(file.bytes()).starts_with(kZipMagic);
}

}  // namespace

TensorFile read_pytorch_bin(const std::filesystem::path& path) {
  return has_zip_magic(path) ? read_zip_form(path) : OldFormReader(path).read();
}

}  // namespace bertjit
