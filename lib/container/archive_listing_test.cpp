#include "container/archive_listing.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::testdata;

TEST_CASE("archive listing: a TorchScript file by its records, as unzip -lv lists them") {
  const ArchiveListing listing = list_archive(testdata("container/scripted.pt"));
  CHECK(listing.kind == ArchiveKind::kTorchScript);
  CHECK(listing.size_bytes == std::filesystem::file_size(testdata("container/scripted.pt")));
  CHECK(listing.root == "scripted");
  CHECK(listing.version == "3");
  CHECK(listing.byteorder == "little");
  CHECK(listing.serialization_id.size() == 40);
  CHECK_FALSE(listing.has_claims);
  CHECK_FALSE(listing.has_traced_inputs);
  CHECK_FALSE(listing.has_bytecode);
  // unzip 6.00 -lv of the same file: 7 files, and these numbers for one that is deflated.
  REQUIRE(listing.records.size() == 7);
  const ZipRecord& code = listing.records[1];
  CHECK(name_in_archive(listing, code) == "code/__torch__/torch/nn/modules/linear.py");
  CHECK(code.method == ZipMethod::kDeflated);
  CHECK(code.size == 236);
  CHECK(code.compressed_size == 166);
  CHECK(code.crc32 == 0xb9c8664d);
}

TEST_CASE("archive listing: a pickled checkpoint and an .npz are told from TorchScript") {
  CHECK(list_archive(testdata("container/zip_form.bin")).kind == ArchiveKind::kTorchSave);
  const ArchiveListing arrays = list_archive(testdata("container/arrays.npz"));
  CHECK(arrays.kind == ArchiveKind::kOther);
  CHECK(arrays.root.empty());
  CHECK(arrays.version.empty());
  CHECK(archive_kind_name(arrays.kind) == std::string("other"));
}

TEST_CASE("archive listing: a file that is cut short is corrupt, one that is none is not found") {
  const testing::TempDir folder;
  const std::string bytes = testing::read_bytes(testdata("container/scripted.pt"));
  testing::write_bytes(folder / "cut.pt", bytes.substr(0, bytes.size() - 30));
  const Error cut = testing::error_of([&] { list_archive(folder / "cut.pt"); });
  CHECK(cut.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(cut.what(), Contains("truncated?"));
  CHECK(testing::error_of([&] { list_archive(folder / "none.pt"); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("archive listing: a version record that was changed is corrupt") {
  const testing::TempDir folder;
  std::string bytes = testing::read_bytes(testdata("container/scripted.pt"));
  const ArchiveListing listing = list_archive(testdata("container/scripted.pt"));
  for (const auto& record : listing.records) {
    if (name_in_archive(listing, record) == "version") {
      bytes[record.data_offset] = '4';
    }
  }
  testing::write_bytes(folder / "changed.pt", bytes);
  CHECK(testing::error_of([&] { list_archive(folder / "changed.pt"); }).kind() == ErrorKind::kCorrupt);
}

}  // namespace bertjit
