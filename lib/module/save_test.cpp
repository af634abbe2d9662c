#include "module/save.h"

#include <filesystem>

#include "container/zip.h"
#include "module/module_testing.h"
#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using testing::kSoundForward;
using testing::read_bytes;
using testing::scripted;
using testing::TempDir;

namespace {

std::string serialized(const torch::jit::Module& module, const SaveOptions& options) {
  std::string bytes;
  serialize_module(module, options, [&](std::span<const std::byte> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return bytes;
}

bool has_no_entries(const fs::path& folder) {
  return fs::directory_iterator(folder) == fs::directory_iterator();
}

}  // namespace

TEST_CASE("save: the bytes are those of torch::jit::Module::save") {
  // Authority: libtorch itself, writing to a file of that name.
  const TempDir dir;
  const auto module = scripted(kSoundForward);
  module.save((dir / "traced_bert.pt").string());
  fs::create_directory(dir / "ours");
  const SavedFile saved = save_module(module, dir / "ours" / fs::path("traced_bert.pt"),
                                      {default_archive_name("traced_bert.pt"), {}}, HashWhileWriting::kNo);
  CHECK(read_bytes(dir / "ours" / fs::path("traced_bert.pt")) == read_bytes(dir / "traced_bert.pt"));
  CHECK(saved.size_bytes == fs::file_size(dir / "traced_bert.pt"));
  CHECK_FALSE(saved.digest);

  const torch::jit::ExtraFilesMap extra{{"note.txt", "made by a test"}};
  module.save((dir / "b.pt").string(), extra);
  CHECK(serialized(module, {"b", {{"note.txt", "made by a test"}}}) == read_bytes(dir / "b.pt"));
}

TEST_CASE("save: the archive's root folder is the name asked for, and part of the bytes") {
  const TempDir dir;
  const auto module = scripted(kSoundForward);
  save_module(module, dir / "a.pt", {"chosen", {{"bertjit.json", "{}"}}}, HashWhileWriting::kNo);
  const ZipArchive archive(dir / "a.pt");
  REQUIRE_FALSE(archive.records().empty());
  for (const auto& record : archive.records()) {
    CHECK(record.name.starts_with("chosen/"));
  }
  CHECK(archive.find("chosen/extra/bertjit.json") != nullptr);
  CHECK(serialized(module, {"one", {}}) != serialized(module, {"two", {}}));
  CHECK(serialized(module, {"one", {}}) == serialized(module, {"one", {}}));
}

TEST_CASE("save: the default archive name is the file's stem") {
  CHECK(default_archive_name("out/traced_bert.pt") == "traced_bert");
  CHECK(default_archive_name("traced.v2.pt") == "traced.v2");
  CHECK(default_archive_name("model") == "model");
  CHECK(default_archive_name("") == "archive");
}

TEST_CASE("save: the hash taken while writing is the file's, and so is the one without a file") {
  const TempDir dir;
  const auto module = scripted(kSoundForward);
  const SaveOptions options{"m", {{"bertjit.json", "{}"}}};
  const SavedFile saved = save_module(module, dir / "m.pt", options, HashWhileWriting::kYes);
  REQUIRE(saved.digest);
  CHECK(to_hex(*saved.digest) == to_hex(hash_file(dir / "m.pt")));
  CHECK(to_hex(hash_serialized(module, options)) == to_hex(hash_file(dir / "m.pt")));
}

TEST_CASE("save: what the sink throws comes out as it was, wherever it stops the writer") {
  const auto module = scripted(kSoundForward);
  const size_t size = serialized(module, {"m", {}}).size();
  for (const size_t limit : {size_t{0}, size_t{1}, size / 3, size / 2, size - 1}) {
    INFO("stopped after " << limit << " of " << size << " bytes");
    size_t taken = 0;
    const Error error = testing::error_of([&] {
      serialize_module(module, {"m", {}}, [&](std::span<const std::byte> piece) {
        taken += piece.size();
        if (taken > limit) {
          throw Error(ErrorKind::kIo, "cannot write m.pt: No space left on device");
        }
      });
    });
    CHECK(error.kind() == ErrorKind::kIo);
    CHECK(std::string(error.what()) == "cannot write m.pt: No space left on device");
  }
}

TEST_CASE("save: a failure leaves no file and an old one as it was") {
  // A module of a class that cannot be pickled: a function's result, held as an attribute.
  const TempDir dir;
  auto module = scripted(kSoundForward);
  module.register_attribute("future", c10::FutureType::create(c10::TensorType::get()),
                            c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get()));
  CHECK_THROWS(save_module(module, dir / "new.pt", {"new", {}}, HashWhileWriting::kNo));
  CHECK(has_no_entries(dir.path()));
  testing::write_bytes(dir / "old.pt", "as it was");
  CHECK_THROWS(save_module(module, dir / "old.pt", {"old", {}}, HashWhileWriting::kNo));
  CHECK(read_bytes(dir / "old.pt") == "as it was");
}

TEST_CASE("save: a full disk is named as the system names it") {
  if (!fs::exists("/dev/full")) {
    SUCCEED("skipped: no /dev/full");
    return;
  }
  const auto module = scripted(kSoundForward);
  const Error error = testing::error_of([&] { save_module(module, "/dev/full", {"m", {}}, HashWhileWriting::kNo); });
  CHECK(error.kind() == ErrorKind::kIo);
  CHECK(std::string(error.what()) == "cannot write /dev/full: No space left on device");
}

}  // namespace bertjit
