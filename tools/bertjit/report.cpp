// `bertjit report merge`: the results of several runs, added up.
#include <iostream>
#include <memory>

#include "commands.h"
#include "common_options.h"
#include "report/command_line.h"
#include "report/zoo_report.h"
#include "report_files.h"
#include "support/file.h"
#include "zoo/merge.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    "Add up what verify --list and eval --list left, as text, JSON, HTML or JUnit XML.";

constexpr const char* kMergeDescription =
    R"(Add up the files of --output, of one machine or of all shards of a list.

Every job of the list must be there once: a job that is in no file, or in two with different results, is an error, and so are
files of different lists, flags or versions. A job that two files have with the same result counts once.)";

constexpr const char* kFooter = R"(Examples:
  bertjit report merge results/*.jsonl
  bertjit report merge results/*.jsonl --html zoo.html --junit zoo.xml
  bertjit report merge results/*.jsonl --format json | jq '.jobs[] | select(.verdict != "pass") | .name'

Exit code: 0 all jobs pass, 1 a job failed, 2 one has no answer, or there is no sum, 3 one was refused as unsafe.)";

struct MergeCommand {
  std::vector<std::string> files;
  OutputOptions output;
  ReportFiles reports;
};

void run_merge(const MergeCommand& command, Invocation& invocation) {
  refuse_bad_targets(command.reports, command.files);
  const ZooResult result = merge_result_files(command.files);
  if (!command.output.quiet) {
    for (const std::string& note : result.notes) {
      invocation.err << "bertjit report: " << note << "\n";
    }
  }
  if (command.output.format == Format::kJson) {
    print_json(result, invocation.out);
  } else {
    print_text(result, choose_color(command.output.color), invocation.out);
  }
  const std::string line = command_line(invocation.arguments);
  if (!command.reports.html.empty()) {
    write_file_atomically(command.reports.html, zoo_html(result, line));
  }
  if (!command.reports.junit.empty()) {
    write_file_atomically(command.reports.junit, zoo_junit(result, line));
  }
  invocation.exit_code = result.exit_code();
}

}  // namespace

void setup_report(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<MergeCommand>();
  CLI::App* report = app.add_subcommand("report", kDescription);
  report->require_subcommand(1);
  report->footer(kFooter);
  CLI::App* merge = report->add_subcommand("merge", kMergeDescription);
  merge->footer(kFooter);
  merge->add_option("FILE", command->files, "Files that --output named")->required()->option_text("...");
  merge->add_option("--html", command->reports.html, "Also write a page: a table of all jobs, the worst first")
      ->option_text("FILE")
      ->check(refuse_empty);
  merge->add_option("--junit", command->reports.junit, "Also write JUnit XML, a case for each job")
      ->option_text("FILE")
      ->check(refuse_empty);
  add_output_flags(*merge, command->output);
  merge->callback([command, &invocation] { run_merge(*command, invocation); });
}

}  // namespace bertjit
