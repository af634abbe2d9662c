#include "common_options.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "choice_flag.h"
#include "support/error.h"
#include "support/file_status.h"

namespace bertjit {

namespace {

/// CLI11 reads -1, and all that does not fit, as 2^64 - 1.
std::string expect_uint64(const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? "" : "'" + text + "' is not a whole number below 2^64";
}

}  // namespace

std::string refuse_empty(const std::string& text) {
  return text.empty() ? "is empty" : "";
}

void add_output_flags(CLI::App& command, OutputOptions& options) {
  add_choice<Format>(command, "--format", options.format, {{"text", Format::kText}, {"json", Format::kJson}},
                     "Form of the result");
  add_choice<ColorChoice>(
      command, "--color", options.color,
      {{"auto", ColorChoice::kAuto}, {"always", ColorChoice::kAlways}, {"never", ColorChoice::kNever}},
      "Colour the text; auto: on a terminal");
  command.add_flag("--quiet", options.quiet, "No talk on standard error but errors");
}

std::vector<CLI::Option*> add_source_flags(CLI::App& command, SourceOptions& options) {
  CLI::Option* init =
      command.add_option("--init", options.init, "'random': random weights for a bare config.json, from --seed")
          ->option_text("random");
  CLI::Option* head = command
                          .add_option("--head", options.model.head,
                                      "Class of transformers to build, e.g. BertForMaskedLM; default: the "
                                      "first of config.json's architectures")
                          ->option_text("CLASS");
  CLI::Option* attention = add_choice<AttentionKind>(command, "--attention", options.model.attention,
                                                     {{"sdpa", AttentionKind::kSdpa}, {"eager", AttentionKind::kEager}},
                                                     "One fused operator, or matmul and softmax");
  CLI::Option* dtype =
      command
          .add_option("--dtype", options.dtype,
                      "Floating dtype of weights and arithmetic; auto: the one in which the weights are stored. 16-bit "
                      "weights are converted to float32 by default, as by transformers")
          ->option_text("float32|float16|bfloat16|float64|auto [float32]")
          ->check(CLI::IsMember(std::vector<std::string>{"float32", "float16", "bfloat16", "float64", "auto"}));
  CLI::Option* tie =
      add_choice<Tie>(command, "--tie", options.model.tie, {{"clone", Tie::kClone}, {"share", Tie::kShare}},
                      "A decoder tied to the word embeddings: a copy of its own, or one storage under two names");
  CLI::Option* hidden_states = command.add_flag("--output-hidden-states", options.model.output_hidden_states,
                                                "Also return every layer's hidden states");
  CLI::Option* attentions =
      command.add_flag("--output-attentions", options.model.output_attentions,
                       "Also return every layer's attention probabilities; makes attention eager");
  return {init, head, attention, dtype, tie, hidden_states, attentions};
}

void refuse_source_flags(const std::string& source, const std::vector<CLI::Option*>& flags) {
  const std::filesystem::path path(source);
  if (path_is_folder(path) || path.extension() == ".json") {
    return;
  }
  for (const CLI::Option* flag : flags) {
    if (flag->count() > 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  flag->get_name() + " is for checkpoints; " + source + " is taken as it is");
    }
  }
}

void add_input_flags(CLI::App& command, InputOptions& options) {
  command
      .add_option("--text", options.text,
                  "Text for the checkpoint's tokenizer; one that starts with [CLS] is taken as it stands")
      ->option_text("S")
      ->check(refuse_empty);
  command.add_option("--text-pair", options.text_pair, "Second text of a pair")->option_text("S")->check(refuse_empty);
  command.add_option("--mask-index", options.mask_index, "Position of a token to replace by [MASK], from 0")
      ->option_text("N");
  command.add_option("--tokenizer", options.tokenizer, "Folder of another tokenizer")->option_text("DIR");
  command.add_option("--pad-to", options.pad_to, "Pad the text to N tokens; of ids that are made up, how many")
      ->option_text("N");
  command.add_option("--inputs", options.inputs, "Inputs by argument name: .npz, .safetensors or .json")
      ->option_text("FILE");
  command
      .add_option(
          "--input", options.input,
          "One input, repeatable: a JSON list, or rand:3x4, randn:, ones:, zeros:, randint(0,100):2x7, each "
          "with an optional :dtype; a number, true, None or a text; or [SPEC,...], (SPEC,...), {\"key\":SPEC,...} "
          "for lists, tuples and dicts of these. It is read by the type of its argument; without NAME= they bind "
          "in order")
      ->option_text("NAME=SPEC")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  add_seed_flag(command, options.seed, "Seed of random weights and inputs");
}

void add_grad_flag(CLI::App& command, GradMode& grad, const std::vector<GradMode>& modes) {
  std::map<std::string, GradMode> words;
  for (const GradMode mode : modes) {
    words[grad_mode_name(mode)] = mode;
  }
  add_choice<GradMode>(command, "--grad", grad, words, "Gradient mode: on is Python's default, off is no_grad");
}

void add_seed_flag(CLI::App& command, uint64_t& seed, const std::string& help) {
  command.add_option("--seed", seed, help)->option_text("N [0]")->check(expect_uint64);
}

void add_threads_flag(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads inside one operator; 0: one per core")
      ->option_text("N [0]")
      ->check(CLI::Range(0, 1024));
}

Color choose_color(ColorChoice choice) {
  const bool wanted = choice == ColorChoice::kAlways || (choice == ColorChoice::kAuto && ::isatty(STDOUT_FILENO) != 0 &&
                                                         std::getenv("NO_COLOR") == nullptr);
  return wanted ? Color::kYes : Color::kNo;
}

void print_json(const nlohmann::ordered_json& json, Invocation& invocation) {
  invocation.out << json.dump(2) << "\n";
}

}  // namespace bertjit
