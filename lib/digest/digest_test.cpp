#include "digest/digest.h"

#include <algorithm>
#include <atomic>

#include "digest/canonical_code.h"
#include "digest/digest_testing.h"
#include "digest/lines.h"
#include "digest/weight_names.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::digest_of;
using testing::edit_archive;
using testing::error_of;
using testing::RecordMap;
using testing::replace_once;
using testing::run_command;
using testing::script;
using testing::TempDir;
using testing::testdata;

namespace {

namespace fs = std::filesystem;

constexpr DigestKind kKinds[] = {DigestKind::kContent, DigestKind::kWeights, DigestKind::kCode};

std::vector<fs::path> files_in(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

WeightEntry entry(const std::string& name, const std::string& bytes = "") {
  return {name, "float32", {1}, hash_stream_text(bytes.empty() ? name : bytes), [](std::vector<std::byte>& copy) {
            copy.resize(4);
            return std::span<const std::byte>(copy);
          }};
}

/// The names that are left, joined by spaces.
std::string names_left(std::vector<WeightEntry> entries) {
  std::vector<std::string> notes;
  std::string names;
  for (const WeightEntry& weight : canonical_weights(std::move(entries), "x", notes)) {
    names += (names.empty() ? "" : " ") + weight.name;
  }
  return names;
}

}  // namespace

TEST_CASE("digest: a plain Python script written from the page computes the same streams") {
  if (run_command("python3 --version").exit_code != 0) {
    WARN("SKIPPED: no python3");
    return;
  }
  std::vector<fs::path> paths = files_in(testdata("torchscript"), ".pt");
  for (const char* name : {"container/scripted.pt", "container/zip_form.bin", "container/arrays.safetensors",
                           "tiny-bert", "tiny-bert-mlm/model.safetensors", "tiny-bert-seqcls", "stored/sharded",
                           "stored/sharded-bin", "stored/training", "stored/bfloat16", "family/marian-mt"}) {
    paths.push_back(testdata(name));
  }
  const std::string script_path = testdata("../scripts/meaning_digest.py").string();
  size_t compared = 0;
  for (const fs::path& path : paths) {
    for (const DigestKind kind : kKinds) {
      const bool has_code = path.extension() == ".pt";
      if (kind == DigestKind::kCode && !has_code) {
        continue;
      }
      INFO(path << " " << digest_kind_name(kind));
      const auto peer =
          run_command("python3 " + script_path + " " + digest_kind_name(kind) + " " + path.string() + " --stream");
      CHECK(peer.exit_code == 0);
      CHECK(peer.out == digest_meaning(path, kind).stream);
      ++compared;
    }
  }
  CHECK(compared > 80);
}

TEST_CASE("digest: is the SHA-512 of the stream, which begins with its name and version") {
  for (const DigestKind kind : kKinds) {
    const MeaningDigest digest = digest_meaning(script("module.pt"), kind);
    CHECK(digest.stream.starts_with("bertjit.digest." + std::string(digest_kind_name(kind)) + "/1\n"));
    CHECK(digest.digest == hash_stream_text(digest.stream));
  }
}

TEST_CASE("digest: one flipped bit in any record is an error that names the record and both CRCs, for every kind") {
  const ZipArchive archive(script("extra.pt"));
  size_t flipped = 0;
  for (const ZipRecord& record : archive.records()) {
    if (record.size == 0 || record.method != ZipMethod::kStored) {
      continue;
    }
    const TempDir dir;
    testing::flip_bit(script("extra.pt"), dir / "x.pt", record.name);
    for (const DigestKind kind : kKinds) {
      INFO(record.name << " " << digest_kind_name(kind));
      const Error error = error_of([&] { digest_meaning(dir / "x.pt", kind); });
      CHECK(error.kind() == ErrorKind::kCorrupt);
      CHECK_THAT(error.what(), Contains("record '" + record.name + "' has CRC-32"));
      CHECK_THAT(error.what(), Contains("its directory says"));
    }
    ++flipped;
  }
  CHECK(flipped >= 8);
}

TEST_CASE("digest: a flipped bit in pytorch_model.bin is noticed even where no tensor lies") {
  const TempDir dir;
  testing::flip_bit(testdata("container/zip_form.bin"), dir / "x.bin", "zip_form/version");
  CHECK_THAT(error_of([&] { digest_meaning(dir / "x.bin", DigestKind::kWeights); }).what(),
             Contains("record 'zip_form/version' has CRC-32"));
}

TEST_CASE("digest: a flipped bit in any record of any shard is noticed") {
  const fs::path folder = testdata("stored/sharded-bin");
  size_t flipped = 0;
  for (const fs::path& shard : files_in(folder, ".bin")) {
    const TempDir dir;
    fs::copy(folder, dir / "model", fs::copy_options::recursive);
    const std::string version =
        ZipArchive(shard).records().front().name.substr(0, 1 + ZipArchive(shard).records().front().name.find('/')) +
        "version";
    testing::flip_bit(shard, dir / "model" / shard.filename(), version);
    CHECK_THAT(error_of([&] { digest_meaning(dir / "model", DigestKind::kWeights); }).what(),
               Contains(shard.filename().string() + ": record '" + version + "' has CRC-32"));
    ++flipped;
  }
  CHECK(flipped > 1);
}

TEST_CASE("digest: any number of threads gives the same digest and counts the same bytes") {
  for (const DigestKind kind : kKinds) {
    const std::string expected = digest_of(script("extra.pt"), kind);
    for (const int threads : {1, 2, 7}) {
      std::atomic<uint64_t> counted = 0;
      const MeaningDigest digest =
          digest_meaning(script("extra.pt"), kind, {threads, [&](uint64_t bytes) { counted += bytes; }});
      CHECK(to_hex(digest.digest) == expected);
      // weight of 24 bytes and two biases of 8; a constant of 8; "a note".
      const uint64_t bytes = kind == DigestKind::kWeights ? 40 : kind == DigestKind::kCode ? 8 : 54;
      CHECK(counted == bytes);
    }
  }
}

TEST_CASE("digest: files without code have no code digest, and say so") {
  for (const char* name : {"tiny-bert", "tiny-bert/model.safetensors", "container/zip_form.bin"}) {
    const Error error = error_of([&] { digest_meaning(testdata(name), DigestKind::kCode); });
    CHECK(error.kind() == ErrorKind::kUnsupported);
    CHECK_THAT(error.what(), Contains("holds tensors and no code"));
  }
  const TempDir empty;
  CHECK(error_of([&] { digest_meaning(empty.path(), DigestKind::kWeights); }).kind() == ErrorKind::kNotFound);
  CHECK(error_of([&] { digest_meaning(empty / "absent.pt", DigestKind::kWeights); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("digest: code that refers to a constant that is not there is corrupt") {
  const TempDir dir;
  edit_archive(script("traced.pt"), dir / "x.pt", [](RecordMap& records) {
    replace_once(records.at("traced/code/__torch__.py"), "CONSTANTS.c0", "CONSTANTS.c9");
  });
  const Error error = error_of([&] { digest_meaning(dir / "x.pt", DigestKind::kCode); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("CONSTANTS.c9, constants.pkl has 1"));
}

TEST_CASE("canonical code: names are freed of mangling, counted in the order of use, and left alone in strings") {
  std::vector<CodeUnit> units = split_code("__torch__",
                                           "op_version_set = 1\nclass M(Module):\n"
                                           "  a : __torch__.___torch_mangle_9.L\n"
                                           "  b : __torch__.___torch_mangle_2.L\n"
                                           "  def forward(self) -> str:\n"
                                           "    return \"__torch__.___torch_mangle_9.L \\\" CONSTANTS.c0\"\n");
  for (const char* number : {"2", "9", "3"}) {
    const std::string qualifier = std::string("__torch__.___torch_mangle_") + number;
    for (CodeUnit& unit : split_code(qualifier, "class L(Module):\n  x = CONSTANTS.c" + std::string(number) + "\n\n")) {
      units.push_back(unit);
    }
  }
  CanonicalCode code(units, "x.pt", [](size_t index) { return "<" + std::to_string(index) + ">"; });
  CHECK(code.name_of("__torch__.M") == "__torch__.M");
  const auto named = code.take_named();
  REQUIRE(named.size() == 3);
  CHECK(named[0].text ==
        "class M(Module):\n"
        "  a : __torch__.L\n"
        "  b : __torch__.L#1\n"
        "  def forward(self) -> str:\n"
        "    return \"__torch__.___torch_mangle_9.L \\\" CONSTANTS.c0\"\n");
  CHECK(named[1].name == "__torch__.L");
  CHECK(named[1].text == "class L(Module):\n  x = CONSTANTS.<9>\n");
  CHECK(named[2].text == "class L(Module):\n  x = CONSTANTS.<2>\n");
  const auto rest = code.take_rest();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].name == "__torch__.L#2");
  CHECK_THAT(error_of([&] {
               CanonicalCode({units[0], units[0]}, "x.pt", {});
             }).what(),
             Contains("code defines '__torch__.M' twice"));
}

TEST_CASE("canonical weights: what only repeats or is made anew is left out, by name and by value") {
  CHECK(names_left({entry("bert.e.weight", "w"), entry("cls.predictions.decoder.weight", "w"), entry("cls.bias")}) ==
        "bert.e.weight cls.bias");
  CHECK(names_left({entry("bert.e.weight", "w"), entry("cls.predictions.decoder.weight", "v")}) ==
        "bert.e.weight cls.predictions.decoder.weight");
  // Two that repeat each other only: neither is left out.
  CHECK(names_left({entry("a.lm_head.weight", "w"), entry("b.lm_head.weight", "w")}) ==
        "a.lm_head.weight b.lm_head.weight");
  CHECK(names_left({entry("a.x", "w"), entry("b.x", "w")}) == "a.x b.x");
  CHECK(names_left({entry("bert.embeddings.position_ids"), entry("bert.x.w"), entry("cls.w")}) == "bert.x.w cls.w");
  CHECK(names_left({entry("my_embeddings.position_ids"), entry("cls.w")}) == "cls.w my_embeddings.position_ids");
}

TEST_CASE("canonical weights: old names become new ones, a part before all names goes, clashes are refused") {
  CHECK(names_left({entry("bert.a.LayerNorm.gamma"), entry("bert.b.LayerNorm.beta")}) ==
        "a.LayerNorm.weight b.LayerNorm.bias");
  CHECK(names_left({entry("module.bert.a.w"), entry("module.bert.b.w")}) == "a.w b.w");
  CHECK(names_left({entry("module.a"), entry("module.b"), entry("c")}) == "c module.a module.b");
  CHECK(names_left({entry("w")}) == "w");
  CHECK(names_left({}).empty());
  std::vector<std::string> notes;
  CHECK_THAT(error_of([&] {
               canonical_weights({entry("b.LayerNorm.gamma"), entry("b.LayerNorm.weight")}, "x.pt", notes);
             }).what(),
             Contains("x.pt: two tensors come to the name 'weight'"));
}

TEST_CASE("canonical weights: a table of sines is told from a learned one by its numbers") {
  // Vaswani et al. 2017 with Marian's order of columns: position 1 of 4 columns is sin 1, sin 0.01, cos 1, cos 0.01.
  std::vector<float> table{0, 0, 1, 1, 0.84147098f, 0.00999983f, 0.54030231f, 0.99995f};
  const auto is_table = [&] { return is_sinusoid_table(std::as_bytes(std::span(table)), "float32", {2, 4}); };
  CHECK(is_table());
  table[6] += 1e-6f;
  CHECK_FALSE(is_table());
  table[6] = NAN;
  CHECK_FALSE(is_table());
  CHECK_FALSE(is_sinusoid_table(std::as_bytes(std::span(table)), "int32", {2, 4}));
  CHECK_FALSE(is_sinusoid_table(std::as_bytes(std::span(table)), "float32", {8}));
}

TEST_CASE("words: what may hold anything is one word, and numbers are their bits") {
  CHECK(as_word("a b\nc\\") == "a\\sb\\nc\\\\");
  CHECK(as_word("") == "\\e");
  CHECK(numbers_word({}) == "[]");
  CHECK(numbers_word({2, -3}) == "[2,-3]");
  CHECK(double_word(1.0) == "3ff0000000000000");  // IEEE 754
  CHECK(double_word(-0.0) == "8000000000000000");
}

}  // namespace bertjit
