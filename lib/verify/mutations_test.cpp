// Mutation test: good traces are broken in every way that lib/mutate knows, and verify must notice each and name the
// place. A table of what was caught, and by which checks, is printed.
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "mutate/mutate.h"
#include "verify/clean_testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using testing::Export;
using testing::TempDir;
using testing::testdata;

namespace {

/// Two encoder layers, hidden 32; between them: an encoder with a pooler, a tied word head, pooler-less and padded
/// positions, logits of two tensors.
struct Subject {
  const char* checkpoint;
  Export how;
};
const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = {
      {"tiny-bert", {AttentionKind::kEager}},
      {"tiny-bert-mlm", {AttentionKind::kSdpa, "float32", Tie::kShare}},
      {"family/distilbert-qa", {AttentionKind::kEager}},
      {"family/electra", {AttentionKind::kSdpa}},
  };
  return all;
}

/// What verify said of one broken file.
struct Answer {
  bool noticed = false;
  bool located = false;
  std::set<std::string> checks;  ///< ids of those that failed or warned, or the kind of the error
  std::string text;
};

/// Whether one path is the other, or lies above it.
bool is_related(const std::string& a, const std::string& b) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& longer = a.size() < b.size() ? b : a;
  return longer == shorter || (longer.starts_with(shorter) && longer[shorter.size()] == '.');
}

/// Whether `place` names one of the mutated modules or records. A tensor's or argument's name is below its module's.
bool names_place(const std::string& place, const Mutated& mutated) {
  return std::ranges::any_of(mutated.where, [&](const std::string& where) {
    return where.empty() || (!place.empty() && (is_related(place, where) || place.ends_with("/" + where)));
  });
}

Answer judge(const VerifyOptions& options, const Mutated& mutated, MutationKind kind) {
  const Verdict expected = kind == MutationKind::kWaste ? Verdict::kWarn : Verdict::kFail;
  Answer answer;
  try {
    const VerifyResult result = verify(options);
    for (const CheckResult& check : result.checks) {
      if (check.verdict == expected) {
        answer.checks.insert(check.id);
        answer.located = answer.located || names_place(check.where, mutated);
      }
    }
    answer.noticed = expected == Verdict::kFail ? !result.passed : result.passed && !answer.checks.empty();
    answer.text = testing::checks_text(result, expected);
    if (expected == Verdict::kWarn && !result.passed) {
      answer.text += " accused: " + testing::checks_text(result, Verdict::kFail);
    }
  } catch (const Error& error) {
    // No answer is one for a damaged archive alone.
    answer.noticed = kind == MutationKind::kBytes;
    answer.text = error.what();
    answer.checks = {"error"};
    answer.located = std::ranges::any_of(mutated.where, [&](const std::string& where) {
      return where.empty() || answer.text.find(where) != std::string::npos;
    });
  }
  return answer;
}

/// The file with its claims; with its source as well where `with_source`. The shape is the one that baking mutations
/// take for the example's; ids are those that every vocabulary here has, and not all of them.
VerifyOptions options_for_broken(const std::string& path, const Subject& subject, bool with_source,
                                 const MutateOptions& mutate) {
  VerifyOptions options;
  options.module = path;
  if (with_source) {
    options.source.path = testdata(subject.checkpoint).string();
  }
  options.inputs.input = {"input_ids=randint(5,40):" + std::to_string(mutate.batch) + "x" +
                          std::to_string(mutate.length)};
  options.threads = 1;
  return options;
}

/// What came of one mutation.
struct Tally {
  int made = 0;
  int noticed = 0;
  int located = 0;
  std::set<std::string> checks;
  std::string missed;  ///< one a line
};

void try_mutation(const Mutation& mutation, const Subject& subject, const std::string& good, uint64_t seed,
                  bool with_source, Tally& tally) {
  const TempDir dir;
  const MutateOptions mutate{seed};
  const auto mutated = mutate_file(mutation.name, good, dir / "broken.pt", mutate);
  if (!mutated) {
    return;
  }
  const Answer answer =
      judge(options_for_broken((dir / "broken.pt").string(), subject, with_source, mutate), *mutated, mutation.kind);
  ++tally.made;
  tally.noticed += answer.noticed;
  tally.located += answer.located;
  tally.checks.insert(answer.checks.begin(), answer.checks.end());
  if (!answer.noticed || !answer.located) {
    tally.missed += std::string(subject.checkpoint) + " seed " + std::to_string(seed) +
                    (with_source ? " with source: " : " alone: ") + mutated->what + (answer.noticed ? "; said " : "") +
                    answer.text + "\n";
  }
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

/// Every mutation of `kind` on every subject, once with the source and, where that is enough, once without.
void check_mutations(MutationKind kind) {
  const TempDir dir;
  std::map<std::string, Tally> tallies;
  uint64_t seed = 1;
  for (const Subject& subject : subjects()) {
    const auto good = testing::export_checkpoint(testdata(subject.checkpoint), subject.how, dir / "good.pt");
    REQUIRE(good);
    for (const Mutation& mutation : all_mutations()) {
      if (mutation.kind != kind) {
        continue;
      }
      Tally& tally = tallies[mutation.name];
      try_mutation(mutation, subject, *good, seed++, /*with_source=*/true, tally);
      if (mutation.shown_by == ShownBy::kFile) {
        try_mutation(mutation, subject, *good, seed++, /*with_source=*/false, tally);
      }
    }
  }
  std::ostringstream table;
  std::string missed;
  for (const auto& [name, tally] : tallies) {
    table << "  " << std::left << std::setw(24) << name << "made " << tally.made << "  caught " << tally.noticed
          << "  located " << tally.located << "  " << joined(tally.checks) << "\n";
    INFO(name);
    CHECK(tally.made > 0);
    missed += tally.missed.empty() ? "" : name + ":\n" + tally.missed;
  }
  WARN(mutation_kind_name(kind) << "\n" << table.str());
  CHECK(missed == "");
}

}  // namespace

TEST_CASE("verify: a trace whose archive is damaged is never passed, and the record is named") {
  check_mutations(MutationKind::kBytes);
}

TEST_CASE("verify: every change of weights is noticed, and the module that has them is named") {
  check_mutations(MutationKind::kWeights);
}

TEST_CASE("verify: every change of the code is noticed, and the module that it is in is named") {
  check_mutations(MutationKind::kCode);
}

TEST_CASE("verify: claims that are not true are noticed") {
  check_mutations(MutationKind::kClaims);
}

TEST_CASE("verify: waste is warned of, and accused of nothing") {
  check_mutations(MutationKind::kWaste);
}

}  // namespace bertjit
