// `bertjit man` and `bertjit completions`: what an installation takes from the program. Not in the help: who installs
// bertjit has their output already.
#include <memory>
#include <string>

#include "commands.h"
#include "completions.h"
#include "man_page.h"
#include "support/error.h"

namespace bertjit {

namespace {

struct ManCommand {
  std::string page = "bertjit";
  bool list = false;
};

void run_man(const ManCommand& command, const CLI::App& app, Invocation& invocation) {
  const CommandFacts program = describe_commands(app);
  std::string known;
  for (const CommandFacts* one : flatten(program)) {
    const std::string name = joined_path(*one, '-');
    if (!command.list && name == command.page) {
      invocation.out << man_page(*one, program);
      return;
    }
    known += name + (command.list ? "\n" : " ");
  }
  if (!command.list) {
    throw Error(ErrorKind::kInvalidArgument, "there is no page '" + command.page + "'; there are: " + known);
  }
  invocation.out << known;
}

void run_completions(const std::string& shell, const CLI::App& app, Invocation& invocation) {
  const CommandFacts program = describe_commands(app);
  invocation.out << (shell == "bash"  ? bash_completions(program)
                     : shell == "zsh" ? zsh_completions(program)
                                      : fish_completions(program));
}

}  // namespace

void setup_pages(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<ManCommand>();
  CLI::App* man = app.add_subcommand("man", "Print a man page.")->group("");
  man->add_option("PAGE", command->page, "Which, e.g. bertjit-verify");
  man->add_flag("--list", command->list, "Print the names of all pages");
  man->callback([command, &app, &invocation] { run_man(*command, app, invocation); });

  auto shell = std::make_shared<std::string>();
  CLI::App* completions = app.add_subcommand("completions", "Print a script that completes commands.")->group("");
  completions->add_option("SHELL", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completions->callback([shell, &app, &invocation] { run_completions(*shell, app, invocation); });
}

}  // namespace bertjit
