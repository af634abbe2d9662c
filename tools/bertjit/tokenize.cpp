// `bertjit tokenize`: texts to ids, one JSON object a line.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "choice_flag.h"
#include "commands.h"
#include "common_options.h"
#include "encode/encode.h"
#include "engine_loader.h"
#include "report/encoding_report.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr const char* kDescription = R"(Turn texts into ids, as Hugging Face's fast tokenizers do.

Each TEXT, or each line of standard input if there is none, becomes one line: a JSON object with tokens, input_ids,
token_type_ids (null where the tokenizer returns none) and attention_mask. A tab splits a pair. A line ends with LF or
CRLF; an empty one is an empty text. Lines are answered as they come.

With --jsonl a line is a JSON object: text, and if wanted text_pair, max_length, padding (true, false or a word of
--padding) and truncation (true, false or a word of --truncation), which overrule the flags. Other members are passed
over, so a file of recorded cases can be read as it is.)";

constexpr const char* kFooter = R"(Examples:
  bertjit tokenize --tokenizer ./bert-base-uncased "Who was Jim Henson ?"
  bertjit tokenize --tokenizer ./bert-base-uncased --padding longest "a text" "another text"
  cut -f 4,5 train.tsv | bertjit tokenize --tokenizer ./bert-base-uncased --max-length 128 --truncation true
  bertjit tokenize --tokenizer ./bert-base-uncased --jsonl < requests.jsonl > answers.jsonl

--max-length alone truncates, as in transformers. Text that is not UTF-8 counts as U+FFFD.
Exit code: 0 every text was tokenized, 2 one could not be; it is named, and the lines before it are written.)";

struct TokenizeCommand {
  std::string tokenizer;
  std::vector<std::string> texts;
  bool has_texts = false;
  bool jsonl = false;
  bool no_special_tokens = false;
  EncodeOptionsForLines lines;
  Format format = Format::kJson;
  std::string output;
  bool quiet = false;
};

/// Where the lines go: standard output, or a file that appears when it is complete.
class Output {
 public:
  Output(const std::string& path, std::ostream& out) : out_(out) {
    if (!path.empty()) {
      file_.emplace(path);
    }
  }

  bool write(std::string_view text) {
    if (file_) {
      file_->write(std::string(text));
      return true;
    }
    return static_cast<bool>(out_.write(text.data(), static_cast<std::streamsize>(text.size())));
  }

  void flush() {
    out_.flush();
  }

  void commit() {
    if (file_) {
      file_->commit();
    }
  }

 private:
  std::ostream& out_;
  std::optional<AtomicFile> file_;
};

void tell_implied_truncation(const TokenizeCommand& command, Invocation& invocation) {
  if (!command.quiet) {
    invocation.err << "bertjit tokenize: max_length is given and truncation is not: truncating longest_first, as "
                      "transformers does; choose by --truncation\n";
  }
}

void tokenize_texts(const TokenizeCommand& command, const Tokenizer& tokenizer, const EncodingFormat& format,
                    Output& output) {
  for (const Encoding& encoding : encode_texts(tokenizer, command.texts, command.lines.call)) {
    std::string text;
    format(encoding, text);
    output.write(text);
  }
}

void tokenize_lines(const TokenizeCommand& command, const Tokenizer& tokenizer, const EncodingFormat& format,
                    Output& output, Invocation& invocation) {
  EncodeOptionsForLines options = command.lines;
  options.form = command.jsonl ? LineForm::kJson : LineForm::kText;
  options.descriptor = &invocation.in == &std::cin ? STDIN_FILENO : -1;
  const EncodingSink sink = {format, [&](std::string_view text) { return output.write(text); },
                             [&] { output.flush(); }};
  const EncodeResult result = encode_lines(tokenizer, invocation.in, options, sink);
  if (result.implied_truncation && !implies_truncation(options.call)) {
    tell_implied_truncation(command, invocation);
  }
}

