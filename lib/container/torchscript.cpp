#include "container/torchscript.h"

#include <algorithm>
#include <limits>

#include "container/bytes.h"
#include "container/pickle.h"
#include "container/strides.h"
#include "container/tensors.h"
#include "container/torchscript_classes.h"
#include "container/torchscript_tensors.h"
#include "container/torchscript_values.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr uint64_t kMaxPickleBytes = 1u << 30;
constexpr uint64_t kMaxTextBytes = 256u << 20;
/// What all tensors together may come to, since strides of 0 and shared storages cost a file nothing: this, or so many
/// times the file.
constexpr uint64_t kMaxExpandedBytes = 256u << 20;
constexpr uint64_t kMaxExpansion = 16;

[[noreturn]] void fail(const ZipArchive& archive, const std::string& what, ErrorKind kind = ErrorKind::kCorrupt) {
  throw Error(kind, archive.path().string() + ": " + what);
}

void check_is_readable(const ZipArchive& archive, const ArchiveListing& listing) {
  const auto has = [&](const char* name) { return archive.find(listing.root + "/" + name) != nullptr; };
  if (listing.root.empty() || !has("data.pkl")) {
    fail(archive,
         has("model.json")
             ? "is a TorchScript archive of PyTorch before 1.4; load it with that release and save it again"
             : "is no TorchScript archive: its records have no common folder with data.pkl",
         ErrorKind::kUnsupported);
  }
  const bool has_code = std::ranges::any_of(
      listing.records, [&](const ZipRecord& record) { return name_in_archive(listing, record).starts_with("code/"); });
  if (!has_code && !has("constants.pkl")) {
    fail(archive, "is no TorchScript archive: it has neither code/ nor constants.pkl (a checkpoint of torch.save?)",
         ErrorKind::kUnsupported);
  }
  if (!listing.byteorder.empty() && listing.byteorder != "little") {
    fail(archive, "was written on a big-endian machine", ErrorKind::kUnsupported);
  }
}

void sort_records(const ArchiveListing& listing, ScriptArchive& file) {
  for (const ZipRecord& record : file.archive->records()) {
    const std::string name = name_in_archive(listing, record);
    auto& list = name.ends_with(".debug_pkl")                                  ? file.debug
                 : name.starts_with("code/") && name.ends_with(".py")          ? file.code
                 : name.starts_with("extra/")                                  ? file.extra
                 : name.starts_with("data/") || name.starts_with("constants/") ? file.data
                                                                               : file.other;
    list.push_back({name, &record});
  }
  for (auto* list : {&file.code, &file.debug, &file.extra, &file.data, &file.other}) {
    std::ranges::sort(*list, {}, &ScriptRecord::name);
  }
}

std::string read_bounded(const ZipArchive& archive, const ZipRecord& record, uint64_t max_bytes) {
  if (record.size > max_bytes) {
    fail(archive,
         "record " + in_quotes(record.name) + " has " + std::to_string(record.size) + " bytes; at most " +
             std::to_string(max_bytes) + " are read",
         ErrorKind::kUnsupported);
  }
  return std::string(as_text(archive.read(record)));
}

Pickle read_script_pickle(const ZipArchive& archive, const ZipRecord& record) {
  const std::string bytes = read_bounded(archive, record, kMaxPickleBytes);
  Pickle pickle = read_pickle(std::as_bytes(std::span(bytes)), archive.path().string() + ": " + record.name,
                              PickleRules{is_script_global, /*keep_objects=*/true, "a TorchScript module"});
  if (pickle.size_bytes != bytes.size()) {
    fail(archive, "record " + in_quotes(record.name) + " has " + std::to_string(bytes.size() - pickle.size_bytes) +
                      " bytes after its pickle");
  }
  return pickle;
}

ScriptClasses read_classes(const ScriptArchive& file) {
  ScriptClasses classes;
  for (const ScriptRecord& record : file.code) {
    read_class_headers(qualifier_of_record(record.name), read_record_text(file, record), classes);
  }
  return classes;
}

/// From the tensor's first element to its last.
std::span<const std::byte> touched_bytes(std::span<const std::byte> storage, const ScriptTensor& tensor) {
  const auto extent = static_cast<size_t>(*strided_extent(tensor.shape, tensor.strides));
  return storage.subspan(static_cast<size_t>(tensor.storage_offset) * tensor.element_size,
                         extent * tensor.element_size);
}

uint64_t total_bytes(const std::vector<ScriptTensor>& tensors) {
  uint64_t total = 0;
  for (const ScriptTensor& tensor : tensors) {
    if (__builtin_add_overflow(total, tensor.size_bytes, &total)) {
      return std::numeric_limits<uint64_t>::max();
    }
  }
  return total;
}

