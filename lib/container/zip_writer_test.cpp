#include "container/zip_writer.h"

#include "container/container_testing.h"
#include "container/zip.h"

namespace bertjit {

using testing::error_of;
using testing::make_zip;
using testing::TempDir;

TEST_CASE("zip writer: what is written is read back, aligned to 64 bytes") {
  const TempDir dir;
  testing::write_bytes(dir / "x.zip", make_zip({{"a", "one"}, {"folder/größe", std::string(1000, '\0')}, {"e", ""}}));
  const ZipArchive archive(dir / "x.zip");
  REQUIRE(archive.records().size() == 3);
  for (const ZipRecord& record : archive.records()) {
    CHECK(record.data_offset % 64 == 0);
  }
  CHECK(archive.records()[1].name == "folder/größe");
  CHECK(archive.records()[1].size == 1000);
  CHECK_NOTHROW(archive.check_all());
}

TEST_CASE("zip writer: parts are written one after another, under one CRC") {
  const TempDir dir;
  const std::string left = "le";
  const std::string right = "ft";
  std::string bytes;
  ZipWriter writer(
      [&](std::span<const std::byte> part) { bytes.append(reinterpret_cast<const char*>(part.data()), part.size()); });
  writer.add("x", {std::as_bytes(std::span(left)), {}, std::as_bytes(std::span(right)), {}});
  writer.finish();
  CHECK(bytes == make_zip({{"x", "left"}}));
}

TEST_CASE("zip writer: the same records give the same bytes") {
  CHECK(make_zip({{"a", "1"}, {"b", "2"}}) == make_zip({{"a", "1"}, {"b", "2"}}));
}

TEST_CASE("zip writer: more records than 16 bits count are written with zip64") {
  const TempDir dir;
  std::vector<testing::NamedBytes> records;
  for (int i = 0; i < 65536; ++i) {
    records.push_back({std::to_string(i), ""});
  }
  testing::write_bytes(dir / "x.zip", make_zip(records));
  const ZipArchive archive(dir / "x.zip");
  CHECK(archive.records().size() == 65536);
  CHECK(archive.find("65535") != nullptr);
}

TEST_CASE("zip writer: a name that cannot be, or is there already, is refused") {
  for (const std::string& name : {std::string(), std::string(65536, 'x'), std::string("a\0b", 3)}) {
    CHECK(error_of([&] { make_zip({{name, ""}}); }).kind() == ErrorKind::kInvalidArgument);
  }
  CHECK(std::string(error_of([&] { make_zip({{"a", "1"}, {"a", "2"}}); }).what()) == "zip record 'a' is added twice");
}

// No test data stands for this: the archive is ours, the judge is zipfile.
TEST_CASE("zip writer: Python reads the archive") {
  if (testing::run_command("python3 -c 1 2>&1").exit_code != 0) {
    WARN("SKIPPED: no python3");
    return;
  }
  const TempDir dir;
  testing::write_bytes(dir / "x.zip", make_zip({{"a", "one"}, {"größe", "two"}}));
  const auto result = testing::run_command("python3 -m zipfile -t " + (dir / "x.zip").string() + " 2>&1");
  CHECK(result.exit_code == 0);
  CHECK(result.out == "Done testing\n");
}

}  // namespace bertjit
