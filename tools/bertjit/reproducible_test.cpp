// Same model, same bytes: wherever it is traced, under whatever locale, into whatever file; and if the bytes are
// others, the same meaning.
#include "cli_testing.h"
#include "digest/digest.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using testing::program;
using testing::read_bytes;
using testing::run_command;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;

std::string digest_of(const fs::path& path, DigestKind kind) {
  return to_hex(digest_meaning(path, kind).digest);
}

/// Two places that share nothing but the model: folder, file name, locale, time zone, home.
struct Place {
  const char* folder;
  const char* file;
  const char* environment;
};

constexpr Place kPlaces[] = {
    {"one", "traced_bert.pt", "LC_ALL=C LANG=C TZ=UTC HOME=/ TMPDIR=/tmp"},
    {"a second/place ü", "other name.pt", "LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 TZ=Asia/Tokyo HOME=/nonexistent"},
};

/// `bertjit trace` as a process of its own in that place; the file it wrote. `source` lies under `prefix` there, or is
/// absolute.
fs::path trace_in(const TempDir& dir, const Place& place, const std::string& source, const std::string& more) {
  const fs::path folder = dir / place.folder;
  fs::create_directories(folder);
  const auto run = run_command("cd '" + folder.string() + "' && env " + place.environment + " " + program() +
                               " trace '" + source + "' -o '" + place.file + "' --quiet " + more + " 2>&1");
  INFO(run.out);
  REQUIRE(run.exit_code == 0);
  return folder / place.file;
}

/// Copies a file or folder into both places, under different names; what to call it in each.
std::vector<std::string> put_copies(const TempDir& dir, const fs::path& source) {
  std::vector<std::string> names;
  for (const Place& place : kPlaces) {
    const fs::path folder = dir / place.folder;
    fs::create_directories(folder);
    const std::string name = "model " + std::to_string(names.size()) + source.extension().string();
    fs::copy(source, folder / name, fs::copy_options::recursive);
    names.push_back(name);
  }
  return names;
}

constexpr const char* kProgram = R"(import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, x):
        for _ in range(2):
            x = torch.tanh(x * self.weight)
        return x

model = Net()
)";

}  // namespace

TEST_CASE("reproducible: two processes in different folders and locales trace a checkpoint to the same bytes") {
  for (const char* model : {"tiny-bert", "tiny-bert-mlm", "tiny-bert-seqcls"}) {
    INFO(model);
    const TempDir dir;
    const auto names = put_copies(dir, testdata(model));
    const fs::path a = trace_in(dir, kPlaces[0], names[0], "--archive-name bert");
    const fs::path b = trace_in(dir, kPlaces[1], names[1], "--archive-name bert");
    CHECK(a.filename() != b.filename());
    CHECK(read_bytes(a) == read_bytes(b));
  }
}

TEST_CASE("reproducible: without --archive-name two file names give other bytes and the same content") {
  const TempDir dir;
  const fs::path a = trace_in(dir, kPlaces[0], testdata("tiny-bert").string(), "");
  const fs::path b = trace_in(dir, kPlaces[1], testdata("tiny-bert").string(), "");
  CHECK(read_bytes(a) != read_bytes(b));
  CHECK(digest_of(a, DigestKind::kContent) == digest_of(b, DigestKind::kContent));
}

TEST_CASE("reproducible: gradients, threads and checks leave no trace in the bytes") {
  const TempDir dir;
  trace_model("tiny-bert", dir / "a.pt", {"--archive-name", "bert"});
  trace_model("tiny-bert", dir / "b.pt",
              {"--archive-name", "bert", "--grad", "off", "--threads", "1", "--no-check", "--strip-debug"});
  trace_model("tiny-bert", dir / "c.pt", {"--archive-name", "bert", "--strip-debug", "--check-shapes", "2x5"});
  CHECK(read_bytes(dir / "b.pt") == read_bytes(dir / "c.pt"));
  CHECK(digest_of(dir / "a.pt", DigestKind::kContent) == digest_of(dir / "b.pt", DigestKind::kContent));
}

