// Structure of the archive. The layout of headers is PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
#include "scan/raw_zip_testing.h"
#include "scan/scan_testing.h"

namespace bertjit {

using testing::make_raw_zip;
using testing::RawRecord;
using testing::with_records;

namespace {

ScanResult scan_raw(const std::vector<RawRecord>& more) {
  return testing::scan_bytes(make_raw_zip(with_records(testing::traced(), more)));
}

}  // namespace

TEST_CASE("scan: an archive written again, record by record, is safe") {
  const ScanResult result = scan_raw(
      {{.name = "traced/extra/notes.txt", .bytes = "a line of text\n"}, {.name = "traced/folder/", .bytes = ""}});
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kSafe);
  CHECK(result.kind == "torchscript");
}

TEST_CASE("scan: a record whose name leaves the archive is unsafe, and is named") {
  const std::pair<const char*, const char*> kNames[] = {
      {"../outside.txt", "../outside.txt"},
      {"traced/../../outside.txt", "../../outside.txt"},
      {"traced/data/..", "data/.."},
      {"/etc/outside.txt", "/etc/outside.txt"},
      {"C:/outside.txt", "C:/outside.txt"},
      {"traced\\..\\outside.txt", "traced\\..\\outside.txt"},
      {"traced/extra/..\\..\\outside.txt", "extra/..\\..\\outside.txt"},
      {"traced/extra/a\nb", "extra/a\nb"},
  };
  for (const auto& [name, where] : kNames) {
    const ScanResult result = scan_raw({{.name = name, .bytes = "one line of text\n"}});
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
    REQUIRE(!result.findings.empty());
    CHECK(result.findings.front().rule == "zip-name");
    CHECK(result.findings.front().record == where);
    CHECK(result.findings.front().offset.has_value());
  }
}

TEST_CASE("scan: a NUL in a record's name is unsafe") {
  const ScanResult result = scan_raw({{.name = std::string("traced/data.pkl\0.txt", 20), .bytes = "x"}});
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(testing::has_rule(result, "zip-name"));
}

TEST_CASE("scan: names with dots that stay inside are no fault") {
  CHECK(scan_raw({{.name = "traced/extra/..hidden", .bytes = "x"}, {.name = "traced/extra/a..b", .bytes = "x"}})
            .verdict == ScanVerdict::kSafe);
}

TEST_CASE("scan: a record outside the root folder is unsafe") {
  const ScanResult result = scan_raw({{.name = "other/data.pkl.txt", .bytes = "x"}});
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(result.findings.front().rule == "zip-outside-root");
  CHECK(result.findings.front().record == "other/data.pkl.txt");
}

TEST_CASE("scan: two records of one name are unsafe, and so are two that differ in case alone") {
  for (const char* name : {"traced/data.pkl", "traced/DATA.pkl"}) {
    const ScanResult result = scan_raw({{.name = name, .bytes = "x"}});
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
    CHECK(testing::has_rule(result, "zip-duplicate"));
  }
}

TEST_CASE("scan: a directory that calls a record otherwise than its header is unsafe; one flipped bit is damage") {
  const ScanResult deceit = scan_raw({{.name = "traced/extra/a", .bytes = "x", .local_name = "traced/constants.pkl"}});
  CHECK(deceit.verdict == ScanVerdict::kUnsafe);
  CHECK(deceit.findings.front().rule == "zip-two-names");
  const ScanResult damage = scan_raw({{.name = "traced/extra/a", .bytes = "x", .local_name = "/raced/extra/a"}});
  INFO(damage);
  CHECK(damage.verdict == ScanVerdict::kCannotTell);
  CHECK(damage.findings.front().effect == ScanEffect::kCorrupt);
}

TEST_CASE("scan: symbolic links and devices are unsafe, regular files with attributes are not") {
  constexpr uint16_t kUnix = 3;
  const auto verdict = [](uint32_t mode) {
    return scan_raw({{.name = "traced/extra/link", .bytes = "/etc/passwd", .made_by = kUnix, .attributes = mode << 16}})
        .verdict;
  };
  CHECK(verdict(0120777) == ScanVerdict::kUnsafe);
  CHECK(verdict(0020666) == ScanVerdict::kUnsafe);
  CHECK(verdict(0100644) == ScanVerdict::kSafe);
  CHECK(verdict(0644) == ScanVerdict::kSafe);
}

