#include "container/npz.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "container/bytes.h"
#include "container/npy.h"
#include "container/zip.h"
#include "container/zip_writer.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr std::string_view kSuffix = ".npy";

}  // namespace

TensorFile read_npz(const std::filesystem::path& path) {
  struct Storage {
    explicit Storage(const std::filesystem::path& path) : archive(path) {}
    ZipArchive archive;
    std::deque<std::vector<std::byte>> buffers;  // a deque: views must stay valid while it grows
  };
  auto storage = std::make_shared<Storage>(path);
  TensorFile result{.path = path};
  for (const ZipRecord& record : storage->archive.records()) {
    if (!record.name.ends_with(kSuffix)) {
      throw Error(ErrorKind::kUnsupported,
                  path.string() + ": record " + in_quotes(record.name) + " is not a .npy array");
    }
    std::span<std::byte> bytes;
    if (record.method == ZipMethod::kStored) {
      storage->archive.check_crc(record);
      bytes = storage->archive.stored_bytes(record);
    } else {
      bytes = storage->buffers.emplace_back(storage->archive.read(record));
    }
    const std::string name = record.name.substr(0, record.name.size() - kSuffix.size());
    const std::string what = path.string() + ": array " + in_quotes(name);
    result.tensors.push_back(parse_npy(bytes, what, name, storage->buffers.emplace_back()));
    result.tensors.back().storage = storage;
  }
  sort_by_name(result);
  return result;
}

void write_npz(const std::filesystem::path& path, std::span<const TensorView> tensors) {
  AtomicFile file(path);
  ZipWriter writer([&](std::span<const std::byte> bytes) { file.write(bytes); });
  for (const TensorView& tensor : tensors) {
    check_view(tensor);
    const std::string header = make_npy_header(tensor);
    writer.add(tensor.name + std::string(kSuffix), {std::as_bytes(std::span(header)), tensor.bytes});
  }
  writer.finish();
  file.commit();
}

}  // namespace bertjit
