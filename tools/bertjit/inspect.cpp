// `bertjit inspect`: what a TorchScript module holds.
#include "inspect/inspect.h"

#include <memory>

#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "report/inspect_report.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Show what a TorchScript file holds: code, graph, modules, weights, records, sizes.

MODULE is a TorchScript .pt, or FILE.py:NAME: what the file scripts or traces, another name compiled. Its methods are not run. Without a flag: a summary. Several flags may be given.
Code and graph are those of forward, or of another --method, of the whole or of a --submodule.)";

constexpr const char* kFooter = R"(Examples:
  bertjit inspect traced_bert.pt
  bertjit inspect traced_bert.pt --code --submodule encoder.layer.0
  bertjit inspect traced_bert.pt --graph --inlined
  bertjit inspect traced_bert.pt --dot | dot -Tsvg > bert.svg
  bertjit inspect traced_bert.pt --records --size --format json
  bertjit inspect loop.py:scripted_fn --graph

Exit code: 0 shown, 2 could not.)";

struct InspectCommand {
  InspectOptions options;
  OutputOptions output;
};

/// The list of records comes out of the zip's directory alone, so libtorch is not loaded for it.
bool only_records(const InspectOptions& options) {
  return options.records && !options.code && !options.graph && !options.dot && !options.tree && !options.params &&
         !options.size && !options.inlined && options.method.empty() && options.submodule.empty();
}

InspectResult inspect_records(const InspectOptions& options) {
  InspectResult result;
  result.module = options.path;
  result.archive = list_archive(options.path);
  result.records = true;
  return result;
}

InspectResult inspect_loaded(const InspectOptions& options) {
  guard_load(options.path, options.guard);
  return engine().inspect(options);
}

void show(const InspectResult& result, const OutputOptions& output, Invocation& invocation) {
  if (output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, invocation.out);
  }
}

}  // namespace

void setup_inspect(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<InspectCommand>();
  InspectOptions& options = command->options;
  CLI::App* inspect = app.add_subcommand("inspect", kDescription);
  inspect->footer(kFooter);
  inspect->add_option("MODULE", options.path, "TorchScript file, or FILE.py:NAME")->required()->option_text(" ");
  inspect->add_flag("--code", options.code, "TorchScript code, as Python's .code");
  inspect->add_flag("--graph", options.graph, "Graph with source lines, as Python's print(module.graph)");
  inspect->add_flag("--dot", options.dot, "Graph for Graphviz");
  inspect->add_flag("--inlined", options.inlined, "For --graph and --dot: called methods in place of the calls");
  inspect->add_flag("--tree", options.tree, "Modules with their classes, parameters and sizes");
  inspect->add_flag("--params", options.params, "Every parameter and buffer, in the order of state_dict()");
  inspect->add_flag("--size", options.size, "Bytes by group, and what is stored twice");
  inspect->add_flag("--records", options.records, "Records of the zip archive; alone it needs no libtorch");
  inspect->add_option("--method", options.method, "The method to look at")->option_text("NAME [forward]");
  inspect->add_option("--submodule", options.submodule, "The module to look at, from the root: encoder.layer.0")
      ->option_text("PATH");
  add_seed_flag(*inspect, options.seed, "Of random numbers that a Python file draws");
  add_load_flags(*inspect, options.guard);
  add_isolation_flags(*inspect, invocation);
  add_output_flags(*inspect, command->output);
  inspect->callback([command, &invocation] {
    if (only_records(command->options)) {
      show(inspect_records(command->options), command->output, invocation);
      return;
    }
    run_isolated(invocation, command->options.path,
                 [&] { show(inspect_loaded(command->options), command->output, invocation); });
  });
}

}  // namespace bertjit