TEST_CASE("scan: records that share their bytes are unsafe") {
  const size_t count = testing::read_records(testing::traced()).size();
  const std::string inner = make_raw_zip({{.name = "traced/extra/b", .bytes = "payload"}});
  // The second record's header lies within the first one's bytes.
  std::string archive = make_raw_zip(with_records(
      testing::traced(), {{.name = "traced/extra/a", .bytes = inner},
                          {.name = "traced/extra/b", .bytes = "payload", .overlaps = static_cast<int64_t>(count)}}));
  const size_t header = archive.find(inner.substr(0, 30));
  REQUIRE(header != std::string::npos);
  const size_t entry = archive.rfind("traced/extra/b");
  testing::patch<uint32_t>(archive, entry - 4, static_cast<uint32_t>(header));
  const ScanResult result = testing::scan_bytes(archive);
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(testing::has_rule(result, "zip-overlap"));
}

TEST_CASE("scan: an archive that unpacks to a thousand times its size is unsafe, before anything is unpacked") {
  // 4 MiB that say they are 4 GB, as deflate could make them of zeros.
  const ScanResult result =
      scan_raw({{.name = "traced/extra/zeros", .bytes = std::string(4u << 20, '\0'), .size = 4'000'000'000u}});
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(testing::has_rule(result, "zip-bomb"));
}

TEST_CASE("scan: an archive behind another file's bytes is unsafe") {
  std::string pickle("\x80\x02}.", 4);
  std::string archive = make_raw_zip(with_records(testing::traced(), {}));
  const auto shift = static_cast<uint32_t>(pickle.size());
  // Offsets count from the start of the file, as `zip -A` makes them.
  const size_t end = archive.size() - zip_format::kEndSize;
  auto entry = load_le<uint32_t>(std::as_bytes(std::span(archive)), end + 16);
  testing::patch<uint32_t>(archive, end + 16, entry + shift);
  while (entry < end) {
    const auto bytes = std::as_bytes(std::span(archive));
    testing::patch<uint32_t>(archive, entry + 42, load_le<uint32_t>(bytes, entry + 42) + shift);
    entry += 46u + load_le<uint16_t>(bytes, entry + 28);
  }
  const ScanResult result = testing::scan_bytes(pickle + archive);
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(testing::has_rule(result, "zip-prefix"));
}

TEST_CASE("scan: an encrypted record is no answer") {
  const ScanResult result = scan_raw({{.name = "traced/extra/secret", .bytes = "x", .flags = 1}});
  CHECK(result.verdict == ScanVerdict::kCannotTell);
  CHECK(testing::has_rule(result, "zip-encrypted"));
}

TEST_CASE("scan: a file cut short at any length is no answer, and never safe") {
  const std::string whole = testing::read_bytes(testing::traced());
  for (size_t length = 0; length < whole.size(); length += 101) {
    const ScanResult result = testing::scan_bytes(whole.substr(0, length));
    if (result.verdict != ScanVerdict::kCannotTell) {
      FAIL_CHECK("cut to " << length << ": " << result);
    }
  }
}

TEST_CASE("scan: one flipped bit anywhere is never called unsafe, but for a link's type") {
  const std::string whole = testing::read_bytes(testing::traced());
  size_t corrupt = 0;
  size_t tried = 0;
  for (size_t i = 0; i < whole.size(); i += 7) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    const ScanResult result = testing::scan_bytes(bytes);
    ++tried;
    corrupt += result.verdict == ScanVerdict::kCannotTell;
    if (result.verdict == ScanVerdict::kUnsafe) {
      FAIL_CHECK("byte " << i << ": " << result);
    }
  }
  INFO(corrupt << " of " << tried);
  // The rest lies between records, where the padding to 64 bytes has no CRC.
  CHECK(corrupt * 3 > tried);
}

}  // namespace bertjit
