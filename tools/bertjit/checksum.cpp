// `bertjit checksum`: sha512sum's flags, output and exit codes, and more.
#include "checksum.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "checksum/work_size.h"
#include "checksum_flags.h"
#include "commands.h"
#include "report/checksum_json.h"
#include "report/checksum_report.h"
#include "support/file.h"
#include "support/progress.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Print or check SHA-512 checksums, exactly as GNU sha512sum does.

With no FILE, or when FILE is -, standard input is read.)";

constexpr const char* kFooter = R"(Examples:
  bertjit checksum traced_bert.pt > SHA512SUMS    what sha512sum prints, byte for byte
  bertjit checksum --check SHA512SUMS             are these still the files?
  bertjit checksum --check --ignore-missing --quiet SHA512SUMS
  curl -s URL | bertjit checksum
  bertjit checksum --recursive models > SHA512SUMS
  bertjit checksum --check --recursive SHA512SUMS models    changed, missing and extra files
  bertjit checksum --weights bert-base-uncased traced_bert.pt

Exit code: 0 all was read and, with --check, matched; 1 otherwise.
Of --quiet, --status and --warn the last one given counts, as does the last of --binary and --text.
A text mark and a binary mark mean the same: files are always read as bytes.
The flags that sha512sum has can be abbreviated and bundled as there; the others cannot.)";

/// A standard stream that is closed would be given to the next file that is opened, and standard input would then be
/// that file. What stands in its place can be neither read nor written: errors stay what they were.
class StandardStreams {
 public:
  StandardStreams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
      if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
        closed_[fd] = ::open("/", O_PATH | O_CLOEXEC) == fd;
      }
    }
  }
  ~StandardStreams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
      if (closed_[fd]) {
        ::close(fd);
      }
    }
  }
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;

  bool input_is_closed() const {
    return closed_[STDIN_FILENO];
  }

 private:
  bool closed_[3] = {};
};

/// `checksum --recursive . > SHA512SUMS` finds the file it is writing, `-o SHA512SUMS` the one it replaces.
void leave_out_target(ChecksumCommand& command) {
  struct stat status;
  const bool exists =
      command.output.empty() ? ::fstat(STDOUT_FILENO, &status) == 0 : ::stat(command.output.c_str(), &status) == 0;
  if (command.options.recursive && exists && S_ISREG(status.st_mode)) {
    command.options.leave_out.push_back({.device = status.st_dev, .inode = status.st_ino});
  }
}

bool run(ChecksumCommand& command, bool input_is_closed, Progress& progress, ChecksumPrinter& printer,
         Invocation& invocation) {
  ChecksumOptions& options = command.options;
  leave_out_target(command);
  std::unique_ptr<ChecksumSink> sink;
  if (command.format == Format::kJson) {
    sink = std::make_unique<ChecksumJson>(options, printer);
  } else {
    sink = std::make_unique<ChecksumReport>(options, printer);
  }
  if (progress.shown()) {
    progress.add_total(measure_work(options));
  }
  const ChecksumSummary summary = run_checksum(options, invocation.in, progress, *sink);
  if (summary.read_standard_input && input_is_closed) {
    printer.print_error(std::string("standard input: ") + std::strerror(EBADF));
    return false;
  }
  return summary.passed;
}

}  // namespace

bool run_checksum_command(const std::vector<std::string>& arguments, Invocation& invocation) {
  ChecksumCommand command = parse_checksum_arguments(arguments);
  if (command.help) {
    return false;
  }
  if (command.version) {
    invocation.out << "bertjit " BERTJIT_VERSION "\n";
    return true;
  }
  const StandardStreams streams;
  // Tests run this with streams of their own, whatever standard error is.
  const bool to_terminal = &invocation.err == &std::cerr && progress_wanted();
  Progress progress(invocation.err, {.shown = to_terminal && command.options.talk != Talk::kStatus});
  std::optional<AtomicFile> file;  // opened now: that it cannot be written is no news for the end
  std::ostringstream text;
  if (!command.output.empty()) {
    file.emplace(command.output);
  }
  ChecksumPrinter printer({.out = file ? text : invocation.out, .err = invocation.err, .progress = progress});
  if (!command.usage_error.empty()) {
    printer.print_usage_error(command.usage_error);
    invocation.exit_code = 1;
    return true;
  }
  const bool yes = run(command, streams.input_is_closed(), progress, printer, invocation);
  invocation.exit_code = printer.finish() && yes ? 0 : 1;
  if (file) {
    file->write(text.str());
    file->commit();
  }
  return true;
}

void setup_checksum(CLI::App& app, Invocation&) {
  CLI::App* command = app.add_subcommand("checksum", kDescription);
  command->footer(kFooter);
  command
      ->add_option(
          "FILE", [](const CLI::results_t&) { return true; }, "Files to hash, or lists to check")
      ->expected(CLI::detail::expected_max_vector_size);
  for (const ChecksumFlag& flag : checksum_flags()) {
    if (flag.name == "help") {
      continue;  // CLI11 has it
    }
    const std::string names =
        (flag.letter != 0 ? std::string("-") + flag.letter + "," : "") + "--" + std::string(flag.name);
    if (flag.value == nullptr) {
      command->add_flag(names, flag.help);
    } else {
      command
          ->add_option(
              names, [](const CLI::results_t&) { return true; }, flag.help)
          ->option_text(flag.value);
    }
  }
}

}  // namespace bertjit
