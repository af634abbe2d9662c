#include <sstream>

#include "completions.h"

namespace bertjit {

namespace {

constexpr const char* kHead = R"bash(# bash completion of bertjit, made by `bertjit completions bash`.

# Files with one of the extensions, all without any, and folders on the way to them.
_bertjit_files() {
  local extension pattern IFS=$'\n'
  compopt -o filenames 2>/dev/null
  if declare -F _filedir >/dev/null; then
    for extension; do
      pattern+=${pattern:+|}${extension#.}
    done
    _filedir ${pattern:+"@($pattern)"}
  elif (($#)); then
    COMPREPLY+=($(compgen -d -- "$cur"))
    for extension; do
      COMPREPLY+=($(compgen -f -X "!*$extension" -- "$cur"))
    done
  else
    COMPREPLY+=($(compgen -f -- "$cur"))
  fi
}

_bertjit_folders() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -d -- "$cur"))
}

_bertjit_words() {
  COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

# Words with commas between them: the last one is completed.
_bertjit_list() {
  local before=
  [[ $cur != *,* ]] || before=${cur%,*},
  compopt -o nospace 2>/dev/null
  COMPREPLY+=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

_bertjit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=bertjit word
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $prev == : ]]; then
    return # NAME of FILE.py:NAME
  fi
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
)bash";

/// What is called to complete a value; empty if nothing can be offered.
std::string call_for(const ValueFacts& value) {
  std::string words;
  for (const std::string& word : value.words) {
    words += (words.empty() ? "" : " ") + word;
  }
  std::string calls;
  if (!words.empty()) {
    calls = (value.is_word_list ? "_bertjit_list '" : "_bertjit_words '") + words + "'";
  }
  if (value.is_file) {
    calls += std::string(calls.empty() ? "" : "; ") + "_bertjit_files";
    for (const std::string& extension : value.extensions) {
      calls += " " + extension;
    }
    return calls;
  }
  return value.is_folder ? "_bertjit_folders" : calls;
}

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

void print_values(const CommandFacts& command, std::ostream& out) {
  for (const OptionFacts& option : command.options) {
    if (option.value.placeholder.empty()) {
      continue;
    }
    out << "    ";
    for (size_t i = 0; i < option.names.size(); ++i) {
      out << (i == 0 ? "" : " | ") << quoted(joined_path(command, ' ') + " " + option.names[i]);
    }
    const std::string call = call_for(option.value);
    out << ") " << call << (call.empty() ? "" : "; ") << "return ;;\n";
  }
}

/// What is offered where no flag's value is expected.
void print_command(const CommandFacts& command, std::ostream& out) {
  std::string flags;
  for (const OptionFacts& option : command.options) {
    for (const std::string& name : option.names) {
      flags += (flags.empty() ? "" : " ") + name;
    }
  }
  std::string rest;
  for (const CommandFacts& inner : command.commands) {
    rest += (rest.empty() ? "_bertjit_words '" : " ") + inner.path.back();
  }
  rest += rest.empty() ? "" : "'";
  if (rest.empty() && !command.positionals.empty()) {
    rest = call_for(command.positionals.back().value);
  }
  out << "    " << quoted(joined_path(command, ' ')) << ")\n      if [[ $cur == -* ]]; then\n        _bertjit_words '"
      << flags << "'\n";
  if (!rest.empty()) {
    out << "      else\n        " << rest << "\n";
  }
  out << "      fi ;;\n";
}

}  // namespace

std::string bash_completions(const CommandFacts& program) {
  std::ostringstream out;
  const auto commands = flatten(program);
  out << kHead;
  for (const CommandFacts* command : commands) {
    if (command->path.size() > 1) {
      out << "      " << quoted(joined_path(*command, ' ')) << ") command+=\" $word\" ;;\n";
    }
  }
  out << "    esac\n  done\n  case \"$command $prev\" in\n";
  for (const CommandFacts* command : commands) {
    print_values(*command, out);
  }
  out << "  esac\n  case $command in\n";
  for (const CommandFacts* command : commands) {
    print_command(*command, out);
  }
  out << "  esac\n}\ncomplete -F _bertjit bertjit\n";
  return out.str();
}

}  // namespace bertjit
