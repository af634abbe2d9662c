// Flags that several commands share, bound straight to the fields of their options.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "infer/grad_mode.h"
#include "infer/input_options.h"
#include "invocation.h"
#include "report/check_report.h"
#include "source/source_options.h"

namespace bertjit {

enum class Format { kText, kJson };
enum class ColorChoice { kAuto, kAlways, kNever };

/// --format, --color, --quiet.
struct OutputOptions {
  Format format = Format::kText;
  ColorChoice color = ColorChoice::kAuto;
  bool quiet = false;
};

/// A check for CLI11: an empty text, most often an unset shell variable, would be taken for none.
std::string refuse_empty(const std::string& text);

void add_output_flags(CLI::App& command, OutputOptions& options);

/// --init, --head, --attention, --dtype, --tie, --output-hidden-states, --output-attentions: how a checkpoint becomes a
/// network. Returns them, for commands to which a checkpoint is not all they take.
std::vector<CLI::Option*> add_source_flags(CLI::App& command, SourceOptions& options);

/// Throws Error(kInvalidArgument) if one of `flags` is given and `source` is no checkpoint: it would be ignored.
void refuse_source_flags(const std::string& source, const std::vector<CLI::Option*>& flags);

/// --text, --text-pair, --mask-index, --tokenizer, --pad-to, --inputs, --input, --seed.
void add_input_flags(CLI::App& command, InputOptions& options);

/// --grad; `modes` are those the command takes.
void add_grad_flag(CLI::App& command, GradMode& grad, const std::vector<GradMode>& modes);

void add_seed_flag(CLI::App& command, uint64_t& seed, const std::string& help);

void add_threads_flag(CLI::App& command, int& threads);

/// Whether to colour what goes to standard output: asked for, or a terminal.
Color choose_color(ColorChoice choice);

/// One JSON document and a line end.
void print_json(const nlohmann::ordered_json& json, Invocation& invocation);

}  // namespace bertjit
