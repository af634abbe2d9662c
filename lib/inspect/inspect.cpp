#include "inspect/inspect.h"

#include "inspect/drawing.h"
#include "inspect/graph_text.h"
#include "inspect/lookup.h"
#include "inspect/members.h"
#include "inspect/sizes.h"
#include "inspect/subject.h"
#include "inspect/summary.h"
#include "module/load.h"
#include "script/script.h"
#include "source/source.h"
#include "support/error.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

bool asks_for_summary(const InspectOptions& options) {
  return !options.code && !options.graph && !options.dot && !options.tree && !options.params && !options.records &&
         !options.size;
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorKind::kInvalidArgument, message);
}

/// What would be ignored.
void check_options(const InspectOptions& options) {
  const bool shows_graph = options.graph || options.dot;
  if (options.inlined && !shows_graph) {
    refuse("--inlined needs --graph or --dot");
  }
  if (!options.method.empty() && !options.code && !shows_graph && !asks_for_summary(options)) {
    refuse("--method needs --code, --graph or --dot");
  }
  if (!options.submodule.empty() && !options.code && !shows_graph && !options.tree && !options.params &&
      !asks_for_summary(options)) {
    refuse("--submodule needs --code, --graph, --dot, --tree or --params: --records and --size are of the whole file");
  }
}

void add_texts(jit::GraphFunction& function, const InspectOptions& options, InspectResult& result) {
  const Inlined inlined = options.inlined ? Inlined::kYes : Inlined::kNo;
  if (options.code) {
    result.code = code_text(function);
  }
  if (options.graph) {
    result.graph = graph_text(function, inlined);
  }
  if (options.dot) {
    result.drawing = draw_graph(*graph_of(function, inlined), function.name(), options.inlined);
  }
}

}  // namespace

InspectResult inspect_subject(const InspectSubject& subject, const InspectOptions& options) {
  check_options(options);
  if (options.records && !subject.archive) {
    refuse(subject.name + ": is no archive: it has no records");
  }
  const jit::Module module = find_submodule(subject.module, options.submodule, subject.name);
  InspectResult result;
  result.module = subject.name;
  result.submodule = options.submodule;
  result.records = options.records;
  if (subject.archive && (options.records || options.size || asks_for_summary(options))) {
    result.archive = list_archive(*subject.archive);
  }
  if (asks_for_summary(options)) {
    // What is claimed of the whole is not of a part.
    result.summary =
        summarize(module, options.submodule.empty() ? subject.claims : std::nullopt, options.method, subject.name);
  }
  if (options.code || options.graph || options.dot) {
    const std::string method = options.method.empty() ? "forward" : options.method;
    add_texts(require_graph(module, method, subject.name), options, result);
  }
  if (options.tree) {
    result.tree = describe_tree(module);
  }
  if (options.params) {
    result.params = describe_state(module);
  }
  if (options.size) {
    result.size = measure_sizes(module, result.archive ? &*result.archive : nullptr);
  }
  return result;
}

InspectResult inspect(const InspectOptions& options) {
  check_options(options);
  const bool is_archive = !split_script_source(options.path);
  const LoadedModule loaded = is_archive ? load_module(options.path)
                                         : open_scripted({.path = options.path, .guard = options.guard}, options.seed);
  const auto archive = is_archive ? std::optional<std::filesystem::path>(options.path) : std::nullopt;
  return inspect_subject({options.path, loaded.module, loaded.claims, archive}, options);
}

}  // namespace bertjit