void check_expansion(const ScriptArchive& file) {
  if (file.tensor_bytes > kMaxExpandedBytes && file.tensor_bytes / kMaxExpansion > file.archive->size_bytes()) {
    const ScriptTensor& largest = *std::ranges::max_element(file.tensors, {}, &ScriptTensor::size_bytes);
    fail(*file.archive,
         "its tensors have " + std::to_string(file.tensor_bytes) + " bytes, the whole file " +
             std::to_string(file.archive->size_bytes()) + "; the largest is " + in_quotes(largest.name) +
             ", of shape " + shape_text(largest.shape) + " and strides " + shape_text(largest.strides),
         ErrorKind::kUnsupported);
  }
}

}  // namespace

const char* script_role_name(ScriptRole role) {
  switch (role) {
    case ScriptRole::kParameter:
      return "parameter";
    case ScriptRole::kBuffer:
      return "buffer";
    case ScriptRole::kAttribute:
      return "attribute";
    case ScriptRole::kPacked:
      return "packed";
    case ScriptRole::kConstant:
      return "constant";
  }
  return "";
}

const char* script_kind_name(ScriptKind kind) {
  constexpr const char* kNames[] = {"None",   "bool",   "int",  "float", "complex", "str",
                                    "device", "tensor", "list", "tuple", "dict",    "object"};
  return kNames[static_cast<size_t>(kind)];
}

const ZipRecord* ScriptArchive::find(std::string_view name) const {
  return archive->find(root + "/" + std::string(name));
}

const ScriptTensor* ScriptArchive::find_tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &ScriptTensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

bool is_torchscript(const std::filesystem::path& path) {
  {
    const MappedFile file(path);
    if (!as_text(file.bytes()).starts_with("PK")) {
      return false;
    }
  }
  const ArchiveListing listing = list_archive(path);
  return listing.kind == ArchiveKind::kTorchScript ||
         std::ranges::any_of(listing.records, [&](const ZipRecord& record) {
           const std::string name = name_in_archive(listing, record);
           return name == "constants.pkl" || name == "model.json";
         });
}

ScriptArchive read_torchscript(const std::filesystem::path& path) {
  ScriptArchive file;
  file.archive = std::make_shared<const ZipArchive>(path);
  const ArchiveListing listing = list_archive(*file.archive);
  check_is_readable(*file.archive, listing);
  file.root = listing.root;
  file.version = listing.version;
  file.byteorder = listing.byteorder;
  file.serialization_id = listing.serialization_id;
  sort_records(listing, file);
  const ScriptClasses classes = read_classes(file);
  read_module_values(read_script_pickle(*file.archive, *file.find("data.pkl")), classes, file);
  if (const ZipRecord* constants = file.find("constants.pkl")) {
    read_constant_values(read_script_pickle(*file.archive, *constants), classes, file);
  }
  file.tensor_bytes = total_bytes(file.tensors);
  return file;
}

std::string read_record_text(const ScriptArchive& file, const ScriptRecord& record) {
  return read_bounded(*file.archive, *record.record, kMaxTextBytes);
}

void read_elements(const ScriptArchive& file, const ScriptTensor& tensor,
                   const std::function<void(std::span<const std::byte>)>& sink) {
  check_expansion(file);
  const ZipRecord& record = *file.find(tensor.record);
  std::vector<std::byte> unpacked;
  if (record.method != ZipMethod::kStored) {
    unpacked = file.archive->read(record);
  }
  const std::span<const std::byte> storage =
      record.method == ZipMethod::kStored ? file.archive->stored_bytes(record) : std::span<std::byte>(unpacked);
  const auto bytes = touched_bytes(storage, tensor);
  if (is_row_major(tensor.shape, tensor.strides)) {
    sink(bytes);
  } else {
    walk_row_major(bytes, tensor.element_size, tensor.shape, tensor.strides, sink);
  }
}

std::span<const std::byte> read_elements(const ScriptArchive& file, const ScriptTensor& tensor,
                                         std::vector<std::byte>& copy) {
  const ZipRecord& record = *file.find(tensor.record);
  if (record.method == ZipMethod::kStored && is_row_major(tensor.shape, tensor.strides)) {
    return touched_bytes(file.archive->stored_bytes(record), tensor);
  }
  copy.clear();
  read_elements(file, tensor,
                [&](std::span<const std::byte> piece) { copy.insert(copy.end(), piece.begin(), piece.end()); });
  return copy;
}

}  // namespace bertjit
