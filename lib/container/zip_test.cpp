#include "container/zip.h"

#include "container/container_testing.h"

namespace bertjit {

using testing::error_of;
using testing::make_zip;
using testing::patch;
using testing::TempDir;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What opening an archive of these bytes and checking all of it throws.
Error error_in(const std::string& bytes) {
  const TempDir dir;
  testing::write_bytes(dir / "x.pt", bytes);
  return error_of([&] { ZipArchive(dir / "x.pt").check_all(); });
}

std::string two_records() {
  return make_zip({{"x/a", "first"}, {"x/b", "second record"}});
}

/// Where the n-th central entry begins in an archive of two_records()' shape.
size_t central(const std::string& bytes, int n) {
  size_t position = 0;
  for (int i = 0; i <= n; ++i) {
    position = bytes.find(std::string("PK\1\2", 4), position + 1);
  }
  REQUIRE(position != std::string::npos);
  return position;
}

using Catch::Matchers::Contains;

}  // namespace

// zipfile.ZipFile(…).infolist() of the file.
TEST_CASE("zip: records of an archive that torch.save wrote are listed in file order and mapped") {
  const ZipArchive archive(testing::testdata("container/protocol4.bin"));
  std::vector<std::string> names;
  for (const ZipRecord& record : archive.records()) {
    names.push_back(record.name);
  }
  CHECK(names == std::vector<std::string>{"protocol4/data.pkl", "protocol4/.format_version",
                                          "protocol4/.storage_alignment", "protocol4/byteorder", "protocol4/data/0",
                                          "protocol4/version", "protocol4/.data/serialization_id"});
  const ZipRecord* byteorder = archive.find("protocol4/byteorder");
  REQUIRE(byteorder != nullptr);
  CHECK(byteorder->size == 6);
  CHECK(text_of(archive.stored_bytes(*byteorder)) == "little");
  CHECK(text_of(archive.read(*byteorder)) == "little");
  CHECK(archive.find("byteorder") == nullptr);
  CHECK_NOTHROW(archive.check_all());
}

TEST_CASE("zip: a deflated record is inflated, and not offered without a copy") {
  const ZipArchive archive(testing::testdata("container/arrays_compressed.npz"));
  const ZipRecord* grid = archive.find("grid.npy");
  REQUIRE(grid != nullptr);
  CHECK(grid->method == ZipMethod::kDeflated);
  const auto bytes = archive.read(*grid);
  CHECK(bytes.size() == 152);
  CHECK(text_of(bytes).substr(1, 5) == "NUMPY");
  CHECK(error_of([&] { archive.stored_bytes(*grid); }).kind() == ErrorKind::kUnsupported);
  CHECK_NOTHROW(archive.check_all());
}

TEST_CASE("zip: an archive without records is read") {
  const TempDir dir;
  testing::write_bytes(dir / "x.pt", make_zip({}));
  CHECK(ZipArchive(dir / "x.pt").records().empty());
}

TEST_CASE("zip: a comment behind the end record is allowed, junk is not") {
  const TempDir dir;
  std::string bytes = two_records() + "hello";
  CHECK(error_in(bytes).kind() == ErrorKind::kCorrupt);
  patch<uint16_t>(bytes, bytes.size() - 5 - 2, 5);
  testing::write_bytes(dir / "x.pt", bytes);
  CHECK(ZipArchive(dir / "x.pt").records().size() == 2);
}

TEST_CASE("zip: a truncated archive is called truncated") {
  const Error error = error_in(std::string(70000, 'x'));
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("x.pt: is not a complete zip archive: no end-of-central-directory record in its "
                                    "last 65557 bytes (truncated?)"));
}

// zlib.crc32(b"First") == 0x53b0c153, zlib.crc32(b"first") == 0x9271ee57
TEST_CASE("zip: one changed byte fails the CRC check and names the record and both CRCs") {
  std::string bytes = two_records();
  bytes[bytes.find("first")] = 'F';
  const Error error = error_in(bytes);
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("record 'x/a' has CRC-32 53b0c153, its directory says 9271ee57"));
}

