// Damaged files of every format: cut at every length, and with every byte changed. Run under AddressSanitizer and
// UndefinedBehaviorSanitizer these are the room's memory tests.

#include "container/container_testing.h"
#include "container/read_tensors.h"
#include "container/zip.h"

namespace bertjit {

using testing::TempDir;

namespace {

constexpr const char* kFiles[] = {"arrays.npz",    "arrays_compressed.npz",  "arrays.safetensors", "fortran.npy",
                                  "version3.npy",  "zip_form.bin",           "old_form.bin",       "training.bin",
                                  "protocol4.bin", "protocol4_old_form.bin", "protocol5.bin",      "wrapped.bin"};

enum class Outcome { kRead, kRefused };

/// A new file each time: cutting an existing one makes some file systems write it to the disk.
void write_anew(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);
  testing::write_bytes(path, bytes);
}

/// Reads every byte of every tensor, so that a view that leaves the file is caught.
Outcome read_all(const std::filesystem::path& path) {
  try {
    unsigned sum = 0;
    for (const TensorView& tensor : read_tensors(path).tensors) {
      REQUIRE(tensor_size_bytes(tensor.dtype, tensor.shape) == tensor.bytes.size());
      for (const std::byte b : tensor.bytes) {
        sum += static_cast<unsigned>(b);
      }
    }
    CHECK(sum < UINT32_MAX);
    return Outcome::kRead;
  } catch (const Error&) {
    return Outcome::kRefused;
  }
}

}  // namespace

TEST_CASE("container: a file cut short at any length is refused") {
  const TempDir dir;
  for (const char* name : kFiles) {
    const std::string whole = testing::read_bytes(testing::testdata(std::string("container/") + name));
    write_anew(dir / name, whole);
    CHECK(read_all(dir / name) == Outcome::kRead);
    for (size_t length = 0; length < whole.size(); ++length) {
      write_anew(dir / name, whole.substr(0, length));
      if (read_all(dir / name) != Outcome::kRefused) {
        FAIL_CHECK(name << " cut to " << length << " bytes was read");
      }
    }
  }
}

TEST_CASE("container: a file with any one byte changed is refused or read, and never anything else") {
  const TempDir dir;
  for (const char* name : kFiles) {
    std::string bytes = testing::read_bytes(testing::testdata(std::string("container/") + name));
    size_t refused = 0;
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      for (char& byte : bytes) {
        byte ^= mask;
        write_anew(dir / name, bytes);
        refused += read_all(dir / name) == Outcome::kRefused;
        byte ^= mask;
      }
    }
    INFO(name << ": " << refused << " of " << 3 * bytes.size());
    CHECK(refused > 0);
  }
}

TEST_CASE("container: any changed byte of the tensors in a zip-form checkpoint or .npz is found") {
  const TempDir dir;
  for (const char* name : {"zip_form.bin", "arrays.npz"}) {
    const auto path = testing::testdata(std::string("container/") + name);
    std::string bytes = testing::read_bytes(path);
    const ZipArchive archive(path);
    for (const ZipRecord& record : archive.records()) {
      if (record.name.find("/data/") == std::string::npos && !record.name.ends_with(".npy")) {
        continue;
      }
      for (uint64_t i = 0; i < record.size; ++i) {
        bytes[record.data_offset + i] ^= 1;
        write_anew(dir / name, bytes);
        CHECK(read_all(dir / name) == Outcome::kRefused);
        bytes[record.data_offset + i] ^= 1;
      }
    }
  }
}

}  // namespace bertjit
