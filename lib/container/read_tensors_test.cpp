#include "container/read_tensors.h"

#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;

TEST_CASE("container: a file of tensors is read by its suffix, and by its first bytes where that says nothing") {
  const TempDir dir;
  for (const char* name : {"arrays.npz", "arrays_compressed.npz", "arrays.safetensors", "fortran.npy", "zip_form.bin",
                           "old_form.bin", "protocol4_old_form.bin"}) {
    INFO(name);
    const auto path = testing::testdata(std::string("container/") + name);
    const auto expected = read_tensors(path);
    std::filesystem::copy_file(path, dir / name);
    std::filesystem::rename(dir / name, dir / "unnamed");
    const auto actual = read_tensors(dir / "unnamed");
    REQUIRE(actual.tensors.size() == expected.tensors.size());
    for (size_t i = 0; i < actual.tensors.size(); ++i) {
      CHECK(actual.tensors[i].dtype == expected.tensors[i].dtype);
      CHECK(actual.tensors[i].shape == expected.tensors[i].shape);
      CHECK(testing::values<char>(actual.tensors[i]) == testing::values<char>(expected.tensors[i]));
    }
  }
}

TEST_CASE("container: a file that is of no known format is unsupported; a known suffix is taken at its word") {
  const TempDir dir;
  testing::write_bytes(dir / "x.txt", "hello, world");
  const Error error = error_of([&] { read_tensors(dir / "x.txt"); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("x.txt: is not a .safetensors, .npz, .npy or torch.save file"));
  testing::write_bytes(dir / "x.npz", "hello, world");
  CHECK_THAT(error_of([&] { read_tensors(dir / "x.npz"); }).what(), Contains("is not a complete zip archive"));
  CHECK(error_of([&] { read_tensors(dir / "missing.npz"); }).kind() == ErrorKind::kNotFound);
  CHECK(error_of([&] { read_tensors(dir.path()); }).kind() == ErrorKind::kInvalidArgument);
}

}  // namespace bertjit
