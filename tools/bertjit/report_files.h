// --html and --junit: reports of `verify` beside the one on standard output; and what is asked of any such file.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "invocation.h"
#include "report/verify_junit.h"
#include "verify/verify_result.h"

namespace bertjit {

/// Whether two paths, neither of them empty, name one file.
bool is_same_file(const std::string& a, const std::string& b);

/// Before the work begins: throws Error where `target`, the value of `flag`, could not be written when it ends, is
/// standard output, which has the result, or would take the place of a file among `inputs`. None for "".
void refuse_bad_target(const char* flag, const std::string& target, const std::vector<std::string>& inputs);

/// Paths; empty for those that are not asked for.
struct ReportFiles {
  std::string html;
  std::string junit;
};

void add_report_flags(CLI::App& command, ReportFiles& files);

/// Before the work begins: throws Error where a report could not be written when it ends, where it would go to standard
/// output, which has the result, or where it would take the place of the other one or of a file among `inputs`.
void refuse_bad_targets(const ReportFiles& files, const std::vector<std::string>& inputs);

/// Writes those that are asked for, each as a whole or not at all. Throws Error(kIo).
void write_reports(const ReportFiles& files, const VerifyResult& result, WarningsFail werror,
                   const Invocation& invocation);

/// For a run without an answer: JUnit has a word for that, and a report of an earlier run would be taken for this
/// one's. Says so and goes on if it cannot be written; an error is on its way already.
void write_error_report(const ReportFiles& files, const std::string& module, const std::string& message,
                        const Invocation& invocation);

}  // namespace bertjit
