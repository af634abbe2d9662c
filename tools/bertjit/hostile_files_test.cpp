// Thousands of files that nobody wrote, through the whole program.
//
// What is held: the program exits with 0 to 3, no signal ends it, it takes bounded time and memory, and no file with
// other weights or other code is taken for the one it was made from.
//
// BERTJIT_MUTANTS=COUNT tries that many (a few otherwise), BERTJIT_MUTANTS=COUNT,FIRST those from number FIRST on: a
// mutant depends on its number alone. With it 2 s of CPU time are the bound; without, 20 s, for slow machines. One that
// breaks a promise is kept in the folder for temporary files.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include "checksum/sha512.h"
#include "cli_testing.h"
#include "digest/digest.h"
#include "hostile_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using testing::Dice;
using testing::MeasuredRun;
using testing::read_bytes;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

using Words = std::vector<std::string>;

// The program without libtorch, and with it.
constexpr double kMaxLightMb = 150;
constexpr double kMaxEngineMb = 700;

enum class Kind { kTorchScript, kTensors, kCheckpoint, kTokenizer, kChecksumList };

/// A good file and what reads it.
struct Subject {
  Kind kind;
  fs::path path;
  /// Of a checkpoint or tokenizer: its folder is copied, and the file in it changed.
  fs::path folder() const {
    return path.parent_path();
  }
};

struct Summary {
  std::map<int, size_t> light;   ///< runs without libtorch, by exit code
  std::map<int, size_t> engine;  ///< with it
  size_t verified = 0;           ///< mutants that `verify --source` was asked of
  MeasuredRun slowest;
  MeasuredRun largest;
  std::string slowest_command;
  std::string largest_command;
};

std::string in_words(const std::map<int, size_t>& counts) {
  std::string words;
  for (const auto& [exit_code, count] : counts) {
    words += " exit " + std::to_string(exit_code) + ": " + std::to_string(count) + ";";
  }
  return words;
}

std::string joined(const Words& words) {
  std::string line = "bertjit";
  for (const auto& word : words) {
    line += " " + word;
  }
  return line;
}

/// Files of the checkout by suffix, smaller than 200 kB, so that thousands take minutes.
void add_files(std::vector<Subject>& subjects, Kind kind, const fs::path& folder, const Words& suffixes) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool fits = std::ranges::any_of(suffixes, [&](const auto& suffix) { return name.ends_with(suffix); });
    if (fits && entry.is_regular_file() && entry.file_size() < 200'000) {
      subjects.push_back({kind, entry.path()});
    }
  }
}

/// Whether somebody asked for so many mutants on a machine of theirs.
bool is_measured() {
  return std::getenv("BERTJIT_MUTANTS") != nullptr;
}

class HostileFiles {
 public:
  HostileFiles()
      : program_(fs::read_symlink("/proc/self/exe").parent_path() / "bertjit"), traced_(folder_ / "good.pt") {
    // By a process of its own: in this one libtorch would stay, and its memory count as that of every child.
    const MeasuredRun made = testing::run_measured(
        program_.string(), {"trace", source_.string(), "-o", traced_.string(), "--archive-name", "a"});
    REQUIRE(made.exit_code == 0);
    digests_ = {digest_of(traced_, DigestKind::kWeights), digest_of(traced_, DigestKind::kCode)};
    write_bytes(folder_ / "SHA512SUMS", testing::run_bertjit({"checksum", traced_.string()}).out);
    collect();
  }

  void try_one(uint64_t number) {
    Dice dice(number);
    const auto& group = subjects_[dice.below(subjects_.size())];
    const Subject& subject = group[dice.below(group.size())];
    const auto& other = subjects_[dice.below(subjects_.size())];
    const std::string from = read_bytes(other[dice.below(other.size())].path);
    const TempDir folder;
    const fs::path mutant = make_mutant(subject, from, folder, dice);
    for (const Words& command : commands(subject, mutant, dice)) {
      run(command, kMaxLightMb, number, folder);
    }
    if (dice.below(10) == 0) {
      for (const Words& command : engine_commands(subject, mutant, folder, dice)) {
        run(command, kMaxEngineMb, number, folder);
      }
    }
    if (subject.path == traced_ && (dice.below(10) == 0 || number < 20)) {
      check_not_taken_for_good(mutant, number, folder);
    }
  }

