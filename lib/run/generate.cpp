#include "run/generate.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kDecoderIds = "decoder_input_ids";
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Scores of the next token, [batch, vocabulary] float32, a copy.
at::Tensor next_scores(Runner& runner, const BoundBatch& batch) {
  const auto& names = runner.output_names();
  c10::IValue output = runner.run(batch, GradMode::kOff);
  if (output.isTuple() && !output.toTupleRef().elements().empty()) {
    const c10::IValue first = output.toTupleRef().elements()[0];
    output = first;
  } else if (output.isGenericDict() && output.toGenericDict().contains("logits")) {
    output = output.toGenericDict().at("logits");
  }
  const bool named_otherwise = !names.empty() && names.front() != "logits";
  if (named_otherwise || !output.isTensor() || output.toTensor().dim() != 3) {
    throw Error(ErrorKind::kUnsupported, runner.signature().owner + ": --generate needs logits, the first output is " +
                                             (names.empty() ? "something else" : names.front()));
  }
  return output.toTensor().select(1, -1).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

/// Columns of `scores` where a row may not go, or the only ones where it may: the logits processors of transformers.
class ScoreRules {
 public:
  ScoreRules(const GenerationRules& rules, int64_t prompt_length, int64_t max_length)
      : rules_(rules),
        max_length_(max_length),
        min_length_(rules.min_new_tokens ? *rules.min_new_tokens + prompt_length : rules.min_length) {}

  /// ids [batch, length], scores [batch, vocabulary], changed in place.
  void apply(const at::Tensor& ids, at::Tensor& scores) const {
    ban_bad_words(ids, scores);
    const int64_t length = ids.size(1);
    if (length < min_length_) {
      ban(scores, rules_.eos_token_ids);
    }
    if (length == 1 && rules_.forced_bos_token_id) {
      force(scores, {*rules_.forced_bos_token_id});
    }
    if (length == max_length_ - 1 && !rules_.forced_eos_token_ids.empty()) {
      force(scores, rules_.forced_eos_token_ids);
    }
    ban(scores, rules_.suppress_tokens);
  }

 private:
  static void check(const at::Tensor& scores, int64_t id) {
    if (id >= scores.size(1)) {
      throw Error(ErrorKind::kCorrupt, "generation: token " + std::to_string(id) + " is ruled, the model scores " +
                                           std::to_string(scores.size(1)) + " tokens");
    }
  }
  static void ban(at::Tensor& scores, const std::vector<int64_t>& ids) {
    for (const int64_t id : ids) {
      if (id < scores.size(1)) {
        scores.select(1, id).fill_(kNever);
      }
    }
  }
  static void force(at::Tensor& scores, const std::vector<int64_t>& ids) {
    scores.fill_(kNever);
    for (const int64_t id : ids) {
      check(scores, id);
      scores.select(1, id).zero_();
    }
  }

  void ban_bad_words(const at::Tensor& ids, at::Tensor& scores) const {
    for (const auto& word : rules_.bad_words_ids) {
      // The end of the text cannot be banned.
      if (word.size() == 1 && std::ranges::find(rules_.eos_token_ids, word[0]) != rules_.eos_token_ids.end()) {
        continue;
      }
      check(scores, word.back());
      if (static_cast<int64_t>(word.size()) > ids.size(1)) {
        continue;
      }
      for (int64_t row = 0; row < ids.size(0); ++row) {
        if (ends_with(ids[row], word)) {
          scores[row][word.back()] = kNever;
        }
      }
    }
  }

  /// Whether all tokens of `word` but its last are the end of `row`.
  static bool ends_with(const at::Tensor& row, const std::vector<int64_t>& word) {
    const int64_t start = row.size(0) - static_cast<int64_t>(word.size()) + 1;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      if (row[start + static_cast<int64_t>(i)].item<int64_t>() != word[i]) {
        return false;
      }
    }
    return true;
  }

  const GenerationRules& rules_;
  int64_t max_length_;
  int64_t min_length_;
};

}  // namespace

size_t decoder_slot(const Signature& signature) {
  const auto it = std::ranges::find(signature.inputs, kDecoderIds, &ModelInput::name);
  if (it == signature.inputs.end()) {
    std::string names;
    for (const auto& input : signature.inputs) {
      names += (names.empty() ? "" : ", ") + input.name;
    }
    throw Error(ErrorKind::kInvalidArgument, "--generate is for encoder-decoders: " + signature.owner + " takes no " +
                                                 kDecoderIds + " (it takes " + names + ")");
  }
  return static_cast<size_t>(it - signature.inputs.begin());
}

void start_decoder(Batch& batch, const Signature& signature, const GenerationRules& rules, bool replace) {
  decoder_slot(signature);
  const auto is_decoder = [](const NamedInput& input) { return input.name == kDecoderIds; };
  if (replace) {
    std::erase_if(batch.values, is_decoder);
  }
  // Without names the third is the decoder's; binding says what is wrong with it.
  const bool holds_it = std::ranges::any_of(batch.values, is_decoder) ||
                        (batch.values.size() == signature.inputs.size() && batch.values.back().name.empty());
  if (holds_it) {
    return;
  }
  if (batch.values.empty() || !batch.values.front().value.isTensor() ||
      batch.values.front().value.toTensor().dim() == 0) {
    throw Error(ErrorKind::kInvalidArgument, batch.origin + ": holds no rows to generate from");
  }
  const at::Tensor first = batch.values.front().value.toTensor();
  batch.values.push_back({kDecoderIds, at::full({first.size(0), 1}, rules.decoder_start_token_id, at::kLong)});
}

int64_t longest_result(const GenerationRules& rules, std::optional<int64_t> max_new_tokens, int64_t prompt_length,
                       int64_t max_positions) {
  // The last token is scored without being fed again.
  const int64_t possible = max_positions == 0 ? std::numeric_limits<int64_t>::max() : max_positions + 1;
  if (max_new_tokens) {
    if (*max_new_tokens > possible - prompt_length) {
      throw Error(ErrorKind::kInvalidArgument, "--max-new-tokens " + std::to_string(*max_new_tokens) +
                                                   ": the model has positions for " +
                                                   std::to_string(possible - prompt_length) + " more tokens");
    }
    return prompt_length + *max_new_tokens;
  }
  if (rules.max_new_tokens) {
    return std::min(possible, prompt_length + *rules.max_new_tokens);
  }
  if (rules.is_default_length) {
    return std::min(max_positions == 0 ? possible : max_positions, rules.max_length + prompt_length);
  }
  return std::min(possible, rules.max_length);
}

at::Tensor generate(Runner& runner, const BoundBatch& batch, const GenerationRules& rules, int64_t max_length) {
  const size_t slot = decoder_slot(runner.signature());
  BoundBatch step = batch;
  at::Tensor ids = batch.tensor(slot).to(at::kLong);
  const ScoreRules score_rules(rules, ids.size(1), max_length);
  at::Tensor going = at::ones({ids.size(0)}, at::kBool);
  while (ids.size(1) < max_length && going.any().item<bool>()) {
    step.values[slot] = ids;
    at::Tensor scores = next_scores(runner, step);
    score_rules.apply(ids, scores);
    const at::Tensor next = at::where(going, scores.argmax(-1), at::full({ids.size(0)}, rules.pad_token_id, at::kLong));
    for (const int64_t eos : rules.eos_token_ids) {
      going = going.logical_and(next.ne(eos));
    }
    ids = at::cat({ids, next.unsqueeze(1)}, 1);
  }
  return ids;
}

}  // namespace bertjit
