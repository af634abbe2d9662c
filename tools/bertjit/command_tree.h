// The commands and flags of the program as data: what --help shows, man pages explain and shells complete.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace bertjit {

/// What may stand for a value, for who offers some: words, files, or either.
struct ValueFacts {
  std::string placeholder;         ///< "FILE", "eager|sdpa"; empty for a flag without value
  std::string preset;              ///< what holds without it, "sdpa"; empty if the help names none
  std::vector<std::string> words;  ///< all there are, where these can be listed
  bool is_word_list = false;       ///< several of `words`, with commas between them
  bool is_folder = false;
  bool is_file = false;
  std::vector<std::string> extensions;  ///< of files that fit, with their point; empty: any
};

struct OptionFacts {
  std::vector<std::string> names;  ///< "-o", "--output"; of a positional its one name, "MODULE"
  std::string help;
  ValueFacts value;
  bool is_required = false;
  bool is_repeatable = false;
  std::vector<std::string> excludes;  ///< names of flags that it does not go with
  std::vector<std::string> needs;     ///< names of flags that it makes no sense without
};

struct CommandFacts {
  std::vector<std::string> path;  ///< "bertjit", "report", "merge"
  std::string description;        ///< its first line is a summary
  std::string footer;
  std::vector<OptionFacts> options;
  std::vector<OptionFacts> positionals;
  std::vector<CommandFacts> commands;  ///< in the order of the help
};

/// What `app` holds, hidden commands left out.
CommandFacts describe_commands(const CLI::App& app);

/// All of them, outermost first.
std::vector<const CommandFacts*> flatten(const CommandFacts& program);

/// The first line of the description, without its full stop.
std::string summary(const CommandFacts& command);

/// "bertjit-report-merge": the name of the command's man page, and of its functions in completions.
std::string joined_path(const CommandFacts& command, char separator);

}  // namespace bertjit