TEST_CASE("zip: a changed byte in a deflated record is found") {
  std::string bytes = testing::read_bytes(testing::testdata("container/arrays_compressed.npz"));
  const ZipArchive archive(testing::testdata("container/arrays_compressed.npz"));
  const ZipRecord* grid = archive.find("grid.npy");
  for (uint64_t i = 0; i < grid->compressed_size; ++i) {
    std::string flipped = bytes;
    flipped[grid->data_offset + i] ^= 0x10;
    CHECK(error_in(flipped).kind() == ErrorKind::kCorrupt);
  }
}

TEST_CASE("zip: a header and a directory that disagree are refused") {
  SECTION("name") {
    std::string bytes = two_records();
    bytes[bytes.find("x/b")] = 'y';
    CHECK_THAT(error_in(bytes).what(), Contains("local header of record 'x/b' names it 'y/b'"));
  }
  SECTION("size") {
    std::string bytes = two_records();
    patch<uint32_t>(bytes, 22, 4);
    CHECK_THAT(error_in(bytes).what(), Contains("local header of record 'x/a' declares 4 bytes"));
  }
  SECTION("CRC") {
    std::string bytes = two_records();
    patch<uint32_t>(bytes, 14, 0xdeadbeef);
    CHECK_THAT(error_in(bytes).what(), Contains("with CRC-32 deadbeef, the central directory 5 with"));
  }
  SECTION("method") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, 8, 8);
    CHECK_THAT(error_in(bytes).what(), Contains("another method"));
  }
}

TEST_CASE("zip: a directory that is not where its end record says is refused") {
  SECTION("offset") {
    std::string bytes = two_records();
    patch<uint32_t>(bytes, bytes.size() - 6, 1);
    CHECK_THAT(error_in(bytes).what(), Contains("does not end at byte"));
  }
  SECTION("size beyond the file") {
    std::string bytes = two_records();
    patch<uint32_t>(bytes, bytes.size() - 10, 0xfffffff0);
    CHECK_THAT(error_in(bytes).what(), Contains("does not end at byte"));
  }
  SECTION("too many records for its size") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, bytes.size() - 12, 60000);
    patch<uint16_t>(bytes, bytes.size() - 14, 60000);
    CHECK_THAT(error_in(bytes).what(), Contains("cannot hold 60000 records"));
  }
  SECTION("one record fewer than it holds") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, bytes.size() - 12, 1);
    patch<uint16_t>(bytes, bytes.size() - 14, 1);
    CHECK_THAT(error_in(bytes).what(), Contains("bytes after its last entry"));
  }
  SECTION("bytes put before the archive") {
    CHECK_THAT(error_in("MZ" + two_records()).what(), Contains("does not end at byte"));
  }
}

TEST_CASE("zip: records that overlap or leave the archive are refused") {
  SECTION("two names for the same bytes") {
    std::string bytes = make_zip({{"x/a", "same"}, {"x/a2", "same"}});
    patch<uint32_t>(bytes, central(bytes, 1) + 42, 0);
    CHECK(error_in(bytes).kind() == ErrorKind::kCorrupt);
  }
  SECTION("a record that contains the next") {
    std::string bytes = two_records();
    for (const size_t field : {size_t{18}, size_t{22}, central(bytes, 0) + 20, central(bytes, 0) + 24}) {
      patch<uint32_t>(bytes, field, 20);
    }
    CHECK_THAT(error_in(bytes).what(), Contains("records 'x/a' and 'x/b' overlap"));
  }
  SECTION("a record that reaches into the directory") {
    std::string bytes = two_records();
    const size_t local = bytes.find(std::string("PK\3\4", 4), 1);
    for (const size_t field : {local + 18, local + 22, central(bytes, 1) + 20, central(bytes, 1) + 24}) {
      patch<uint32_t>(bytes, field, 1000);
    }
    CHECK_THAT(error_in(bytes).what(), Contains("record 'x/b' has 1000 bytes at byte"));
  }
  SECTION("an offset beyond the file") {
    std::string bytes = two_records();
    patch<uint32_t>(bytes, central(bytes, 1) + 42, 0x7fffffff);
    CHECK(error_in(bytes).kind() == ErrorKind::kCorrupt);
  }
}

