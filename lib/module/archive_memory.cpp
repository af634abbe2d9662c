#include "module/archive_memory.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/jit/serialization/storage_context.h>

#include "support/error.h"

namespace bertjit {

namespace {

using caffe2::serialize::PyTorchStreamReader;
using caffe2::serialize::PyTorchStreamWriter;

/// Where torch.package's loader looks for the code of all modules, and for the pickles of one that it calls "module".
constexpr const char* kPackagedCode = ".data/ts_code/";
constexpr const char* kPackagedPickles = ".data/ts_code/module/";

class MemoryReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryReader(std::shared_ptr<const ArchiveMemory> memory) : memory_(std::move(memory)) {}

  size_t size() const override {
    return memory_->size();
  }
  size_t read(uint64_t position, void* buffer, size_t n, const char*) const override {
    return memory_->read(position, buffer, n);
  }

 private:
  std::shared_ptr<const ArchiveMemory> memory_;
};

bool is_storage(const std::string& record, const std::string& folder) {
  return record.starts_with(folder) && record.size() > folder.size();
}

std::string text_of(PyTorchStreamReader& archive, const std::string& record) {
  const auto [data, size] = archive.getRecord(record);
  return {static_cast<const char*>(data.get()), size};
}

/// Every storage of data/, by its name there, where it lies; nullptr where one of them cannot be used in place: it is
/// compressed, of another byte order, not aligned, or lies in several pieces. Constants have storages of the same names
/// in another folder, which the loader does not tell apart.
std::shared_ptr<torch::jit::DeserializationStorageContext> storages_in_place(
    PyTorchStreamReader& archive, const ArchiveMemory& memory,
    const std::function<bool(const std::string& record)>& is_stored) {
  auto storages = std::make_shared<torch::jit::DeserializationStorageContext>();
  if (archive.hasRecord("byteorder") && text_of(archive, "byteorder") != "little") {
    return nullptr;
  }
  for (const std::string& record : archive.getAllRecords()) {
    if (is_storage(record, "constants/")) {
      return nullptr;
    }
    if (!is_storage(record, "data/")) {
      continue;
    }
    if (archive.getRecordSize(record) == 0) {
      continue;  // the loader makes an empty storage itself
    }
    const auto bytes = memory.in_place(archive.getRecordOffset(record), archive.getRecordSize(record));
    const bool is_aligned = reinterpret_cast<uintptr_t>(bytes.data()) % alignof(std::max_align_t) == 0;
    if (bytes.empty() || !is_aligned || !is_stored(record)) {
      return nullptr;
    }
    auto owner = std::make_unique<std::shared_ptr<const void>>(memory.owner());
    at::DataPtr data(
        bytes.data(), owner.get(), [](void* kept) { delete static_cast<std::shared_ptr<const void>*>(kept); },
        at::kCPU);
    owner.release();
    storages->addStorage(record.substr(std::strlen("data/")),
                         at::Storage(at::Storage::use_byte_size_t(), bytes.size(), std::move(data),
                                     /*allocator=*/nullptr, /*resizable=*/false));
  }
  return storages;
}

/// The archive's code and pickles in a small one, under the names of torch.package.
std::shared_ptr<const std::string> repackage(PyTorchStreamReader& archive) {
  auto bytes = std::make_shared<std::string>();
  PyTorchStreamWriter writer(
      [&bytes](const void* data, size_t size) {
        bytes->append(static_cast<const char*>(data), size);
        return size;
      },
      /*compute_crc32=*/false);
  writer.setMinVersion(archive.version());
  for (const std::string& record : archive.getAllRecords()) {
    const bool is_code = record.starts_with("code/");
    if (is_code || record == "data.pkl" || record == "constants.pkl") {
      const auto [data, size] = archive.getRecord(record);
      writer.writeRecord((is_code ? kPackagedCode : kPackagedPickles) + record, data.get(), size);
    }
  }
  writer.writeEndOfFile();
  return bytes;
}

torch::jit::Module load_in_place(PyTorchStreamReader& archive,
                                 const std::shared_ptr<torch::jit::DeserializationStorageContext>& storages) {
  const auto bytes = repackage(archive);
  auto* begin = reinterpret_cast<std::byte*>(const_cast<char*>(bytes->data()));
  const std::vector<std::span<std::byte>> pieces = {{begin, bytes->size()}};
  auto reader = std::make_shared<PyTorchStreamReader>(
      std::make_shared<MemoryReader>(std::make_shared<const ArchiveMemory>(pieces, bytes)));
  return torch::jit::import_ir_module(std::make_shared<torch::jit::CompilationUnit>(), reader, storages,
                                      at::Device(at::kCPU), "module");
}

}  // namespace

ArchiveMemory::ArchiveMemory(std::vector<std::span<std::byte>> pieces, std::shared_ptr<const void> owner)
    : pieces_(std::move(pieces)), owner_(std::move(owner)) {
  for (const auto& piece : pieces_) {
    begins_.push_back(size_);
    size_ += piece.size();
  }
}

size_t ArchiveMemory::read(size_t position, void* buffer, size_t n) const {
  size_t done = 0;
  auto piece = static_cast<size_t>(std::ranges::upper_bound(begins_, position) - begins_.begin());
  for (piece -= piece > 0 ? 1 : 0; piece < pieces_.size() && done < n; ++piece) {
    const size_t skip = position + done - begins_[piece];
    if (skip < pieces_[piece].size()) {
      const size_t part = std::min(n - done, pieces_[piece].size() - skip);
      std::memcpy(static_cast<std::byte*>(buffer) + done, pieces_[piece].data() + skip, part);
      done += part;
    }
  }
  return done;
}

std::span<std::byte> ArchiveMemory::in_place(size_t position, size_t n) const {
  const auto after = std::ranges::upper_bound(begins_, position);
  if (after == begins_.begin()) {
    return {};
  }
  const auto piece = static_cast<size_t>(after - begins_.begin()) - 1;
  const size_t skip = position - begins_[piece];
  return skip + n <= pieces_[piece].size() ? pieces_[piece].subspan(skip, n) : std::span<std::byte>();
}

torch::jit::Module load_archive(std::shared_ptr<const ArchiveMemory> memory, const std::string& name,
                                const std::function<bool(const std::string& record)>& is_stored) {
  try {
    {
      PyTorchStreamReader archive(std::make_shared<MemoryReader>(memory));
      if (const auto storages = storages_in_place(archive, *memory, is_stored)) {
        return load_in_place(archive, storages);
      }
    }
    return torch::jit::load(std::make_shared<MemoryReader>(std::move(memory)), at::Device(at::kCPU));
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kCorrupt, name + ": libtorch cannot load it: " + error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kCorrupt, name + ": libtorch cannot load it: " + error.what());
  }
}

}  // namespace bertjit