  const Summary& summary() const {
    return summary_;
  }

 private:
  void collect() {
    subjects_.resize(6);
    subjects_[0] = {{Kind::kTorchScript, traced_}};
    add_files(subjects_[1], Kind::kTorchScript, testdata("torchscript"), {".pt"});
    add_files(subjects_[2], Kind::kTensors, testdata("container"), {".npz", ".npy", ".bin", ".safetensors"});
    add_files(subjects_[2], Kind::kTensors, testdata("golden"), {".npz"});
    for (const char* folder : {"tiny-bert-nopool", "tiny-bert-seqcls", "stored", "broken/intact"}) {
      add_files(subjects_[3], Kind::kCheckpoint, testdata(folder),
                {"config.json", ".bin", ".safetensors", ".index.json"});
    }
    for (const auto& entry : fs::directory_iterator(testdata(""))) {
      if (entry.path().filename().string().starts_with("tok-") || entry.path().filename() == "tiny-bert") {
        add_files(subjects_[4], Kind::kTokenizer, entry.path(),
                  {"vocab.txt", "tokenizer.json", "vocab.json", "merges.txt", ".model", ".spm", "tokenizer_config.json",
                   "special_tokens_map.json"});
      }
    }
    subjects_[5] = {{Kind::kChecksumList, folder_ / "SHA512SUMS"}};
    for (auto& group : subjects_) {
      REQUIRE(!group.empty());
      std::ranges::sort(group, {}, &Subject::path);
    }
  }

  static fs::path make_mutant(const Subject& subject, const std::string& other, const TempDir& folder, Dice& dice) {
    if (subject.kind == Kind::kCheckpoint || subject.kind == Kind::kTokenizer) {
      fs::copy(subject.folder(), folder.path(), fs::copy_options::recursive);
    }
    fs::path mutant = folder / subject.path.filename().string();
    const std::string bytes = read_bytes(subject.path);
    const bool archive = bytes.starts_with("PK") && dice.below(2) == 0;
    write_bytes(mutant, archive ? testing::mutate_record(subject.path, other, dice)
                                : testing::mutate_bytes(bytes, other, dice));
    return mutant;
  }

  /// What reads the file without libtorch.
  std::vector<Words> commands(const Subject& subject, const fs::path& mutant, Dice& dice) const {
    const std::string file = mutant.string();
    switch (subject.kind) {
      case Kind::kTokenizer:
        return {{"tokenize", "--tokenizer", mutant.parent_path().string(), "Who was [MASK] ?\tJim Henson"}};
      case Kind::kChecksumList:
        return {{"checksum", "-c", file}};
      default: {
        const std::vector<Words> all{{"scan", file},
                                     {"checksum", "--content", file},
                                     {"checksum", "--weights", file},
                                     {"checksum", "--code", file},
                                     {"inspect", "--records", file},
                                     {"diff", file, subject.path.string()},
                                     {"scan", file, subject.path.string()}};
        return {all[dice.below(all.size())]};
      }
    }
  }

  /// What hands it to libtorch, or means to.
  std::vector<Words> engine_commands(const Subject& subject, const fs::path& mutant, const TempDir& folder,
                                     Dice& dice) const {
    const std::string file = mutant.string();
    const std::string out = (folder / "out.pt").string();
    switch (subject.kind) {
      case Kind::kTorchScript: {
        const std::vector<Words> all{{"run", file, "--threads", "1"},
                                     {"inspect", file},
                                     {"verify", file, "--threads", "1"},
                                     {"trace", file, "-o", out}};
        return {all[dice.below(all.size())]};
      }
      case Kind::kTensors:
        return {{"run", source_.string(), "--inputs", file, "--threads", "1"}};
      case Kind::kCheckpoint:
        return {{"trace", mutant.parent_path().string(), "-o", out, "--threads", "1"}};
      default:
        return {};
    }
  }

