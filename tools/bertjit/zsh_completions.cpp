#include <sstream>

#include "completions.h"

namespace bertjit {

namespace {

constexpr const char* kHead = R"zsh(#compdef bertjit
# zsh completion of bertjit, made by `bertjit completions zsh`.

# GLOB WORD...: the words, and files of the kind.
_bertjit_words_or_files() {
  local glob=$1
  shift
  _alternative "words:word:($*)" "files:file:_files -g '$glob'"
}
)zsh";

/// Inside single quotes, with the signs that _arguments reads itself taken literally.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      result += std::string("\\") + c;
    } else {
      result += c;
    }
  }
  return result;
}

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : separator) + word;
  }
  return text;
}

/// "*.pt", "*.(pt|pth)" (of one name "(pt)" would be flags for the glob); empty for any file.
std::string glob(const std::vector<std::string>& extensions) {
  std::string any;
  for (const std::string& extension : extensions) {
    any += (any.empty() ? "" : "|") + extension.substr(1);
  }
  return any.empty() ? "" : extensions.size() == 1 ? "\"*." + any + "\"" : "\"*.(" + any + ")\"";
}

/// The part of a specification behind the message: what completes the value.
std::string action(const ValueFacts& value) {
  if (value.is_word_list && !value.words.empty()) {
    return "_values -s , value " + joined(value.words, " ");
  }
  if (value.is_file && !value.words.empty()) {
    const std::string files = glob(value.extensions);
    return " _bertjit_words_or_files " + (files.empty() ? "\"*\"" : files) + " " + joined(value.words, " ");
  }
  if (!value.words.empty()) {
    return "(" + joined(value.words, " ") + ")";
  }
  if (value.is_file) {
    return value.extensions.empty() ? "_files" : "_files -g " + glob(value.extensions);
  }
  return value.is_folder ? "_files -/" : " ";
}

/// The specifications of one option, a name each.
void print_option(const OptionFacts& option, std::ostream& out) {
  std::vector<std::string> others = option.excludes;
  if (!option.is_repeatable) {
    others.insert(others.end(), option.names.begin(), option.names.end());
  }
  const std::string exclusion = others.empty() ? "" : "(" + joined(others, " ") + ")";
  for (const std::string& name : option.names) {
    const bool has_value = !option.value.placeholder.empty();
    const char* form = !has_value ? "" : name.starts_with("--") ? "=" : "+";
    out << "    '" << exclusion << (option.is_repeatable ? "*" : "") << name << form << "[" << escaped(option.help)
        << "]";
    if (has_value) {
      out << ":" << escaped(option.value.placeholder) << ":" << action(option.value);
    }
    out << "' \\\n";
  }
}

void print_commands(const CommandFacts& command, std::ostream& out) {
  out << "    '1: :->command' '*:: :->rest'\n  case $state in\n    command)\n      local -a commands=(\n";
  for (const CommandFacts& inner : command.commands) {
    out << "        '" << inner.path.back() << ":" << escaped(summary(inner)) << "'\n";
  }
  out << "      )\n      _describe command commands ;;\n    rest)\n      case $words[1] in\n";
  for (const CommandFacts& inner : command.commands) {
    out << "        " << inner.path.back() << ") _" << joined_path(inner, '_') << " ;;\n";
  }
  out << "      esac ;;\n  esac\n";
}

void print_function(const CommandFacts& command, std::ostream& out) {
  out << "\n_" << joined_path(command, '_') << "() {\n"
      << "  local context state state_descr line\n  local -A opt_args\n  _arguments -s -C \\\n";
  for (const OptionFacts& option : command.options) {
    print_option(option, out);
  }
  if (!command.commands.empty()) {
    print_commands(command, out);
  } else {
    for (const OptionFacts& positional : command.positionals) {
      out << "    '" << (positional.is_repeatable ? "*" : "") << ":" << escaped(positional.names.front()) << ":"
          << action(positional.value) << "' \\\n";
    }
    out << "    && return\n";
  }
  out << "}\n";
}

}  // namespace

std::string zsh_completions(const CommandFacts& program) {
  std::ostringstream out;
  out << kHead;
  for (const CommandFacts* command : flatten(program)) {
    print_function(*command, out);
  }
  // Read as a function of fpath, the file is its own first call; sourced, it says for whom it is.
  out << "\nif [[ $funcstack[1] == _bertjit ]]; then\n  _bertjit \"$@\"\nelse\n  compdef _bertjit bertjit\nfi\n";
  return out.str();
}

}  // namespace bertjit
