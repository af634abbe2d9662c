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

ChecksumReport::ChecksumReport(const ChecksumOptions& options, std::ostream& out, std::ostream& err)
    : format_(options.format), talk_(options.talk), ignore_missing_(options.ignore_missing), out_(out), err_(err) {}

void ChecksumReport::print_usage_error(const std::string& reason) {
  print_error(reason);
  err_ << "Try '" << kProgram << " --help' for more information.\n";
}

void ChecksumReport::print(const FileDigest& file) {
  if (!file.problem.empty()) {
    print_error(quote_name(file.name) + ": " + file.problem);
    return;
  }
  print_line(format_checksum_line(file.name, file.digest, format_));
}

void ChecksumReport::print(const CheckedLine& line) {
  const bool answers = talk_ != Talk::kStatus;
  switch (line.verdict) {
    case LineVerdict::kMatch:
      if (answers && talk_ != Talk::kQuiet) {
        print_line(format_reported_name(line.name) + ": OK\n");
      }
      break;
    case LineVerdict::kMismatch:
      if (answers) {
        print_line(format_reported_name(line.name) + ": FAILED\n");
      }
      break;
    case LineVerdict::kUnreadable:
      print_error(quote_name(line.name) + ": " + line.problem);
      if (answers) {
        print_line(format_reported_name(line.name) + ": FAILED open or read\n");
      }
      break;
    case LineVerdict::kMissing:
      break;
    case LineVerdict::kMalformed:
      if (talk_ == Talk::kWarn) {
        print_error(quote_name(line.list) + ": " + std::to_string(line.number) +
                    ": improperly formatted SHA512 checksum line");
      }
      break;
  }
}

void ChecksumReport::print(const CheckedList& list) {
  const std::string name = quote_name(list.name) + ": ";
  if (!list.problem.empty()) {
    print_error(name + list.problem);
    return;
  }
  if (list.entries() == 0) {
    print_error(name + "no properly formatted checksum lines found");
    return;
  }
  if (talk_ == Talk::kStatus) {
    return;
  }
  if (list.malformed > 0) {
    print_error(counted(list.malformed, " line is improperly formatted", " lines are improperly formatted"));
  }
  if (list.unreadable > 0) {
    print_error(counted(list.unreadable, " listed file could not be read", " listed files could not be read"));
  }
  if (list.mismatched > 0) {
    print_error(counted(list.mismatched, " computed checksum did NOT match", " computed checksums did NOT match"));
  }
  if (ignore_missing_ && list.matched == 0) {
    print_error(name + "no file was verified");
  }
}

bool ChecksumReport::finish() {
  if (out_.good()) {
    return true;
  }
  print_error(write_error_ == 0 ? "write error" : std::string("write error: ") + std::strerror(write_error_));
  return false;
}

void ChecksumReport::print_line(const std::string& line) {
  if (out_.good()) {
    errno = 0;
    out_ << line << std::flush;
    write_error_ = out_.good() ? 0 : errno;
  }
}

void ChecksumReport::print_error(const std::string& text) {
  err_ << kProgram << ": " << text << '\n';
}

}  // namespace bertjit
