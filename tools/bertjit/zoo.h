// --list, --jobs, --shard, --output, --resume: one command over many models.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "common_options.h"
#include "invocation.h"
#include "report_files.h"
#include "zoo/job_list.h"

namespace bertjit {

struct ZooFlags {
  std::string list;  ///< empty: the command is about what its arguments name
  int jobs = 1;      ///< at once; 0: one per core
  std::string shard;
  std::string output;
  bool resume = false;
};

/// Adds them to a command whose `operand` is then not needed; it may not be given beside --list.
void add_zoo_flags(CLI::App& command, CLI::Option* operand, ZooFlags& flags);

/// Throws CLI::RequiredError where there is neither `operand` nor --list.
void require_operand_or_list(const CLI::Option& operand, const ZooFlags& flags);

/// What lines of `command`'s list may hold: its own flags, but those that are for the list. `key` stands for what the
/// command is about.
JobForm job_form(const CLI::App& command, const std::string& key, bool has_many_operands);

/// Does every job of the list, or of the shard, with the command line's other flags as defaults, and reports.
///
/// Every job is the command itself, in a process of its own; libtorch is loaded once, before the first. What a job
/// crashes, fails or is refused is its result, and the others go on. The exit code is the worst job's.
/// Throws Error where no job can be begun: a list without jobs, a shard out of range, an output that cannot be
/// written, no libtorch.
void run_zoo(const ZooFlags& flags, const CLI::App& command, const JobForm& form, const OutputOptions& output,
             const ReportFiles& reports, Invocation& invocation);

}  // namespace bertjit
