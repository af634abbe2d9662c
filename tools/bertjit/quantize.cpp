// `bertjit quantize`: a model's linear layers to int8.
#include "quantize/quantize.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include "choice_flag.h"
#include "commands.h"
#include "common_options.h"
#include "engine_loader.h"
#include "isolation.h"
#include "load_guard.h"
#include "report/quantize_report.h"
#include "report/source_report.h"
#include "support/error.h"
#include "support/file.h"
#include "task_flags.h"

namespace bertjit {

namespace {

constexpr const char* kDescription =
    R"(Put a model's linear layers to int8: smaller and faster, for some loss that is measured.

SOURCE is a TorchScript .pt, whoever traced it, or what is traced first: a Hugging Face directory or
FILE.py:NAME. Every linear layer becomes quantized::linear_dynamic with packed weights, under its own name;
plain torch.jit.load runs the file.

--scheme per-tensor is torch.ao.quantization.quantize_dynamic, bit for bit; per-channel gives each row of a
weight a scale of its own; per-token besides spreads each token over all of its 8 bits, so that no token
depends on others: the best answers, at a little less speed.
--embeddings int8 also puts word tables to a byte a number.

--data asks a task of GLUE before and after. With --max-flips or --max-f1-drop the layers that bring the most
error for their size then stay float32, as few as hold the limit; what holds it with less than a quarter of
the linear weights in int8 is not written. --scheme auto takes the first scheme, in the order above, that
holds it as it is, else the one that comes nearest, and layers of it are kept.)";

constexpr const char* kFooter = R"(Examples:
  bertjit quantize traced_bert.pt -o int8.pt
  bertjit quantize ./minilm-mrpc -o int8.pt --scheme per-token --embeddings int8
  bertjit quantize traced_bert.pt -o int8.pt --keep-fp32 classifier --keep-fp32 '*.layer.?.output.dense'
  bertjit quantize traced_bert.pt -o int8.pt --sensitivity layers.csv
  bertjit quantize ./minilm-mrpc -o int8.pt --scheme auto --data ./glue_data/MRPC --max-flips 8

Exit code: 0 written, 1 the outputs mean nothing or the limit is out of reach, and nothing was written,
2 could not answer.)";

struct QuantizeCommand {
  QuantizeOptions options;
  OutputOptions output;
  std::string sensitivity;  ///< file
};

QuantizeResult quantize_with_bar(QuantizeCommand& command, Invocation& invocation) {
  guard_load(command.options.source.path, command.options.source.guard);
  const bool to_terminal = &invocation.err == &std::cerr && progress_wanted();
  Progress progress(invocation.err, {.shown = to_terminal && !command.output.quiet,
                                     .unit = command.options.task.data.empty() ? "layers" : "rows"});
  command.options.progress = &progress;
  return engine().quantize(command.options);
}

void write_sensitivity(const std::string& path, const QuantizeResult& result) {
  const bool is_csv = std::filesystem::path(path).extension() == ".csv";
  write_file_atomically(path, is_csv ? sensitivity_csv(result) : sensitivity_json(result));
}

void run_quantize(QuantizeCommand& command, Invocation& invocation) {
  if (!command.sensitivity.empty()) {
    const AtomicFile probe(command.sensitivity);  // a file that cannot be written is no news for the end
    command.options.sensitivity = true;
  }
  const QuantizeResult result = quantize_with_bar(command, invocation);
  if (!command.output.quiet && result.choice) {
    print_choice("bertjit quantize", *result.choice, invocation.err);
  }
  if (!command.output.quiet && result.task) {
    for (const std::string& note : result.task->notes) {
      invocation.err << "bertjit quantize: " << note << "\n";
    }
  }
  if (!command.sensitivity.empty()) {
    write_sensitivity(command.sensitivity, result);
  }
  if (command.output.format == Format::kJson) {
    print_json(to_json(result), invocation);
  } else {
    print_text(result, choose_color(command.output.color), invocation.out);
  }
  invocation.exit_code = result.passed ? 0 : 1;
}

void add_scheme_flags(CLI::App& quantize, QuantizeOptions& options) {
  add_choice<QuantizeScheme>(quantize, "--scheme", options.scheme,
                             {{"per-tensor", QuantizeScheme::kPerTensor},
                              {"per-channel", QuantizeScheme::kPerChannel},
                              {"per-token", QuantizeScheme::kPerToken},
                              {"auto", QuantizeScheme::kAuto}},
                             "How much shares one scale; auto: what holds the limits");
  add_choice<ReduceRange>(quantize, "--reduce-range", options.reduce_range,
                          {{"auto", ReduceRange::kAuto}, {"on", ReduceRange::kOn}, {"off", ReduceRange::kOff}},
                          "Activations in 7 bits, for CPUs whose sums of int8 overflow; auto: as PyTorch (on), with "
                          "per-token and --scheme auto where this CPU needs it");
  quantize
      .add_option("--engine", options.engine,
                  "What runs int8 here; without it the fastest for this CPU. The file holds for all of them")
      ->option_text("x86|fbgemm|onednn|qnnpack")
      ->check(refuse_empty);
  add_choice<EmbeddingScheme>(quantize, "--embeddings", options.embeddings,
                              {{"float32", EmbeddingScheme::kFloat32}, {"int8", EmbeddingScheme::kInt8}},
                              "Word tables and the like");
  quantize
      .add_option("--keep-fp32", options.keep_fp32,
                  "Layers that stay float32: part of their path (output.dense), or a pattern of all of it with * and "
                  "?; repeatable")
      ->option_text("PATTERN")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->check(refuse_empty);
}

}  // namespace

void setup_quantize(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<QuantizeCommand>();
  QuantizeOptions& options = command->options;
  CLI::App* quantize = app.add_subcommand("quantize", kDescription);
  quantize->footer(kFooter);
  quantize->add_option("SOURCE", options.source.path, "TorchScript file, checkpoint or FILE.py:NAME")
      ->required()
      ->option_text(" ");
  quantize->add_option("-o,--output", options.output, "File to write, as a whole or not at all")
      ->required()
      ->option_text("OUT.pt");
  add_scheme_flags(*quantize, options);
  quantize
      ->add_option("--sensitivity", command->sensitivity,
                   "Rank the layers by the error that each alone brings on the inputs: .json or .csv")
      ->option_text("FILE")
      ->check(refuse_empty);
  add_task_flags(*quantize, options.task, options.limits, "longest per token, else max");
  const auto source_flags = add_source_flags(*quantize, options.source);
  add_input_flags(*quantize, options.inputs);
  quantize->add_option("--archive-name", options.archive_name, "Root folder in the archive; default: the output's stem")
      ->option_text("NAME");
  add_load_flags(*quantize, command->options.source.guard);
  add_isolation_flags(*quantize, invocation);
  add_threads_flag(*quantize, options.threads);
  add_output_flags(*quantize, command->output);
  quantize->callback([command, source_flags, &invocation] {
    refuse_source_flags(command->options.source.path, source_flags);
    run_isolated(invocation, command->options.source.path, [&] { run_quantize(*command, invocation); });
  });
}

}  // namespace bertjit
