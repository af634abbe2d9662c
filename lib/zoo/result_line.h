// What is kept of one job: a line of the file that --output names (docs/formats/zoo.md).
//
// What the job found comes first and is the same on every machine; what is of this one run (host, times) is one object
// at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "zoo/job_files.h"
#include "zoo/zoo_result.h"

namespace bertjit {

/// What all lines of one run share.
struct ZooHeader {
  std::string command;             ///< "verify"
  std::string version;             ///< of bertjit
  std::string list_digest;         ///< SHA-512 of the list
  size_t jobs = 0;                 ///< in the list
  std::vector<std::string> flags;  ///< defaults from the command line

  bool operator==(const ZooHeader&) const = default;
};

struct ZooRun {
  std::string shard;  ///< "2/5"; empty: the whole list
  std::string host;
  std::string started;  ///< "2026-01-31T12:00:00Z"
  double seconds = 0;
  double hashing_seconds = 0;  ///< of these, what digests of its files took
  uint64_t peak_memory_bytes = 0;
};

struct ZooLine {
  ZooHeader header;
  size_t index = 0;
  std::string name;
  std::string key;  ///< job_key; empty where there is none: a malformed line, files that changed meanwhile
  KnownFiles files;
  std::vector<std::string> arguments;
  int exit_code = 2;
  std::string error;              ///< what it said where it could not answer
  nlohmann::ordered_json report;  ///< the command's document; null if it printed none
  ZooRun run;
};

/// One line, its end included.
std::string write_result_line(const ZooLine& line);

/// The same read back; without the report where it is not asked for. Throws Error(kCorrupt) that names `place` for what
/// is no such line, Error(kUnsupported) for one of a form that this version does not know.
ZooLine read_result_line(std::string_view text, const std::string& place);

/// What tables and verdicts are made of.
ZooEntry entry_of(const ZooLine& line);

}  // namespace bertjit
