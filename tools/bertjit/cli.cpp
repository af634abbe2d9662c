// The list of subcommands, and the only place where exceptions end.
#include "cli.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "checksum.h"
#include "commands.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = "Turns BERT-family models into TorchScript and proves that the export is right.";

constexpr const char* kFooter = R"(Examples:
  bertjit trace ./bert-base-uncased -o traced_bert.pt          checkpoint to TorchScript, checked
  bertjit checksum traced_bert.pt > SHA512SUMS                 what sha512sum prints, byte for byte
  bertjit verify traced_bert.pt --source ./bert-base-uncased   is this file still that model?

Exit code: 0 yes, 1 no (a check failed, a file differs), 2 could not answer, 3 refused as unsafe.
`bertjit COMMAND --help` says more of each command.)";

/// Lists a subcommand by the first line of its description; its own --help has the rest.
class Formatter : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* subcommand) const override {
    const std::string description = subcommand->get_description();
    std::ostringstream out;
    CLI::detail::format_help(out, subcommand->get_name(), description.substr(0, description.find('\n')), column_width_);
    return out.str();
  }
};

/// "bertjit trace" once the subcommand is known.
std::string speaker(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return "bertjit" + (chosen.empty() ? "" : " " + chosen.front()->get_name());
}

/// CLI11's words, which for an unknown command only say that one is required.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto unknown = app.remaining();
  if (!app.get_subcommands().empty() || unknown.empty()) {
    return error.what();
  }
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); })) {
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return "'" + unknown.front() + "' is no command (known: " + known + ")";
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, std::ostream& err) {
  err << speaker(app) << ": " << complaint(app, error) << "\nTry '" << speaker(app)
      << " --help' for more information.\n";
  return 2;
}

/// `checksum` reads its own arguments, as sha512sum does (checksum_flags.h). Empty if this is not for it, or if it is
/// asked for its help.
std::optional<int> run_checksum_alone(int argc, const char* const* argv, Invocation& invocation) {
  if (argc < 2 || std::string_view(argv[1]) != "checksum") {
    return std::nullopt;
  }
  try {
    const bool done = run_checksum_command({argv + 2, argv + argc}, invocation);
    return done ? std::optional(invocation.exit_code) : std::nullopt;
  } catch (const std::exception& error) {
    invocation.err << "bertjit checksum: " << error.what() << "\n";
    return 1;
  }
}

int run_command(int argc, const char* const* argv, Invocation& invocation) {
  if (const auto exit_code = run_checksum_alone(argc, argv, invocation)) {
    return *exit_code;
  }
  constexpr const char* kChecksumHelp[] = {"bertjit", "checksum", "--help"};
  if (argc > 1 && std::string_view(argv[1]) == "checksum") {
    argc = static_cast<int>(std::size(kChecksumHelp));
    argv = kChecksumHelp;
  }
  CLI::App app{kDescription, "bertjit"};
  app.formatter(std::make_shared<Formatter>());
  app.footer(kFooter);
  app.set_version_flag("--version", "bertjit " BERTJIT_VERSION);
  app.require_subcommand(1);
  setup_trace(app, invocation);
  setup_checksum(app, invocation);
  setup_diff(app, invocation);
  setup_verify(app, invocation);
  setup_scan(app, invocation);
  setup_run(app, invocation);
  setup_inspect(app, invocation);
  setup_quantize(app, invocation);
  setup_eval(app, invocation);
  setup_bench(app, invocation);
  setup_tokenize(app, invocation);
  setup_report(app, invocation);
  setup_env(app, invocation);
  setup_pages(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success, invocation.out, invocation.err);  // --help and --version
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, invocation.err);
  } catch (const Error& error) {
    invocation.err << speaker(app) << ": " << error.what() << "\n";
    return error.kind() == ErrorKind::kUnsafe ? 3 : 2;
  } catch (const std::exception& error) {
    invocation.err << speaker(app) << ": " << error.what() << "\n";
    return 2;
  }
  invocation.out.flush();
  if (!invocation.out && invocation.exit_code == 0) {
    invocation.err << speaker(app) << ": cannot write to standard output\n";
    return 2;
  }
  return invocation.exit_code;
}

}  // namespace

int run_cli(int argc, const char* const* argv, std::istream& in, std::ostream& out, std::ostream& err,
            Process process) {
  Invocation invocation{in, out, err};
  invocation.arguments.assign(argv + std::min(argc, 1), argv + argc);
  invocation.process = process;
  const int exit_code = run_command(argc, argv, invocation);
  out.flush();
  err.flush();
  note_flight({kAnswered, std::to_string(exit_code), "", ""});
  return exit_code;
}

}  // namespace bertjit
