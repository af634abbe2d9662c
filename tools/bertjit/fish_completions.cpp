#include <sstream>

#include "completions.h"

namespace bertjit {

namespace {

constexpr const char* kHead = R"(# fish completion of bertjit, made by `bertjit completions fish`.

# Files with one of the extensions, and folders on the way to them.
function __bertjit_files
    set -l any (string join '|' (string escape --style=regex -- $argv))
    __fish_complete_path (string replace -r '^--[^=]*=' '' -- (commandline -ct)) |
        string match -r "^[^\t]*(?:/|$any)(?:\t.*)?\$"
end

complete -c bertjit -f
)";

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      result += '\\';
    }
    result += c;
  }
  return result + "'";
}

/// What `-a` takes to complete the value; empty if nothing can be offered.
std::string arguments_for(const ValueFacts& value) {
  std::string words;
  for (const std::string& word : value.words) {
    words += (words.empty() ? "" : " ") + word;
  }
  if (value.is_word_list && !words.empty()) {
    return "(__fish_append , " + words + ")";
  }
  if (value.is_file) {
    std::string extensions;
    for (const std::string& extension : value.extensions) {
      extensions += " " + extension;
    }
    words += (words.empty() ? "" : " ");
    return words + (extensions.empty() ? "(__fish_complete_path)" : "(__bertjit_files" + extensions + ")");
  }
  return value.is_folder ? "(__fish_complete_directories)" : words;
}

/// When a line is about `command`: its words were typed, and none of a command inside it.
std::string condition(const CommandFacts& command) {
  std::string text;
  for (size_t i = 1; i < command.path.size(); ++i) {
    text += (text.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + command.path[i]);
  }
  return text.empty() ? "__fish_use_subcommand" : text;
}

void print_option(const OptionFacts& option, const std::string& when, std::ostream& out) {
  out << "complete -c bertjit -n " << when;
  for (const std::string& name : option.names) {
    out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
  }
  if (!option.value.placeholder.empty()) {
    const std::string arguments = arguments_for(option.value);
    out << " -x" << (arguments.empty() ? "" : " -a " + quoted(arguments));
  }
  out << " -d " << quoted(option.help) << "\n";
}

void print_command(const CommandFacts& command, std::ostream& out) {
  const std::string when = quoted(condition(command));
  for (const CommandFacts& inner : command.commands) {
    out << "complete -c bertjit -n " << when << " -a " << inner.path.back() << " -d " << quoted(summary(inner)) << "\n";
  }
  for (const OptionFacts& option : command.options) {
    print_option(option, when, out);
  }
  if (command.commands.empty() && !command.positionals.empty()) {
    const std::string arguments = arguments_for(command.positionals.back().value);
    if (!arguments.empty()) {
      out << "complete -c bertjit -n " << when << " -a " << quoted(arguments) << "\n";
    }
  }
}

}  // namespace

std::string fish_completions(const CommandFacts& program) {
  std::ostringstream out;
  out << kHead;
  for (const CommandFacts* command : flatten(program)) {
    print_command(*command, out);
  }
  return out.str();
}

}  // namespace bertjit
