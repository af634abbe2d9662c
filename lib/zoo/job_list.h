// A list of jobs for one command, a line each: {"name": "a", "module": "a.pt", "source": "./a"}.
//
// A job is the command's own flags by their long names, so that whatever one run can be told a job can. Which flags
// there are the caller says, from the command itself.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace bertjit {

/// A flag that a line may have.
struct JobFlag {
  bool takes_value = true;
  bool names_file = false;  ///< its value is the path of something that is read: a file, a folder, FILE.py:NAME
  bool or_word = false;     ///< or a word of its own; it names a file where there is one
};

/// What a line of a command's list may hold.
struct JobForm {
  std::string command;                   ///< "verify"
  std::string operand;                   ///< the key of what the command is about: "module"
  bool has_many_operands = false;        ///< "models": one or a list
  std::map<std::string, JobFlag> flags;  ///< by long name, without dashes
};

/// Values by flag; of a flag without value, none.
using JobFlags = std::map<std::string, std::vector<std::string>>;

struct ZooJob {
  size_t index = 0;  ///< from 1, malformed ones counted
  size_t line = 0;   ///< of the file, from 1
  std::string name;
  /// Why the line is no job; empty if it is one.
  std::string problem;
  std::vector<std::string> operands;
  JobFlags flags;
  /// That the line says are off: a default does not hold.
  std::vector<std::string> switched_off;
};

struct JobList {
  std::string path;    ///< as given
  std::string digest;  ///< SHA-512 of the text
  std::vector<ZooJob> jobs;
};

/// Reads the lines; empty ones are none. A line without a name has its operands for one.
///
/// A malformed line is a job with a problem, and the others are jobs all the same. Throws Error(kInvalidArgument) for a
/// list without jobs, and for two jobs of one name: results go by names.
JobList parse_job_list(const std::string& text, const std::string& path, const JobForm& form);

/// A part of a list: job I and every Nth after it.
struct Shard {
  size_t number = 1;  ///< from 1
  size_t count = 1;
};

/// "2/5". Throws Error(kInvalidArgument) for what is no such thing: 0/2, 3/2.
Shard parse_shard(const std::string& text);

std::string shard_text(const Shard& shard);

/// Whether the job of that index, from 1, is in it.
inline bool is_in_shard(size_t index, const Shard& shard) {
  return (index - 1) % shard.count == shard.number - 1;
}

/// What the command is to be called with, its own name first. `defaults` hold where the job says nothing.
std::vector<std::string> job_arguments(const ZooJob& job, const JobFlags& defaults, const JobForm& form);

/// "--rtol=1e-3"; of a flag without value "--werror".
std::vector<std::string> flags_as_arguments(const JobFlags& flags);

}  // namespace bertjit
