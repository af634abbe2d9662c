// The lengths of real texts, in tokens.
#pragma once

#include <string>
#include <vector>

#include "bench/bench.h"
#include "glue/examples.h"
#include "tokenize/tokenizer.h"

namespace bertjit {

/// The texts of a file, one a line, or of a task of GLUE, whose split may have several files; none if `options` name
/// nothing.
///
/// Throws Error(kInvalidArgument) if they name both; else as parse_text_lines and read_examples do.
std::vector<ExampleSet> read_bench_texts(const BenchTextOptions& options);

/// A text for each line of `text`, a tab splits a pair. A line may end with CRLF, and an empty one is an empty text, as
/// for `tokenize`. `name` stands in messages.
///
/// Throws Error(kCorrupt) naming the line for one with more than one tab, and where there is no line.
ExampleSet parse_text_lines(const std::string& text, const std::string& name);

/// Lengths with special tokens, cut to `max_length`, counted on up to `threads` threads. Without plans. Throws as
/// Tokenizer::encode does, with file and line.
BenchTexts count_tokens(const Tokenizer& tokenizer, const ExampleSet& set, int64_t max_length, int threads);

}  // namespace bertjit
