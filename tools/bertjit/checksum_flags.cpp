#include "checksum_flags.h"

#include <algorithm>
#include <charconv>

#include "checksum_meaning.h"

namespace bertjit {

namespace {

std::string set_mark(ChecksumCommand& command, ModeMark mark) {
  command.options.format.mark = mark;
  command.options.mark_given = true;
  return "";
}

std::string set_talk(ChecksumCommand& command, Talk talk) {
  command.options.talk = talk;
  return "";
}

std::string set_threads(ChecksumCommand& command, const std::string& value) {
  int& threads = command.options.threads;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, threads);
  const bool good = parsed.ec == std::errc() && parsed.ptr == end && threads >= 0 && threads <= 1024;
  return good ? "" : "--threads: '" + value + "' is not a number from 0 to 1024";
}

std::string set_format(ChecksumCommand& command, const std::string& value) {
  if (value != "text" && value != "json") {
    return "--format: '" + value + "' is not one of json|text";
  }
  command.format = value == "json" ? Format::kJson : Format::kText;
  return "";
}

std::string set_meaning(ChecksumCommand& command, DigestKind kind) {
  const bool another = command.meaning.value_or(kind) != kind;
  command.meaning = kind;
  return another ? "of --content, --weights and --code only one can be taken at a time" : "";
}

std::string set_output(ChecksumCommand& command, const std::string& value) {
  command.output = value;
  return value.empty() ? "--output: a file needs a name" : "";
}

using Command = ChecksumCommand;
using Value = const std::string;

constexpr ChecksumFlag kFlags[] = {
    {'c', "check", nullptr, "Read checksums from the FILEs and check them",
     [](Command& command, Value&) { return command.options.check = true, std::string(); }, true},
    {0, "ignore-missing", nullptr, "With --check: pass over listed files that do not exist",
     [](Command& command, Value&) { return command.options.ignore_missing = true, std::string(); }, true},
    {0, "quiet", nullptr, "With --check: print no OK for files that match",
     [](Command& command, Value&) { return set_talk(command, Talk::kQuiet); }, true},
    {0, "status", nullptr, "With --check: print nothing, the exit code is the answer",
     [](Command& command, Value&) { return set_talk(command, Talk::kStatus); }, true},
    {'w', "warn", nullptr, "With --check: name each line that is not a checksum line",
     [](Command& command, Value&) { return set_talk(command, Talk::kWarn); }, true},
    {0, "strict", nullptr, "With --check: fail if a line is not a checksum line",
     [](Command& command, Value&) { return command.options.strict = true, std::string(); }, true},
    {0, "tag", nullptr, "Write lines in BSD's form, SHA512 (NAME) = HEX",
     [](Command& command, Value&) {
       command.options.format.style = LineStyle::kBsd;
       return set_mark(command, ModeMark::kBinary);
     },
     true},
    {'z', "zero", nullptr, "End each line with NUL, not newline, and do not escape names",
     [](Command& command, Value&) { return command.options.format.end = LineEnd::kNul, std::string(); }, true},
    {'b', "binary", nullptr, "Mark files as read in binary mode ('*' before the name)",
     [](Command& command, Value&) { return set_mark(command, ModeMark::kBinary); }, true},
    {'t', "text", nullptr, "Mark files as read in text mode (a space before the name; the default)",
     [](Command& command, Value&) { return set_mark(command, ModeMark::kText); }, true},
    {'h', "help", nullptr, "Print this help message and exit",
     [](Command& command, Value&) { return command.help = true, std::string(); }, true},
    {0, "version", nullptr, "Print the version and exit",
     [](Command& command, Value&) { return command.version = true, std::string(); }, true},
    {0, "recursive", nullptr, "Hash all files under folders; with --check: also name those that are in no list",
     [](Command& command, Value&) { return command.options.recursive = true, std::string(); }, false},
    {0, "follow-symlinks", nullptr, "With --recursive: follow symbolic links",
     [](Command& command, Value&) { return command.options.follow_symlinks = FollowSymlinks::kYes, std::string(); },
     false},
    {0, "content", nullptr,
     "Digests of what matters in a model, not of its bytes: weights, code, constants, extra files",
     [](Command& command, Value&) { return set_meaning(command, DigestKind::kContent); }, false},
    {0, "weights", nullptr, "Digests of tensors by name: equal for a checkpoint and what was traced from it",
     [](Command& command, Value&) { return set_meaning(command, DigestKind::kWeights); }, false},
    {0, "code", nullptr, "Digests of what runs, with the constants in it",
     [](Command& command, Value&) { return set_meaning(command, DigestKind::kCode); }, false},
    {'o', "output", "FILE", "File to write in place of standard output, as a whole or not at all", set_output, false},
    {0, "format", "json|text [text]", "Form of the result", set_format, false},
    {0, "threads", "N [0]", "Files hashed at once; 0: one per core", set_threads, false},
};

/// One argument after the other, as getopt_long takes them.
class Reader {
 public:
  explicit Reader(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  ChecksumCommand read() {
    bool only_files = false;
    for (; at_ < arguments_.size() && !stopped(); ++at_) {
      const std::string& argument = arguments_[at_];
      if (only_files || argument == "-" || !argument.starts_with('-')) {
        command_.options.files.push_back(argument);
      } else if (argument == "--") {
        only_files = true;
      } else if (argument.starts_with("--")) {
        read_long(argument);
      } else {
        read_letters(argument);
      }
    }
    return std::move(command_);
  }

 private:
  bool stopped() const {
    return command_.help || command_.version || !command_.usage_error.empty();
  }

  void read_letters(const std::string& argument) {
    for (size_t i = 1; i < argument.size() && !stopped(); ++i) {
      const auto flag = std::find_if(std::begin(kFlags), std::end(kFlags),
                                     [&](const ChecksumFlag& known) { return known.letter == argument[i]; });
      if (flag == std::end(kFlags) || argument[i] == '\0') {
        command_.usage_error = std::string("invalid option -- '") + argument[i] + "'";
      } else if (flag->value == nullptr) {
        command_.usage_error = flag->apply(command_, "");
      } else {
        return read_value(*flag, argument.substr(i + 1));
      }
    }
  }

  /// What stands behind a letter is its value, or the next argument is.
  void read_value(const ChecksumFlag& flag, const std::string& rest) {
    if (!rest.empty()) {
      command_.usage_error = flag.apply(command_, rest);
    } else if (at_ + 1 < arguments_.size()) {
      command_.usage_error = flag.apply(command_, arguments_[++at_]);
    } else {
      command_.usage_error = std::string("option requires an argument -- '") + flag.letter + "'";
    }
  }

  void read_long(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const ChecksumFlag* flag = find(name, argument);
    if (flag == nullptr) {
      return;
    }
    const std::string full = "option '--" + std::string(flag->name) + "'";
    if (flag->value == nullptr) {
      command_.usage_error =
          equals == std::string::npos ? flag->apply(command_, "") : full + " doesn't allow an argument";
    } else if (equals != std::string::npos) {
      command_.usage_error = flag->apply(command_, argument.substr(equals + 1));
    } else if (at_ + 1 < arguments_.size()) {
      command_.usage_error = flag->apply(command_, arguments_[++at_]);
    } else {
      command_.usage_error = full + " requires an argument";
    }
  }

  /// Null, and the error set, if there is no such flag.
  const ChecksumFlag* find(const std::string& name, const std::string& argument) {
    std::vector<const ChecksumFlag*> meant;
    for (const ChecksumFlag& flag : kFlags) {
      if (flag.name == name) {
        return &flag;
      }
      if (flag.of_sha512sum && flag.name.starts_with(name)) {
        meant.push_back(&flag);
      }
    }
    if (meant.size() == 1) {
      return meant.front();
    }
    if (meant.empty()) {
      command_.usage_error = "unrecognized option '" + argument + "'";
      return nullptr;
    }
    command_.usage_error = "option '" + argument + "' is ambiguous; possibilities:";
    for (const ChecksumFlag* flag : meant) {
      command_.usage_error += " '--" + std::string(flag->name) + "'";
    }
    return nullptr;
  }

  const std::vector<std::string>& arguments_;
  size_t at_ = 0;
  ChecksumCommand command_;
};

/// A document has neither lines nor marks, and holds everything that talk could add.
std::string find_json_conflict(const ChecksumOptions& options) {
  if (options.format.end == LineEnd::kNul || options.format.style == LineStyle::kBsd || options.mark_given) {
    return "--format json does not go with --binary, --tag, --text or --zero";
  }
  return options.talk == Talk::kStatus || options.talk == Talk::kWarn
             ? "--format json does not go with --status or --warn"
             : "";
}

}  // namespace

std::span<const ChecksumFlag> checksum_flags() {
  return kFlags;
}

ChecksumCommand parse_checksum_arguments(const std::vector<std::string>& arguments) {
  ChecksumCommand command = Reader(arguments).read();
  if (command.help || command.version || !command.usage_error.empty()) {
    return command;
  }
  if (command.options.files.empty()) {
    command.options.files = {"-"};
  }
  command.usage_error = find_conflict(command.options);
  if (command.usage_error.empty() && command.format == Format::kJson) {
    command.usage_error = find_json_conflict(command.options);
  }
  if (command.usage_error.empty() && command.meaning) {
    command.usage_error = find_meaning_conflict(*command.meaning, command.options);
    use_meaning_digest(*command.meaning, command.options);
  }
  return command;
}

}  // namespace bertjit
