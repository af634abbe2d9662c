#include "checksum/checksum.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace bertjit {

namespace {

constexpr const char* kStandardInput = "-";

Sha512Digest hash_named(const std::string& name, std::istream& standard_input, std::error_code& error) {
  return name == kStandardInput ? hash_stream(standard_input, error) : hash_file(name, error);
}

/// False at the end, and then errno says whether that was an error: streams over files do not.
bool read_line(std::istream& lines, std::string& line) {
  errno = 0;
  return static_cast<bool>(std::getline(lines, line));
}

void count_line(LineVerdict verdict, CheckedList& list) {
  switch (verdict) {
    case LineVerdict::kMatch:
      ++list.matched;
      break;
    case LineVerdict::kMismatch:
      ++list.mismatched;
      break;
    case LineVerdict::kUnreadable:
      ++list.unreadable;
      break;
    case LineVerdict::kMissing:
      ++list.missing;
      break;
    case LineVerdict::kMalformed:
      ++list.malformed;
      break;
  }
}

}  // namespace

std::string find_conflict(const ChecksumOptions& options) {
  if (options.format.style == LineStyle::kBsd && options.format.mark == ModeMark::kText) {
    return "--tag does not support --text mode";
  }
  if (options.check) {
    if (options.format.end == LineEnd::kNul) {
      return "the --zero option is not supported when verifying checksums";
    }
    if (options.format.style == LineStyle::kBsd) {
      return "the --tag option is meaningless when verifying checksums";
    }
    if (options.mark_given) {
      return "the --binary and --text options are meaningless when verifying checksums";
    }
    return "";
  }
  const auto only_when_verifying = [](const std::string& option) {
    return "the --" + option + " option is meaningful only when verifying checksums";
  };
  if (options.ignore_missing) {
    return only_when_verifying("ignore-missing");
  }
  switch (options.talk) {
    case Talk::kStatus:
      return only_when_verifying("status");
    case Talk::kWarn:
      return only_when_verifying("warn");
    case Talk::kQuiet:
      return only_when_verifying("quiet");
    case Talk::kNormal:
      break;
  }
  return options.strict ? only_when_verifying("strict") : "";
}

FileDigest digest_file(const std::string& name, std::istream& standard_input) {
  std::error_code error;
  FileDigest result{.name = name, .digest = hash_named(name, standard_input, error), .problem = ""};
  if (error) {
    result.problem = error.message();
  }
  return result;
}

ListChecker::ListChecker(const ChecksumOptions& options, std::istream& standard_input)
    : ignore_missing_(options.ignore_missing), strict_(options.strict), standard_input_(standard_input) {}

CheckedList ListChecker::check_list(const std::string& name, const std::function<void(const CheckedLine&)>& on_line) {
  CheckedList list;
  if (name == kStandardInput) {
    list.name = "standard input";
    standard_input_.clear();
    check_lines(standard_input_, list, on_line);
    return list;
  }
  list.name = name;
  std::ifstream file(name, std::ios::binary);
  if (file) {
    check_lines(file, list, on_line);
  } else {
    list.problem = std::strerror(errno);
  }
  return list;
}

void ListChecker::check_lines(std::istream& lines, CheckedList& list,
                              const std::function<void(const CheckedLine&)>& on_line) {
  std::string text;
  for (uint64_t number = 1; read_line(lines, text); ++number) {
    const ListedChecksum entry = parser_.parse_line(text);
    if (entry.kind == ListedChecksum::Kind::kIgnored) {
      continue;
    }
    const bool names_its_own_list = &lines == &standard_input_ && entry.name == kStandardInput;
    CheckedLine line;
    if (entry.kind == ListedChecksum::Kind::kEntry && !names_its_own_list) {
      line = check_entry(entry);
    }
    line.list = list.name;
    line.number = number;
    count_line(line.verdict, list);
    on_line(line);
  }
  if (errno != 0) {
    list.problem = "read error";
  }
}

CheckedLine ListChecker::check_entry(const ListedChecksum& entry) {
  CheckedLine line;
  line.name = entry.name;
  std::error_code error;
  const Sha512Digest actual = hash_named(entry.name, standard_input_, error);
  if (!error) {
    line.verdict = actual == entry.digest ? LineVerdict::kMatch : LineVerdict::kMismatch;
  } else if (ignore_missing_ && error == std::errc::no_such_file_or_directory) {
    line.verdict = LineVerdict::kMissing;
  } else {
    line.verdict = LineVerdict::kUnreadable;
    line.problem = error.message();
  }
  return line;
}

bool ListChecker::passes(const CheckedList& list) const {
  return list.problem.empty() && list.matched > 0 && list.mismatched == 0 && list.unreadable == 0 &&
         (!strict_ || list.malformed == 0);
}

}  // namespace bertjit
