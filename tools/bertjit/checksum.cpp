// `bertjit checksum`: sha512sum's flags, output and exit codes.
#include "checksum/checksum.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "invocation.h"
#include "report/checksum_report.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Print or check SHA-512 checksums, exactly as GNU sha512sum does.

With no FILE, or when FILE is -, standard input is read.)";

constexpr const char* kFooter = R"(Examples:
  bertjit checksum traced_bert.pt > SHA512SUMS    what sha512sum prints, byte for byte
  bertjit checksum --check SHA512SUMS             are these still the files?
  bertjit checksum --check --ignore-missing --quiet SHA512SUMS
  curl -s URL | bertjit checksum

Exit code: 0 all was read and, with --check, matched; 1 otherwise.
Of --quiet, --status and --warn the last one given counts, as does the last of --binary and --text.
A text mark and a binary mark mean the same: files are always read as bytes.)";

struct Flag {
  const char* names;
  const char* help;
  void (*apply)(ChecksumOptions& options);
};

void set_mark(ChecksumOptions& options, ModeMark mark) {
  options.format.mark = mark;
  options.mark_given = true;
}

constexpr Flag kFlags[] = {
    {"-b,--binary", "Mark files as read in binary mode ('*' before the name)",
     [](ChecksumOptions& options) { set_mark(options, ModeMark::kBinary); }},
    {"-t,--text", "Mark files as read in text mode (a space before the name; the default)",
     [](ChecksumOptions& options) { set_mark(options, ModeMark::kText); }},
    {"-c,--check", "Read checksums from the FILEs and check them",
     [](ChecksumOptions& options) { options.check = true; }},
    {"--tag", "Write lines in BSD's form, SHA512 (NAME) = HEX",
     [](ChecksumOptions& options) {
       options.format.style = LineStyle::kBsd;
       set_mark(options, ModeMark::kBinary);
     }},
    {"-z,--zero", "End each line with NUL, not newline, and do not escape names",
     [](ChecksumOptions& options) { options.format.end = LineEnd::kNul; }},
    {"--ignore-missing", "With --check: pass over listed files that do not exist",
     [](ChecksumOptions& options) { options.ignore_missing = true; }},
    {"--quiet", "With --check: print no OK for files that match",
     [](ChecksumOptions& options) { options.talk = Talk::kQuiet; }},
    {"--status", "With --check: print nothing, the exit code is the answer",
     [](ChecksumOptions& options) { options.talk = Talk::kStatus; }},
    {"--strict", "With --check: fail if a line is not a checksum line",
     [](ChecksumOptions& options) { options.strict = true; }},
    {"-w,--warn", "With --check: name each line that is not a checksum line",
     [](ChecksumOptions& options) { options.talk = Talk::kWarn; }},
};

/// What is wrong with the first of `unknown`, in getopt's words; empty if there is none.
std::string describe_unknown(const std::vector<std::string>& unknown) {
  const auto first = std::find_if(unknown.begin(), unknown.end(), [](const auto& text) { return text != "--"; });
  if (first == unknown.end()) {
    return "";
  }
  if (first->starts_with("--")) {
    return "unrecognized option '" + *first + "'";
  }
  return "invalid option -- '" + first->substr(1, 1) + "'";
}

bool print_digests(const ChecksumOptions& options, Invocation& invocation, ChecksumReport& report) {
  bool all_read = true;
  for (const std::string& name : options.files) {
    const FileDigest file = digest_file(name, invocation.in);
    report.print(file);
    all_read = all_read && file.problem.empty();
  }
  return all_read;
}

bool check_lists(const ChecksumOptions& options, Invocation& invocation, ChecksumReport& report) {
  ListChecker checker(options, invocation.in);
  bool all_pass = true;
  for (const std::string& name : options.files) {
    const CheckedList list = checker.check_list(name, [&](const CheckedLine& line) { report.print(line); });
    report.print(list);
    all_pass = checker.passes(list) && all_pass;
  }
  return all_pass;
}

void run_checksum(const ChecksumOptions& options, const std::string& usage_error, Invocation& invocation) {
  ChecksumReport report(options, invocation.out, invocation.err);
  if (!usage_error.empty()) {
    report.print_usage_error(usage_error);
    invocation.exit_code = 1;
    return;
  }
  const bool yes = (options.check ? check_lists : print_digests)(options, invocation, report);
  invocation.exit_code = report.finish() && yes ? 0 : 1;
}

}  // namespace

void setup_checksum(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("checksum", kDescription);
  command->footer(kFooter);
  // sha512sum's own words for an option it does not know, and its exit code.
  command->allow_extras();

  // The names are wanted as typed. Where more values are allowed than asked for, CLI11 reads "[a,b]" as a list; so any
  // number is asked for, and not insisted on.
  CLI::Option* files = command->add_option(
      "FILE", [](const CLI::results_t&) { return true; }, "Files to hash, or lists to check");
  files->expected(CLI::detail::expected_max_vector_size, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  // Flags are applied in the order given, since some of them undo others.
  std::map<const CLI::Option*, const Flag*> flags;
  for (const Flag& flag : kFlags) {
    flags[command->add_flag(flag.names, flag.help)->disable_flag_override()] = &flag;
  }

  command->callback([command, files, flags, &invocation] {
    ChecksumOptions options;
    for (const CLI::Option* option : command->parse_order()) {
      if (const auto flag = flags.find(option); flag != flags.end()) {
        flag->second->apply(options);
      }
    }
    options.files = files->results();
    if (options.files.empty()) {
      options.files = {"-"};
    }
    const std::string unknown = describe_unknown(command->remaining());
    run_checksum(options, unknown.empty() ? find_conflict(options) : unknown, invocation);
  });
}

}  // namespace bertjit
