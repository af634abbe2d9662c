// The table of docs/formats/digests.md: for each cause of a difference, which digests notice. Every row is made here.
#include <functional>
#include <optional>

#include "digest/digest_testing.h"

namespace bertjit {

using testing::digest_of;
using testing::edit_archive;
using testing::read_bytes;
using testing::RecordMap;
using testing::replace_once;
using testing::script;
using testing::TempDir;
using testing::testdata;

namespace {

namespace fs = std::filesystem;

struct Pair {
  fs::path a;
  fs::path b;
};

struct Cause {
  const char* row;  ///< as in the page: cause, then SHA-512, content, weights, code
  std::function<Pair(const TempDir& dir)> make;
};

std::function<Pair(const TempDir&)> files(const char* a, const char* b) {
  return [=](const TempDir&) { return Pair{script(a), script(b)}; };
}

std::function<Pair(const TempDir&)> folders(const char* a, const char* b) {
  return [=](const TempDir&) { return Pair{testdata(a), testdata(b)}; };
}

std::function<Pair(const TempDir&)> edited(const char* source, const std::function<void(RecordMap&)>& edit) {
  return [=](const TempDir& dir) {
    edit_archive(script(source), dir / "a.pt", [](RecordMap&) {});
    edit_archive(script(source), dir / "b.pt", edit);
    return Pair{dir / "a.pt", dir / "b.pt"};
  };
}

/// The same tensors in a file with other metadata.
Pair safetensors_with_metadata(const TempDir& dir) {
  const fs::path source = testdata("tiny-bert/model.safetensors");
  std::string bytes = read_bytes(source);
  replace_once(bytes, R"("format":"pt")", R"("format":"tf")");
  testing::write_bytes(dir / "b.safetensors", bytes);
  return {source, dir / "b.safetensors"};
}

const std::vector<Cause>& causes() {
  static const std::vector<Cause> kCauses{
      {"| file copied, moved, renamed on disk | same | same | same | same |",
       [](const TempDir& dir) {
         fs::copy_file(script("traced.pt"), dir / "other.pt");
         return Pair{script("traced.pt"), dir / "other.pt"};
       }},
      {"| saved under another name | differs | same | same | same |", files("traced.pt", "renamed.pt")},
      {"| loaded and saved again by Python | differs | same | same | same |", files("traced.pt", "resaved.pt")},
      {"| order of records, padding between them | differs | same | same | same |", files("traced.pt", "reordered.pt")},
      {"| records compressed | differs | same | same | same |", files("traced.pt", "compressed.pt")},
      {"| `.data/serialization_id` | differs | same | same | same |",
       edited("traced.pt",
              [](RecordMap& records) { records.at("traced/.data/serialization_id") = std::string(40, '7'); })},
      {"| source moved to other lines or files (debug records) | differs | same | same | same |",
       files("traced.pt", "moved_lines.pt")},
      {"| debug records stripped | differs | same | same | same |", files("traced.pt", "stripped.pt")},
      {"| mangled class names (`___torch_mangle_7`) | differs | same | same | same |",
       files("traced.pt", "mangled.pt")},
      {"| example inputs that Python's trace keeps | differs | same | same | same |",
       files("traced.pt", "other_example.pt")},
      {"| also saved for the lite interpreter (`bytecode.pkl`) | differs | differs | same | same |",
       files("traced.pt", "lite.pt")},
      {"| an extra file, the claims | differs | differs | same | same |", files("traced.pt", "extra.pt")},
      {"| `training` flag | differs | differs | same | same |", files("traced.pt", "training.pt")},
      {"| `requires_grad` | differs | differs | same | same |", files("traced.pt", "no_grad.pt")},
      {"| device that tensors are loaded to | differs | differs | same | same |",
       edited("traced.pt", [](RecordMap& records) { replace_once(records.at("traced/data.pkl"), "cpu", "xpu"); })},
      {"| tied weights stored twice (cloned) | differs | differs | same | same |", files("traced.pt", "untied.pt")},
      {"| memory layout (strides) | differs | differs | same | same |", files("traced.pt", "strided.pt")},
      {"| an attribute that is no tensor | differs | differs | same | same |",
       edited("module.pt", [](RecordMap& records) { replace_once(records.at("module/data.pkl"), "seven", "eight"); })},
      {"| one bit of one weight | differs | differs | differs | same |", files("traced.pt", "one_bit.pt")},
      {"| dtype | differs | differs | differs | same |", files("traced.pt", "double.pt")},
      {"| shape, same bytes | differs | differs | differs | same |",
       edited("traced.pt",
              [](RecordMap& records) {
                // weight [2, 3] with strides [3, 1] becomes [3, 2] with [2, 1].
                std::string& pickle = records.at("traced/data.pkl");
                replace_once(pickle, "(K\x02K\x03t", "(K\x03K\x02t");
                replace_once(pickle, "(K\x03K\x01t", "(K\x02K\x01t");
              })},
      {"| scale of a quantized tensor | differs | differs | differs | same |", files("quantized.pt", "other_scale.pt")},
      {"| a tensor's name | differs | differs | differs | differs |",
       edited("traced.pt",
              [](RecordMap& records) {
                replace_once(records.at("traced/data.pkl"), "bias", "hint");
                for (const char* name : {"traced/code/__torch__.py", "traced/code/__torch__/___torch_mangle_0.py"}) {
                  std::string& code = records.at(name);
                  for (size_t at = code.find("bias"); at != std::string::npos; at = code.find("bias", at)) {
                    code.replace(at, 4, "hint");
                  }
                }
              })},
      {"| the whole model one module deeper | differs | differs | same | differs |", files("traced.pt", "wrapped.pt")},
      {"| a constant in the code | differs | differs | same | differs |", files("traced.pt", "other_constant.pt")},
      {"| the code | differs | differs | same | differs |", files("traced.pt", "other_code.pt")},
      {"| the format version, which selects operators | differs | differs | same | differs |",
       edited("traced.pt", [](RecordMap& records) { records.at("traced/version") = "2\n"; })},
      {"| `.safetensors` metadata | differs | differs | same | – |", safetensors_with_metadata},
      {"| directory: one file or shards | – | same | same | – |", folders("stored/sharded", "stored/sharded-bin")},
      {"| directory: names of the first BERT release | – | differs | same | – |",
       folders("stored/sharded", "stored/first-release")},
      {"| directory: stored as float16 | – | differs | differs | – |", folders("stored/sharded", "stored/float16")},
  };
  return kCauses;
}

std::string sha512_of(const fs::path& path) {
  return fs::is_directory(path) ? "–" : to_hex(hash_file(path));
}

/// The digest, or "–" where there is none.
std::string digest_or_dash(const fs::path& path, DigestKind kind) {
  try {
    return digest_of(path, kind);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kUnsupported);
    return "–";
  }
}

std::string verdict(const std::string& a, const std::string& b) {
  return a == "–" ? a : a == b ? "same" : "differs";
}

}  // namespace

