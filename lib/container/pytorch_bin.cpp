#include "container/pytorch_bin.h"

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "container/bytes.h"
#include "container/pickle.h"
#include "container/pickled_tensors.h"
#include "container/zip.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr std::string_view kZipMagic = "PK";
constexpr size_t kTarMagicOffset = 257;
constexpr std::string_view kTarMagic = "ustar";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what,
                       ErrorKind kind = ErrorKind::kCorrupt) {
  throw Error(kind, path.string() + ": " + what);
}

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

Pickle read_object(const ZipArchive& archive, const std::string& root) {
  const auto bytes = archive.read(*archive.find(root + "data.pkl"));
  Pickle pickle = read_pickle(bytes, archive.path().string(), is_tensor_global);
  if (pickle.size_bytes != bytes.size()) {
    fail(archive.path(),
         "data.pkl has " + std::to_string(bytes.size() - pickle.size_bytes) + " bytes after its pickle");
  }
  return pickle;
}

/// `type` stands in the message: "float32".
const ZipRecord& find_storage(const ZipArchive& archive, const std::string& root, const AnyStorage& storage,
                              const std::string& type) {
  const ZipRecord* record = archive.find(root + "data/" + storage.key);
  if (record == nullptr) {
    fail(archive.path(), "storage " + in_quotes(storage.key) + " is missing from the archive");
  }
  if (record->size != storage.size_bytes()) {
    fail(archive.path(), "storage " + in_quotes(storage.key) + " has " + std::to_string(record->size) + " bytes; " +
                             std::to_string(storage.count) + " elements of " + type + " need " +
                             std::to_string(storage.size_bytes()));
  }
  return *record;
}

TensorFile read_zip_form(const std::filesystem::path& path) {
  const auto archive = std::make_shared<ZipArchive>(path);
  const std::string root = find_root(*archive);
  check_is_readable(*archive, root);
  const Pickle pickle = read_object(*archive, root);
  std::map<std::string, std::span<std::byte>> checked;
  const auto find_bytes = [&](const StorageRef& ref) {
    const std::string type = dtype_name(ref.dtype);
    const ZipRecord& record = find_storage(*archive, root, {ref.key, type, dtype_size(ref.dtype), ref.count}, type);
    const auto [entry, is_new] = checked.try_emplace(ref.key);
    if (is_new) {
      entry->second = archive->stored_bytes(record);
      archive->check_crc(record);
    }
    return entry->second;
  };
  TensorFile result{.path = path};
  read_state_dict(pickle.root, {find_bytes, archive, archive->size_bytes()}, result);
  return result;
}

size_t check_zip_form(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  const std::string root = find_root(archive);
  check_is_readable(archive, root);
  const Pickle pickle = read_object(archive, root);
  for (const PickleNode& node : pickle.nodes) {
    if (const auto* persistent = PickleNode::as<PicklePersistentId>(&node)) {
      const AnyStorage storage = parse_any_storage(path, *persistent);
      find_storage(archive, root, storage, storage.type);
    }
  }
  return check_tensors(path, pickle);
}

// The old form: pickles of a magic number, a protocol version, a description of the machine, the object, and the list
// of storage keys; then each storage as its number of elements and its bytes.

/// 0x1950a86a20f9469cfc6c
constexpr std::string_view kMagicNumber = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kProtocolVersion = 1001;

class OldFormReader {
 public:
  OldFormReader(const std::filesystem::path& path, std::shared_ptr<MappedFile> file)
      : path_(path), file_(std::move(file)) {}

  TensorFile read() {
    const Pickle object = read_object();
    for (const PickleNode& node : object.nodes) {
      if (const auto* persistent = PickleNode::as<PicklePersistentId>(&node)) {
        parse_storage(path_, *persistent);
      }
    }
    read_storages(storages_of(object), next_pickle());
    TensorFile result{.path = path_};
    const auto find_bytes = [&](const StorageRef& ref) { return storages_.at(ref.key); };
    read_state_dict(object.root, {find_bytes, file_, file_->bytes().size()}, result);
    return result;
  }

  size_t check() {
    const Pickle object = read_object();
    read_storages(storages_of(object), next_pickle());
    return check_tensors(path_, object);
  }

 private:
  Pickle read_object() {
    check_preamble();
    return next_pickle();
  }

  Pickle next_pickle() {
    Pickle pickle = read_pickle(file_->bytes().subspan(position_), path_.string(), is_tensor_global);
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

  std::map<std::string, AnyStorage> storages_of(const Pickle& object) const {
    std::map<std::string, AnyStorage> refs;
    for (const PickleNode& node : object.nodes) {
      const auto* persistent = PickleNode::as<PicklePersistentId>(&node);
      if (persistent == nullptr) {
        continue;
      }
      const AnyStorage ref = parse_any_storage(path_, *persistent);
      const auto [entry, is_new] = refs.emplace(ref.key, ref);
      if (!is_new && (entry->second.type != ref.type || entry->second.count != ref.count)) {
        fail(path_, "storage " + in_quotes(ref.key) + " is described in two ways");
      }
    }
    return refs;
  }

  void read_storages(const std::map<std::string, AnyStorage>& refs, const Pickle& keys) {
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
      const AnyStorage& ref = found->second;
      const auto count = cursor.read<int64_t>();
      if (count != ref.count) {
        fail(path_, "storage " + in_quotes(ref.key) + " has " + std::to_string(count) + " elements, its tensors say " +
                        std::to_string(ref.count));
      }
      const size_t begin = cursor.position();
      cursor.take(ref.size_bytes());
      if (!storages_.emplace(ref.key, bytes.subspan(begin, ref.size_bytes())).second) {
        fail(path_, "lists storage " + in_quotes(ref.key) + " twice");
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

enum class Form { kZip, kOld };

Form form_of(const MappedFile& file) {
  const std::filesystem::path& path = file.path();
  const std::string_view text = as_text(file.bytes());
  refuse_git_lfs_pointer(path, text);
  if (text.starts_with(kZipMagic)) {
    return Form::kZip;
  }
  if (text.size() > kTarMagicOffset && text.substr(kTarMagicOffset).starts_with(kTarMagic)) {
    fail(path,
         "is a tar archive, the form torch.save wrote before PyTorch 0.1.10; load it with that release and save "
         "it again",
         ErrorKind::kUnsupported);
  }
  return Form::kOld;
}

}  // namespace

TensorFile read_pytorch_bin(const std::filesystem::path& path) {
  auto file = std::make_shared<MappedFile>(path);
  return form_of(*file) == Form::kZip ? read_zip_form(path) : OldFormReader(path, std::move(file)).read();
}

size_t check_pytorch_bin(const std::filesystem::path& path) {
  auto file = std::make_shared<MappedFile>(path);
  return form_of(*file) == Form::kZip ? check_zip_form(path) : OldFormReader(path, std::move(file)).check();
}

}  // namespace bertjit
