// `bertjit env`: what a bug report needs to say.
#include "env/env.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "libtorch.h"
#include "report/env_report.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Print what a bug report needs: versions, libtorch, processor, memory, variables.

It also answers where libtorch cannot be loaded, and says why.)";

constexpr const char* kFooter = R"(Examples:
  bertjit env
  BERTJIT_LIBTORCH=/opt/libtorch bertjit env --format json | jq .libtorch.folder

Exit code: 0, with libtorch or without.)";

void report(const EnvResult& result, const OutputOptions& output, Invocation& invocation) {
  if (output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, invocation.out);
  }
}

EnvResult describe_all_but_libtorch() {
  EnvResult result = describe_env();
  result.bertjit = BERTJIT_VERSION;
  result.built_with_libtorch = kBuiltWithLibtorch;
  return result;
}

void run_env(const OutputOptions& output, Invocation& invocation) {
  EnvResult result = describe_all_but_libtorch();
  try {
    result.libtorch = engine().describe_libtorch();
    result.libtorch_folder = loaded_libtorch().folder.string();
  } catch (const Error& error) {
    result.libtorch_error = error.what();
  }
  report(result, output, invocation);
}

/// For a process in which libtorch died.
void report_casualty(const Casualty& casualty, const OutputOptions& output, Invocation& invocation) {
  EnvResult result = describe_all_but_libtorch();
  result.libtorch_error = casualty.summary;
  report(result, output, invocation);
}

}  // namespace

void setup_env(CLI::App& app, Invocation& invocation) {
  auto output = std::make_shared<OutputOptions>();
  CLI::App* env = app.add_subcommand("env", kDescription);
  env->footer(kFooter);
  add_output_flags(*env, *output);
  env->callback([output, &invocation] {
    run_isolated(
        invocation, "libtorch", [&] { run_env(*output, invocation); },
        [&](const Casualty& casualty) {
          report_casualty(casualty, *output, invocation);
          return true;
        });
  });
}

}  // namespace bertjit