TEST_CASE("zip: a name that occurs twice, or holds NUL, is refused") {
  std::string twice = make_zip({{"x/a", "1"}, {"x/b", "2"}});
  for (size_t at; (at = twice.find("x/b")) != std::string::npos;) {
    twice[at + 2] = 'a';
  }
  CHECK_THAT(error_in(twice).what(), Contains("record 'x/a' occurs twice"));

  std::string nul = make_zip({{"x/a.txt", "1"}});
  for (size_t at; (at = nul.find("a.t")) != std::string::npos;) {
    nul[at + 1] = '\0';
  }
  CHECK_THAT(error_in(nul).what(), Contains("has a NUL in its name"));
}

TEST_CASE("zip: encryption, other methods and several disks are unsupported") {
  SECTION("encrypted") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, central(bytes, 0) + 8, 1);
    const Error error = error_in(bytes);
    CHECK(error.kind() == ErrorKind::kUnsupported);
    CHECK_THAT(error.what(), Contains("record 'x/a' is encrypted"));
  }
  SECTION("bzip2") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, central(bytes, 0) + 10, 12);
    const Error error = error_in(bytes);
    CHECK(error.kind() == ErrorKind::kUnsupported);
    CHECK_THAT(error.what(), Contains("method 12"));
  }
  SECTION("disks") {
    std::string bytes = two_records();
    patch<uint16_t>(bytes, bytes.size() - 18, 1);
    CHECK(error_in(bytes).kind() == ErrorKind::kUnsupported);
  }
}

TEST_CASE("zip: a deflate bomb is refused before anything is allocated") {
  const auto path = testing::testdata("container/arrays_compressed.npz");
  std::string bytes = testing::read_bytes(path);
  const ZipArchive archive(path);
  const ZipRecord& record = archive.records().front();
  const size_t entry = central(bytes, 0);
  SECTION("more than deflate can hold") {
    patch<uint32_t>(bytes, entry + 24, 0xfffffff0);
    CHECK_THAT(error_in(bytes).what(), Contains("more than deflate can hold"));
  }
  SECTION("a size that the data do not reach, or go beyond") {
    // numpy writes the local sizes into a zip64 field: 30 bytes of header, the name, 4 bytes of field header.
    const size_t local_size = record.header_offset + 30 + record.name.size() + 4;
    for (const int change : {-1, 1}) {
      std::string wrong = bytes;
      patch<uint32_t>(wrong, entry + 24, static_cast<uint32_t>(record.size) + change);
      patch<uint64_t>(wrong, local_size, record.size + change);
      CHECK_THAT(error_in(wrong).what(), Contains("does not inflate to the"));
    }
  }
}

TEST_CASE("zip: records come in pieces of at most 1 MiB, and a wrong CRC is said after the last") {
  const std::string bytes((2u << 20) + 5, 'x');
  const TempDir dir;
  std::string archive = make_zip({{"x/a", bytes}});
  testing::write_bytes(dir / "a.zip", archive);
  size_t pieces = 0;
  std::string read;
  const ZipArchive whole(dir / "a.zip");
  whole.read_pieces(whole.records().front(), [&](std::span<const std::byte> piece) {
    CHECK(piece.size() <= 1u << 20);
    ++pieces;
    read.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  CHECK(pieces == 3);
  CHECK(read == bytes);
  archive[whole.records().front().data_offset + bytes.size() - 1] = 'y';
  testing::write_bytes(dir / "b.zip", archive);
  const ZipArchive flipped(dir / "b.zip");
  const Error error =
      error_of([&] { flipped.read_pieces(flipped.records().front(), [](std::span<const std::byte>) {}); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("record 'x/a' has CRC-32"));
}

TEST_CASE("zip: the start of a record is as long as asked for, and its CRC is that of the whole") {
  const TempDir dir;
  testing::write_bytes(dir / "x.pt", two_records());
  const ZipArchive archive(dir / "x.pt");
  const ZipRecord& record = *archive.find("x/b");
  CHECK(text_of(archive.read_start(record, 6)) == "second");
  CHECK(text_of(archive.read_start(record, 0)).empty());
  CHECK(text_of(archive.read_start(record, 100)) == "second record");
  std::string bytes = two_records();
  bytes[bytes.find("second record") + 12] = 'D';
  testing::write_bytes(dir / "y.pt", bytes);
  const ZipArchive changed(dir / "y.pt");
  CHECK(error_of([&] { changed.read_start(*changed.find("x/b"), 6); }).kind() == ErrorKind::kCorrupt);
}

}  // namespace bertjit
