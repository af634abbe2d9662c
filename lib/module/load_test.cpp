#include "module/load.h"

#include "container/container_testing.h"
#include "container/zip.h"
#include "module/module_testing.h"
#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;
using testing::kSoundForward;
using testing::read_bytes;
using testing::save;
using testing::scripted;
using testing::TempDir;
using testing::write_bytes;

namespace {

at::Tensor answer(torch::jit::Module module) {
  return module.forward({at::tensor({3, 1, 4}, at::kLong).unsqueeze(0)}).toTensor();
}

}  // namespace

TEST_CASE("load: a saved module comes back with its answers, and without claims if it has none") {
  const TempDir dir;
  const auto module = scripted(kSoundForward);
  const LoadedModule loaded = load_module(save(module, dir / "m.pt"));
  CHECK(at::equal(answer(loaded.module), answer(module)));
  CHECK_FALSE(loaded.claims);
  CHECK(at::equal(answer(load_module_from_bytes(read_bytes(dir / "m.pt"), "m.pt")), answer(module)));
}

TEST_CASE("load: claims in the archive are read back") {
  const TempDir dir;
  Claims claims;
  claims.inputs = {"input_ids"};
  claims.outputs = {"embedded"};
  claims.dynamic_length = true;
  const LoadedModule loaded = load_module(save(scripted(kSoundForward), dir / "m.pt", claims));
  REQUIRE(loaded.claims);
  CHECK(loaded.claims->outputs == claims.outputs);
  CHECK(loaded.claims->dynamic_length == true);
}

TEST_CASE("load: claims that are no JSON are refused by the record's name") {
  const TempDir dir;
  const fs::path path = dir / "m.pt";
  save_module(scripted(kSoundForward), path, {"m", {{kClaimsRecord, "{not json"}}}, HashWhileWriting::kNo);
  const Error error = error_of([&] { load_module(path); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Equals(path.string() + ": extra/bertjit.json:1:3: is not valid JSON"));
}

TEST_CASE("load: one flipped weight bit, which torch::jit::load does not see, is refused by the record's name") {
  const TempDir dir;
  const fs::path path = dir / "m.pt";
  save(scripted(kSoundForward), path);
  std::string bytes = read_bytes(path);
  {
    const ZipArchive archive(path);
    const ZipRecord* record = archive.find("m/data/0");
    REQUIRE(record != nullptr);
    bytes[record->data_offset + 2] ^= 1;
  }
  write_bytes(path, bytes);
  CHECK_NOTHROW(torch::jit::load(path.string()));
  const Error error = error_of([&] { load_module(path); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains(path.string() + ": record 'm/data/0' has CRC-32 "));
}

TEST_CASE("load: a file cut anywhere is corrupt, never a crash") {
  const TempDir dir;
  const fs::path path = dir / "m.pt";
  save(scripted(kSoundForward), path);
  const std::string bytes = read_bytes(path);
  for (size_t size = 0; size < bytes.size(); size += 97) {
    INFO(size << " of " << bytes.size() << " bytes");
    write_bytes(path, bytes.substr(0, size));
    const Error error = error_of([&] { load_module(path); });
    CHECK(error.kind() == ErrorKind::kCorrupt);
    CHECK_THAT(error.what(), Contains(path.string()));
  }
}

TEST_CASE("load: a torch.save file is told from TorchScript, and a zip of anything from both") {
  const TempDir dir;
  write_bytes(dir / "saved.pt", testing::make_zip({{"saved/data.pkl", "x"}, {"saved/version", "3\n"}}));
  const Error saved = error_of([&] { load_module(dir / "saved.pt"); });
  CHECK(saved.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(saved.what(), Equals((dir / "saved.pt").string() +
                                  ": is a zip archive without code/: a torch.save file, not TorchScript"));
  write_bytes(dir / "other.zip", testing::make_zip({{"a/readme.txt", "x"}}));
  const Error other = error_of([&] { load_module(dir / "other.zip"); });
  CHECK(other.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(other.what(),
             Equals((dir / "other.zip").string() + ": is a zip archive without data.pkl: not a TorchScript file"));
}

TEST_CASE("load: what libtorch refuses is an Error with the path") {
  const TempDir dir;
  write_bytes(dir / "m.pt", testing::make_zip({{"m/data.pkl", "not a pickle"},
                                               {"m/code/__torch__.py", "not python"},
                                               {"m/constants.pkl", "x"},
                                               {"m/version", "3\n"}}));
  const Error error = error_of([&] { load_module(dir / "m.pt"); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains((dir / "m.pt").string() + ": libtorch cannot load it: "));
  CHECK(error_of([&] { load_module(dir / "absent.pt"); }).kind() == ErrorKind::kNotFound);
  CHECK(error_of([&] { load_module_from_bytes("no zip", "bytes"); }).kind() == ErrorKind::kCorrupt);
}

}  // namespace bertjit
