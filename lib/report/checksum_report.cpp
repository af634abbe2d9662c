#include "report/checksum_report.h"

#include <cerrno>
#include <cstring>

#include "checksum/shell_quote.h"

namespace bertjit {

namespace {

constexpr const char* kProgram = "bertjit checksum";

/// "2 listed files could not be read", "1 listed file could not be read".
std::string counted(uint64_t count, const char* one, const char* many) {
  return "WARNING: " + std::to_string(count) + (count == 1 ? one : many);
}

}  // namespace

void ChecksumPrinter::print(const std::string& text) {
  const Progress::Pause pause(streams_.progress);
  if (streams_.out.good()) {
    errno = 0;
    streams_.out << text << std::flush;
    write_error_ = streams_.out.good() ? 0 : errno;
  }
}

void ChecksumPrinter::print_error(const std::string& text) {
  const Progress::Pause pause(streams_.progress);
  streams_.err << kProgram << ": " << text << '\n';
}

void ChecksumPrinter::print_usage_error(const std::string& reason) {
  print_error(reason);
  streams_.err << "Try '" << kProgram << " --help' for more information.\n";
}

bool ChecksumPrinter::finish() {
  if (streams_.out.good()) {
    return true;
  }
  print_error(write_error_ == 0 ? "write error" : std::string("write error: ") + std::strerror(write_error_));
  return false;
}

void ChecksumReport::take(const FileDigest& file) {
  if (file.problem.empty()) {
    for (const std::string& note : file.notes) {
      printer_.print_error(quote_name(file.name) + ": " + note);
    }
    printer_.print(format_checksum_line(file.name, file.digest, options_.format));
  } else {
    printer_.print_error(quote_name(file.name) + ": " + file.problem);
  }
}

void ChecksumReport::take(const CheckedLine& line) {
  switch (line.verdict) {
    case LineVerdict::kMatch:
      if (!silent() && options_.talk != Talk::kQuiet) {
        printer_.print(format_reported_name(line.name) + ": OK\n");
      }
      break;
    case LineVerdict::kMismatch:
      if (!silent()) {
        printer_.print(format_reported_name(line.name) + ": FAILED\n");
      }
      break;
    case LineVerdict::kUnreadable:
      printer_.print_error(quote_name(line.name) + ": " + line.problem);
      if (!silent()) {
        printer_.print(format_reported_name(line.name) + ": FAILED open or read\n");
      }
      break;
    case LineVerdict::kMissing:
      take_missing(line);
      break;
    case LineVerdict::kMalformed:
      if (options_.talk == Talk::kWarn) {
        printer_.print_error(quote_name(line.list) + ": " + std::to_string(line.number) + ": improperly formatted " +
                             options_.format.tag + " checksum line");
      }
      break;
  }
}

/// sha512sum does not tell a missing file from one that cannot be read; where missing ones are looked for, we do.
void ChecksumReport::take_missing(const CheckedLine& line) {
  if (options_.ignore_missing) {
    return;
  }
  if (!options_.recursive) {
    printer_.print_error(quote_name(line.name) + ": " + line.problem);
  }
  if (!silent()) {
    printer_.print(format_reported_name(line.name) + (options_.recursive ? ": MISSING\n" : ": FAILED open or read\n"));
  }
}

void ChecksumReport::take(const CheckedList& list) {
  const std::string name = quote_name(list.name) + ": ";
  if (!list.problem.empty()) {
    printer_.print_error(name + list.problem);
    return;
  }
  const LineCounts& lines = list.lines;
  if (lines.entries() == 0) {
    printer_.print_error(name + "no properly formatted checksum lines found");
    return;
  }
  if (silent()) {
    return;
  }
  if (lines.malformed > 0) {
    printer_.print_error(counted(lines.malformed, " line is improperly formatted", " lines are improperly formatted"));
  }
  const uint64_t missing = options_.ignore_missing ? 0 : lines.missing;
  if (const uint64_t unread = lines.unreadable + (options_.recursive ? 0 : missing); unread > 0) {
    printer_.print_error(counted(unread, " listed file could not be read", " listed files could not be read"));
  }
  if (options_.recursive && missing > 0) {
    printer_.print_error(counted(missing, " listed file is missing", " listed files are missing"));
  }
  if (lines.mismatched > 0) {
    printer_.print_error(
        counted(lines.mismatched, " computed checksum did NOT match", " computed checksums did NOT match"));
  }
  if (options_.ignore_missing && lines.matched == 0) {
    printer_.print_error(name + "no file was verified");
  }
}

void ChecksumReport::take(const WalkedPath& path) {
  switch (path.kind) {
    case WalkedPath::Kind::kFile:
      if (!silent()) {
        printer_.print(format_reported_name(path.path) + ": EXTRA\n");
      }
      break;
    case WalkedPath::Kind::kSymlink:
      break;  // there may be one for every file: the summary counts them
    case WalkedPath::Kind::kSkipped:
      if (!silent()) {
        printer_.print_error(quote_name(path.path) + ": " + path.reason + "; skipped");
      }
      break;
    case WalkedPath::Kind::kProblem:
      printer_.print_error(quote_name(path.path) + ": " + path.reason);
      break;
  }
}

void ChecksumReport::take(const ChecksumSummary& summary) {
  if (!options_.recursive) {
    return;
  }
  if (!options_.check && summary.hashed == 0 && summary.lines.unreadable == 0) {
    printer_.print_error("there is no file to hash");
  }
  if (silent()) {
    return;
  }
  if (summary.extra > 0) {
    printer_.print_error(counted(summary.extra, " file is in no list", " files are in no list"));
  }
  if (summary.symlinks > 0) {
    printer_.print_error(std::to_string(summary.symlinks) +
                         (summary.symlinks == 1 ? " symbolic link was" : " symbolic links were") +
                         " not followed; --follow-symlinks does");
  }
}

}  // namespace bertjit
