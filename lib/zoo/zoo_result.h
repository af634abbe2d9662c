// What many jobs of one command came to, as plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bertjit {

/// In the order of the exit codes, which is that of how bad it is.
enum class ZooVerdict { kPass, kFail, kNoAnswer, kUnsafe };

/// A check that is to be looked at.
struct ZooFinding {
  std::string check;
  std::string verdict;  ///< "fail", "warn"
  std::string summary;
  std::string where;
  std::string advice;
};

/// Where the whole of a job's line is.
struct ZooPlace {
  std::string path;  ///< of the file; empty: `text` has it
  uint64_t offset = 0;
  uint64_t size = 0;
  std::string text = {};
};

struct ZooEntry {
  size_t index = 0;  ///< in the list, from 1
  std::string name;
  std::string operands;  ///< what was judged: "a.pt"
  ZooVerdict verdict = ZooVerdict::kNoAnswer;
  std::string error;  ///< why there is no answer
  /// The check that says most of what is wrong; empty if none failed.
  std::string blamed;
  std::vector<std::pair<std::string, std::string>> checks;  ///< id and verdict of all, in order
  std::vector<ZooFinding> findings;
  std::vector<std::pair<std::string, double>> figures;  ///< of `eval`: "accuracy", "f1"
  double seconds = 0;
  std::string host;
  std::string key;
  std::string digest;  ///< of all that is not of this one run
  ZooPlace place;
};

struct ZooResult {
  std::string command;      ///< "verify"
  std::string version;      ///< of bertjit
  std::string list_digest;  ///< SHA-512 of the list
  size_t jobs = 0;          ///< in the list
  std::string shard;        ///< "2/5" where only these jobs are in it; empty: all are
  std::vector<std::string> flags;
  std::vector<ZooEntry> entries;  ///< by index
  std::vector<std::string> notes;

  size_t count(ZooVerdict verdict) const;
  /// The worst verdict's.
  int exit_code() const;
};

/// "pass", "fail", "no-answer", "unsafe".
const char* zoo_verdict_name(ZooVerdict verdict);

/// "200 jobs: 196 pass, 3 fail, 1 no answer".
std::string zoo_counts(const ZooResult& result);

/// Worst first; of equals in the order of the list.
std::vector<const ZooEntry*> worst_first(const ZooResult& result);

}  // namespace bertjit