void refuse_conflicts(const TokenizeCommand& command) {
  if (command.has_texts && command.jsonl) {
    throw Error(
        ErrorKind::kInvalidArgument,
        "--jsonl reads standard input, and " + std::to_string(command.texts.size()) + " texts are given as arguments");
  }
  if (!command.has_texts && command.lines.call.padding == PaddingMode::kLongest) {
    throw Error(ErrorKind::kInvalidArgument,
                "--padding longest needs all texts at once: give them as arguments, or use --padding max_length");
  }
}

void run_tokenize(const TokenizeCommand& command, Invocation& invocation) {
  refuse_conflicts(command);
  const auto tokenizer = text_engine().load_tokenizer(command.tokenizer);
  if (implies_truncation(command.lines.call)) {
    tell_implied_truncation(command, invocation);
  }
  const EncodingFormat format = command.format == Format::kJson ? append_json_line : append_table;
  Output output(command.output, invocation.out);
  if (command.has_texts) {
    tokenize_texts(command, *tokenizer, format, output);
  } else {
    tokenize_lines(command, *tokenizer, format, output, invocation);
  }
  output.commit();
}

/// A flag that takes one of the words `find` knows.
template <typename Value>
void add_word_flag(CLI::App& command, const std::string& flag, std::optional<Value>& field,
                   std::optional<Value> (*find)(std::string_view), const char* words, const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&field, find, words, flag](const std::string& word) {
            field = find(word);
            if (!field) {
              throw CLI::ValidationError(flag, "'" + word + "' is not one of " + words);
            }
          },
          help)
      ->option_text(words);
}

}  // namespace

void setup_tokenize(CLI::App& app, Invocation& invocation) {
  auto command = std::make_shared<TokenizeCommand>();
  EncodeCall& call = command->lines.call;
  CLI::App* tokenize = app.add_subcommand("tokenize", kDescription);
  tokenize->footer(kFooter);

  // The texts are wanted as typed. Where more values are allowed than asked for, CLI11 reads "[CLS] a [SEP]" as a list;
  // so any number is asked for, and not insisted on.
  CLI::Option* texts = tokenize->add_option(
      "TEXT", [](const CLI::results_t&) { return true; }, "Texts; without any, standard input is read");
  texts->expected(CLI::detail::expected_max_vector_size, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  tokenize->add_option("--tokenizer", command->tokenizer, "Folder of the tokenizer, as on the Hugging Face hub")
      ->required()
      ->option_text("DIR");
  tokenize->add_flag("--jsonl", command->jsonl, "Read JSON objects, one a line, from standard input");
  tokenize->add_option("--max-length", call.max_length, "Tokens to truncate or pad to; default: the tokenizer's own")
      ->option_text("N");
  add_word_flag<PaddingMode>(*tokenize, "--padding", call.padding, find_padding, kPaddingWords,
                             "Pad each text; longest: to the longest of the TEXTs");
  add_word_flag<Truncation>(*tokenize, "--truncation", call.truncation, find_truncation, kTruncationWords,
                            "Where a pair that is too long is cut");
  tokenize->add_flag("--no-special-tokens", command->no_special_tokens,
                     "Put no [CLS], [SEP] or the like around a text");
  tokenize
      ->add_option("-o,--output", command->output,
                   "File to write in place of standard output, as a whole or not at all")
      ->option_text("FILE");
  tokenize->add_option("--threads", command->lines.threads, "Threads that tokenize lines; 0: one per core")
      ->option_text("N [0]")
      ->check(CLI::Range(0, 1024));
  add_choice<Format>(*tokenize, "--format", command->format, {{"text", Format::kText}, {"json", Format::kJson}},
                     "One JSON object a text, or one line a token");
  tokenize->add_flag("--quiet", command->quiet, "No talk on standard error but errors");
  tokenize->callback([command, texts, &invocation] {
    command->texts = texts->results();
    command->has_texts = texts->count() > 0;
    command->lines.call.special_tokens = command->no_special_tokens ? SpecialTokens::kLeaveOut : SpecialTokens::kAdd;
    run_tokenize(*command, invocation);
  });
}

}  // namespace bertjit