  MeasuredRun run(const Words& command, double max_mb, uint64_t number, const TempDir& folder) {
    const MeasuredRun ended = testing::run_measured(program_.string(), command);
    ++(max_mb == kMaxLightMb ? summary_.light : summary_.engine)[ended.exit_code];
    if (ended.cpu_s > summary_.slowest.cpu_s) {
      summary_.slowest = ended;
      summary_.slowest_command = joined(command);
    }
    if (ended.peak_rss_mb > summary_.largest.peak_rss_mb) {
      summary_.largest = ended;
      summary_.largest_command = joined(command);
    }
    const bool holds =
        ended.exit_code >= 0 && ended.exit_code <= 3 && ended.cpu_s <= max_cpu_seconds_ && ended.peak_rss_mb <= max_mb;
    if (!holds) {
      keep(folder, number);
    }
    INFO("mutant " << number << ": " << joined(command));
    CHECK(ended.signal == 0);
    CHECK(ended.exit_code >= 0);
    CHECK(ended.exit_code <= 3);
    CHECK(ended.cpu_s <= max_cpu_seconds_);
    CHECK(ended.peak_rss_mb <= max_mb);
    return ended;
  }

  /// What `file` computes with; empty if that cannot be told. The format's version is left out: an archive that lost
  /// the record has the same weights and code, and libtorch loads it.
  static std::string digest_of(const fs::path& file, DigestKind kind) {
    try {
      std::string stream = digest_meaning(file, kind, {.threads = 1}).stream;
      const size_t version = stream.find("\nversion ");
      return version == std::string::npos ? stream : stream.erase(version, stream.find('\n', version + 1) - version);
    } catch (const Error&) {
      return "";
    }
  }

  /// The list of the good file's checksums refuses any other bytes; `verify --source` other weights and other code.
  void check_not_taken_for_good(const fs::path& mutant, uint64_t number, const TempDir& folder) {
    if (read_bytes(mutant) == read_bytes(traced_)) {
      return;
    }
    ++summary_.verified;
    std::string list = read_bytes(folder_ / "SHA512SUMS");
    list.replace(list.find(traced_.string()), traced_.string().size(), mutant.string());
    write_bytes(folder / "list", list);
    CHECK(run({"checksum", "-c", (folder / "list").string()}, kMaxLightMb, number, folder).exit_code == 1);

    const bool other_meaning =
        digest_of(mutant, DigestKind::kWeights) != digests_[0] || digest_of(mutant, DigestKind::kCode) != digests_[1];
    const Words command{"verify", mutant.string(), "--source", source_.string(), "--threads", "1"};
    const MeasuredRun verified = run(command, kMaxEngineMb, number, folder);
    if (other_meaning && verified.exit_code == 0) {
      keep(folder, number);
    }
    INFO("mutant " << number << ": " << joined(command));
    CHECK_FALSE((other_meaning && verified.exit_code == 0));
  }

  /// For whoever looks into it; the scope of `folder` removes the original.
  static void keep(const TempDir& folder, uint64_t number) {
    const fs::path kept = fs::temp_directory_path() / ("bertjit-mutant-" + std::to_string(number));
    fs::copy(folder.path(), kept, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    std::cerr << "kept in " << kept.string() << "\n";
  }

  const double max_cpu_seconds_ = is_measured() ? 2 : 20;
  const TempDir folder_;
  const fs::path program_;
  const fs::path source_ = testdata("broken/intact");
  const fs::path traced_;
  std::array<std::string, 2> digests_;
  std::vector<std::vector<Subject>> subjects_;  ///< by kind, so that each kind has its share
  Summary summary_;
};

}  // namespace

TEST_CASE("hostile files: any change to a file ends in an answer, and never passes for the original") {
  unsigned long long count = 100;
  unsigned long long first = 0;
  if (is_measured()) {
    REQUIRE(std::sscanf(std::getenv("BERTJIT_MUTANTS"), "%llu,%llu", &count, &first) >= 1);
  }
  HostileFiles files;
  for (uint64_t number = first; number < first + count; ++number) {
    files.try_one(number);
  }
  if (is_measured()) {
    const Summary& summary = files.summary();
    std::cerr << "without libtorch:" << in_words(summary.light) << "\nwith libtorch:" << in_words(summary.engine)
              << "\nheld against the original: " << summary.verified << "\nslowest: " << summary.slowest.cpu_s << " s, "
              << summary.slowest_command << "\nlargest: " << summary.largest.peak_rss_mb << " MB, "
              << summary.largest_command << "\n";
  }
}

}  // namespace bertjit