TEST_CASE("reproducible: --strip-debug makes a program's bytes independent of where its source lies") {
  const TempDir dir;
  testing::write_bytes(dir / "net.py", kProgram);
  const auto names = put_copies(dir, dir / "net.py");
  const auto trace_both = [&](const std::string& more) {
    std::vector<std::string> bytes;
    for (size_t i = 0; i < 2; ++i) {
      bytes.push_back(read_bytes(
          trace_in(dir, kPlaces[i], "./" + names[i] + ":Net", "--input x=ones:3 --archive-name net " + more)));
    }
    return bytes;
  };
  for (const std::string how : {"", "--script "}) {
    INFO(how);
    const auto with_debug = trace_both(how);
    const auto stripped = trace_both(how + "--strip-debug");
    CHECK(stripped[0] == stripped[1]);
    CHECK(stripped[0] != with_debug[0]);
    CHECK(stripped[0].find(names[0]) == std::string::npos);
  }
}

TEST_CASE("reproducible: Python loads and runs a stripped file, and finds the same values in it") {
  SKIP_WITHOUT_PYTHON();
  const TempDir dir;
  trace_model("tiny-bert", dir / "a.pt");
  trace_model("tiny-bert", dir / "b.pt", {"--strip-debug"});
  const std::string same = testing::run_python(R"(import sys
import torch
a, b = (torch.jit.load(name) for name in sys.argv[1:])
ids = torch.tensor([[2, 7, 8, 3]])
ones = torch.ones_like(ids)
outputs = [m(ids, ones, 0 * ones) for m in (a, b)]
print(all(torch.equal(x, y) for x, y in zip(*outputs)), a.code == b.code)
)",
                                               {(dir / "a.pt").string(), (dir / "b.pt").string()});
  CHECK(same == "True True\n");
}

// docs/formats/digests.md, "Weights of a checkpoint and of its trace".
TEST_CASE("reproducible: the weights digest of a checkpoint is that of the file traced from it, for the whole family") {
  std::vector<fs::path> checkpoints;
  for (const auto& entry : fs::directory_iterator(testdata("family"))) {
    checkpoints.push_back(entry.path());
  }
  for (const char* name :
       {"tiny-bert", "tiny-bert-mlm", "tiny-bert-nopool", "tiny-bert-pretraining", "tiny-bert-seqcls", "stored/sharded",
        "stored/sharded-bin", "stored/training", "stored/first-release"}) {
    checkpoints.push_back(testdata(name));
  }
  REQUIRE(checkpoints.size() > 70);
  for (const fs::path& checkpoint : checkpoints) {
    INFO(checkpoint);
    const TempDir dir;
    const auto traced =
        testing::run_bertjit({"trace", checkpoint.string(), "-o", (dir / "x.pt").string(), "--quiet", "--no-check"});
    INFO(traced);
    REQUIRE(traced.exit_code == 0);
    CHECK(digest_of(dir / "x.pt", DigestKind::kWeights) == digest_of(checkpoint, DigestKind::kWeights));
  }
}

TEST_CASE("reproducible: a checkpoint stored in another dtype has other weights than its float32 trace") {
  const TempDir dir;
  trace_model("stored/float16", dir / "x.pt", {"--no-check"});
  CHECK(digest_of(dir / "x.pt", DigestKind::kWeights) != digest_of(testdata("stored/float16"), DigestKind::kWeights));
}

TEST_CASE("reproducible: Python's load and save, with the claims handed on, leaves the content") {
  SKIP_WITHOUT_PYTHON();
  const TempDir dir;
  trace_model("tiny-bert-mlm", dir / "a.pt");
  testing::run_python(R"(import sys
import torch
extra = {"bertjit.json": ""}
torch.jit.load(sys.argv[1], _extra_files=extra).save(sys.argv[2], _extra_files=extra)
torch.jit.load(sys.argv[1]).save(sys.argv[3])
)",
                      {(dir / "a.pt").string(), (dir / "b.pt").string(), (dir / "c.pt").string()});
  CHECK(read_bytes(dir / "a.pt") != read_bytes(dir / "b.pt"));
  for (const DigestKind kind : {DigestKind::kContent, DigestKind::kWeights, DigestKind::kCode}) {
    CHECK(digest_of(dir / "a.pt", kind) == digest_of(dir / "b.pt", kind));
  }
  CHECK(digest_of(dir / "a.pt", DigestKind::kContent) != digest_of(dir / "c.pt", DigestKind::kContent));
  CHECK(digest_of(dir / "a.pt", DigestKind::kCode) == digest_of(dir / "c.pt", DigestKind::kCode));
}

}  // namespace bertjit
