#include "command_tree.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>
#include <sstream>

namespace bertjit {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// Placeholders are in capitals or file names; what else there is stands for itself: "eager|sdpa", "random", and "cpu"
/// of "cpu|FILE.json".
std::vector<std::string> find_words(const std::string& placeholder) {
  static const std::regex word(R"([a-z0-9][a-z0-9_-]*)");
  std::vector<std::string> words;
  for (const std::string& part : split(placeholder, '|')) {
    if (std::regex_match(part, word)) {
      words.push_back(part);
    }
  }
  return words;
}

std::vector<std::string> find_all(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

/// Of "FILE.npz|.safetensors" both; else those that the help names as such, ".json" but not "config.json".
std::vector<std::string> find_extensions(const std::string& placeholder, const std::string& help) {
  static const std::regex any(R"((\.[a-z][a-z0-9]+))");
  static const std::regex separate(R"((?:^|[ (])(\.[a-z][a-z0-9]+)\b)");
  const auto own = find_all(placeholder, any);
  return own.empty() ? find_all(help, separate) : own;
}

/// What follows "Checks:" or "Tasks:" in what a command says of itself: names, with notes in brackets.
std::vector<std::string> words_after(const std::string& title, const std::string& text) {
  const size_t begin = text.find(title);
  if (begin == std::string::npos) {
    return {};
  }
  const size_t first = begin + title.size();
  const std::string list =
      std::regex_replace(text.substr(first, text.find('.', first) - first), std::regex(R"(\([^)]*\))"), "");
  std::vector<std::string> words;
  for (const std::string& part : split(std::regex_replace(list, std::regex("\\s+"), " "), ',')) {
    words.push_back(trimmed(part));
  }
  return words;
}

/// `name` of a positional; empty for a flag.
void describe_files(const std::string& name, const std::string& help, ValueFacts& value) {
  static const std::regex file(R"((^|\|)(OUT|FILE|SHA512SUMS)\b)");
  const std::string& kind = name.empty() ? value.placeholder : name;
  const bool is_model = kind == "SOURCE" || kind == "MODEL" || kind == "A" || kind == "B";
  const bool is_module = kind == "MODULE";
  value.is_folder = is_model || kind == "DIR";
  value.is_file = is_model || is_module || std::regex_search(kind, file);
  if (is_model) {
    value.extensions = {".pt", ".pth", ".json", ".py", ".safetensors", ".bin"};
  } else if (is_module) {
    value.extensions = {".pt", ".pth"};
  } else if (value.is_file) {
    value.extensions = find_extensions(value.placeholder, help);
  }
}

ValueFacts describe_value(const CLI::Option& option, const CLI::App& command) {
  ValueFacts value;
  const std::string text = trimmed(option.get_option_text());
  static const std::regex with_preset(R"((.*?) *\[([^\]]*)\])");
  std::smatch match;
  const bool has_preset = std::regex_match(text, match, with_preset);
  value.placeholder = has_preset ? match[1].str() : text;
  value.preset = has_preset ? match[2].str() : "";
  value.words = find_words(value.placeholder);
  if (value.placeholder == "ID,...") {
    value.words = words_after("Checks:", command.get_description());
    value.is_word_list = true;
  } else if (option.check_name("--task")) {
    value.words = words_after("Tasks:", command.get_footer());
  }
  describe_files(option.get_positional() ? option.get_name() : "", option.get_description(), value);
  return value;
}

std::vector<std::string> names_of(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) {
    names.push_back(option->get_name());
  }
  std::ranges::sort(names);
  return names;
}

OptionFacts describe_option(const CLI::Option& option, const CLI::App& command) {
  OptionFacts facts;
  facts.help = option.get_description();
  facts.value = describe_value(option, command);
  facts.is_required = option.get_required();
  facts.is_repeatable =
      option.get_items_expected_max() > 1 || option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  if (option.get_positional()) {
    facts.names = {option.get_name()};
    return facts;
  }
  for (const std::string& name : option.get_snames()) {
    facts.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    facts.names.push_back("--" + name);
  }
  facts.excludes = names_of(option.get_excludes());
  facts.needs = names_of(option.get_needs());
  return facts;
}

CommandFacts describe(const CLI::App& app, std::vector<std::string> path) {
  CommandFacts facts;
  facts.path = std::move(path);
  facts.path.push_back(app.get_name());
  facts.description = app.get_description();
  facts.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) {
      (option->get_positional() ? facts.positionals : facts.options).push_back(describe_option(*option, app));
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) {
    facts.commands.push_back(describe(*command, facts.path));
  }
  return facts;
}

void add_flattened(const CommandFacts& command, std::vector<const CommandFacts*>& all) {
  all.push_back(&command);
  for (const CommandFacts& inner : command.commands) {
    add_flattened(inner, all);
  }
}

}  // namespace

CommandFacts describe_commands(const CLI::App& app) {
  return describe(app, {});
}

std::vector<const CommandFacts*> flatten(const CommandFacts& program) {
  std::vector<const CommandFacts*> all;
  add_flattened(program, all);
  return all;
}

std::string summary(const CommandFacts& command) {
  std::string line = command.description.substr(0, command.description.find('\n'));
  while (line.ends_with('.')) {
    line.pop_back();
  }
  return line;
}

std::string joined_path(const CommandFacts& command, char separator) {
  std::string joined;
  for (const std::string& word : command.path) {
    joined += (joined.empty() ? "" : std::string(1, separator)) + word;
  }
  return joined;
}

}  // namespace bertjit
