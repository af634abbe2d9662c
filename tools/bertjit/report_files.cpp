#include "report_files.h"

#include <filesystem>

#include "common_options.h"
#include "report/command_line.h"
#include "report/verify_html.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace fs = std::filesystem;

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return !a.empty() && !b.empty() &&
         (fs::equivalent(a, b, ignored) || fs::absolute(a).lexically_normal() == fs::absolute(b).lexically_normal());
}

void refuse_bad_target(const char* flag, const std::string& target, const std::vector<std::string>& inputs) {
  if (target.empty()) {
    return;
  }
  if (target == "-") {
    throw Error(ErrorKind::kInvalidArgument,
                std::string(flag) + " -: standard output has the result already; name a file");
  }
  for (const std::string& input : inputs) {
    if (is_same_file(target, input)) {
      throw Error(ErrorKind::kInvalidArgument,
                  std::string(flag) + " " + target + ": is a file that is read; the report would take its place");
    }
  }
  // A pipe whose reader saw it opened and closed would think that all had come.
  std::error_code ignored;
  if (!fs::exists(target, ignored) || !fs::is_other(target, ignored)) {
    const AtomicFile probe(target);
  }
}

void add_report_flags(CLI::App& command, ReportFiles& files) {
  command.add_option("--html", files.html, "Also write a page to look at: plots, grid of shapes, graph diffs")
      ->option_text("FILE")
      ->check(refuse_empty);
  command.add_option("--junit", files.junit, "Also write JUnit XML, a case for each check, for CI systems")
      ->option_text("FILE")
      ->check(refuse_empty);
}

void refuse_bad_targets(const ReportFiles& files, const std::vector<std::string>& inputs) {
  if (is_same_file(files.html, files.junit)) {
    throw Error(ErrorKind::kInvalidArgument, "--html and --junit both name " + files.html);
  }
  refuse_bad_target("--html", files.html, inputs);
  refuse_bad_target("--junit", files.junit, inputs);
}

void write_reports(const ReportFiles& files, const VerifyResult& result, WarningsFail werror,
                   const Invocation& invocation) {
  const std::string line = command_line(invocation.arguments);
  if (!files.html.empty()) {
    write_file_atomically(files.html, verify_html(result, line));
  }
  if (!files.junit.empty()) {
    write_file_atomically(files.junit, verify_junit(result, werror, line));
  }
}

void write_error_report(const ReportFiles& files, const std::string& module, const std::string& message,
                        const Invocation& invocation) {
  if (files.junit.empty()) {
    return;
  }
  try {
    write_file_atomically(files.junit, verify_junit_error(module, message, command_line(invocation.arguments)));
  } catch (const Error& error) {
    invocation.err << "bertjit verify: " << error.what() << "\n";
  }
}

}  // namespace bertjit