TEST_CASE("digest: every cause of a difference changes the digests that the page says, and no other") {
  const std::string page = read_bytes(testdata("../docs/formats/digests.md"));
  for (const Cause& cause : causes()) {
    INFO(cause.row);
    CHECK(page.find(std::string("\n") + cause.row + "\n") != std::string::npos);
    const TempDir dir;
    const Pair pair = cause.make(dir);
    std::string cells = "| " + verdict(sha512_of(pair.a), sha512_of(pair.b)) + " |";
    for (const DigestKind kind : {DigestKind::kContent, DigestKind::kWeights, DigestKind::kCode}) {
      cells += " " + verdict(digest_or_dash(pair.a, kind), digest_or_dash(pair.b, kind)) + " |";
    }
    const std::string row = cause.row;
    CHECK(row.substr(row.size() - cells.size()) == cells);
  }
}

TEST_CASE("digest: the page's table has no row that is not made here") {
  const std::string page = read_bytes(testdata("../docs/formats/digests.md"));
  const size_t begin = page.find("\n| cause ");
  REQUIRE(begin != std::string::npos);
  size_t rows = 0;
  for (size_t at = page.find("\n|", begin + 1); at != std::string::npos; at = page.find("\n|", at + 1)) {
    ++rows;
    if (page.compare(page.find('\n', at + 1), 3, "\n| ") != 0 && rows > 1) {
      break;
    }
  }
  CHECK(rows == causes().size() + 1);  // and the line under the heads
}

}  // namespace bertjit
