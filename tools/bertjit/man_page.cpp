#include "man_page.h"

#include <cctype>
#include <sstream>

#include "support/words.h"

namespace bertjit {

namespace {

constexpr const char* kEnvironment = R"(.TP
.B BERTJIT_LIBTORCH
The folder of a libtorch (it holds lib/ and share/cmake/) for commands that need one.
Without it a folder
.I libtorch
beside the program is taken, else what the dynamic linker finds, else what is inside Python's package
.IR torch .
.B TORCH_DIR
means the same.
.TP
.B BERTJIT_ENGINE
Another libbertjit_engine.so.
.TP
.B NO_COLOR
If set, text is coloured only with \-\-color always.
)";

/// Text that troff takes as it is: hyphens that can be searched for, no escapes, no requests at the start of a line.
std::string escaped(const std::string& text) {
  std::string result;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) {
      result += "\\&";
    }
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
    at_line_start = c == '\n';
  }
  return result;
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return text.empty() ? "" : "\\fI" + escaped(text) + "\\fR";
}

std::string upper(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text;
}

/// Paragraphs filled, lists and examples (indented lines) kept as they are.
void print_prose(const std::string& text, std::ostream& out) {
  std::istringstream lines(text);
  bool is_kept = false;
  for (std::string line; std::getline(lines, line);) {
    const bool is_indented = line.starts_with(' ');
    if (is_indented != is_kept) {
      out << (is_indented ? ".nf\n" : ".fi\n");
      is_kept = is_indented;
    }
    out << (line.empty() ? ".PP" : escaped(line)) << "\n";
  }
  out << (is_kept ? ".fi\n" : "");
}

void print_option(const OptionFacts& option, std::ostream& out) {
  out << ".TP\n";
  for (size_t i = 0; i < option.names.size(); ++i) {
    out << (i == 0 ? "" : ", ") << bold(option.names[i]);
  }
  const std::string& value = option.value.placeholder;
  out << (value.empty() || value == "..." ? "" : " " + italic(value)) << "\n" << escaped(option.help);
  if (!option.value.preset.empty()) {
    out << " [" << escaped(option.value.preset) << "]";
  }
  out << "\n";
  if (!option.needs.empty()) {
    out << "Only with " << escaped(joined(option.needs)) << ".\n";
  }
  if (!option.excludes.empty()) {
    out << "Not with " << escaped(joined(option.excludes)) << ".\n";
  }
}

void print_synopsis(const CommandFacts& command, std::ostream& out) {
  out << ".SH SYNOPSIS\n" << bold(joined_path(command, ' '));
  out << (command.options.empty() ? "" : " [" + italic("OPTION") + "]...");
  for (const OptionFacts& option : command.options) {
    if (option.is_required) {
      out << " " << bold(option.names.back()) << " " << italic(option.value.placeholder);
    }
  }
  for (const OptionFacts& positional : command.positionals) {
    const std::string name = italic(positional.names.front()) + (positional.is_repeatable ? "..." : "");
    out << " " << (positional.is_required ? name : "[" + name + "]");
  }
  out << (command.commands.empty() ? "" : " " + italic("COMMAND") + " ...") << "\n";
}

void print_options(const std::string& title, const std::vector<OptionFacts>& options, std::ostream& out) {
  if (options.empty()) {
    return;
  }
  out << ".SH " << title << "\n";
  for (const OptionFacts& option : options) {
    print_option(option, out);
  }
}

void print_commands(const CommandFacts& command, std::ostream& out) {
  if (command.commands.empty()) {
    return;
  }
  out << ".SH COMMANDS\n";
  for (const CommandFacts& inner : command.commands) {
    out << ".TP\n" << bold(joined_path(inner, '-')) << "(1)\n" << escaped(summary(inner)) << ".\n";
  }
}

/// The parts of the text below the help: examples, the exit code, and the rest.
struct FooterParts {
  std::string examples;
  std::string exit_code;
  std::string notes;
};

FooterParts split_footer(const std::string& footer) {
  const std::string exit_title = "Exit code: ";
  FooterParts parts;
  std::istringstream lines(footer);
  bool in_examples = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Examples:") {
      in_examples = true;
    } else if (in_examples && line.starts_with(' ')) {
      parts.examples += line + "\n";
    } else if (line.starts_with(exit_title)) {
      in_examples = false;
      parts.exit_code = line.substr(exit_title.size()) + "\n";
    } else {
      in_examples = false;
      parts.notes += line.empty() ? "" : (parts.notes.empty() ? "" : "\n") + line + "\n";
    }
  }
  return parts;
}

void print_section(const std::string& title, const std::string& text, std::ostream& out) {
  if (!text.empty()) {
    out << ".SH " << title << "\n";
    print_prose(text, out);
  }
}

void print_see_also(const CommandFacts& command, const CommandFacts& program, std::ostream& out) {
  out << ".SH SEE ALSO\n";
  std::string separator;
  for (const CommandFacts* other : flatten(program)) {
    if (other != &command && other->path != command.path) {
      out << separator << bold(joined_path(*other, '-')) << "(1)";
      separator = ",\n";
    }
  }
  out << "\n";
}

}  // namespace

std::string man_page(const CommandFacts& command, const CommandFacts& program) {
  std::ostringstream out;
  out << ".TH " << upper(joined_path(command, '-'))
      << " 1 \"\" \"bertjit " BERTJIT_VERSION "\" \"bertjit\"\n.ad l\n.nh\n"
      << ".SH NAME\n"
      << escaped(joined_path(command, '-')) << " \\- " << escaped(summary(command)) << "\n";
  print_synopsis(command, out);
  print_section("DESCRIPTION", command.description, out);
  print_commands(command, out);
  print_options("ARGUMENTS", command.positionals, out);
  print_options("OPTIONS", command.options, out);
  const FooterParts footer = split_footer(command.footer);
  print_section("EXAMPLES", footer.examples, out);
  print_section("NOTES", footer.notes, out);
  print_section("EXIT STATUS", footer.exit_code, out);
  if (command.path.size() == 1) {
    out << ".SH ENVIRONMENT\n" << kEnvironment;
  }
  print_see_also(command, program, out);
  return out.str();
}

}  // namespace bertjit
