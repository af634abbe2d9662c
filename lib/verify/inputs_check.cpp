// `inputs`: does every argument matter, and does each mean what its name says?
//
// An argument is changed and the outputs must change; a mask hides tokens and segments do not, whatever the names are
// (the TorchScript guide of transformers passes segments where the mask belongs: segment 0 is masked out, silently).
// Inputs must not be changed in place. Words of the whole vocabulary, of a part of a large one, and a row of the
// longest length must give numbers. Proves what each argument does to the outputs. Does not prove that it does enough
// of it, or that words of a large vocabulary that were not drawn give numbers.
//
// Behaviour decides: two runs that differ in what is asked about. What the code does with an argument (told by
// recognise/) says what it is in place of its name, and excuses segments whose table has equal rows.
#include <algorithm>

#include "compare/outputs.h"
#include "support/error.h"
#include "verify/check.h"
#include "verify/probes.h"

namespace bertjit {

namespace {

/// What was seen of one argument.
struct Seen {
  std::string name;
  Role role = Role::kOther;
  std::vector<std::string> uses;  ///< in the code
  std::optional<bool> matters;
  std::optional<bool> hides;          ///< its 0 hides a token
  std::optional<bool> hides_by_ones;  ///< its 1 does
  bool is_changed = false;            ///< in place
  bool is_returned = false;           ///< an output shares its memory
  std::string complaint;
  Verdict verdict = Verdict::kPass;
};

const char* role_name(Role role) {
  switch (role) {
    case Role::kIds:
      return "input_ids";
    case Role::kMask:
      return "attention_mask";
    case Role::kSegments:
      return "token_type_ids";
    case Role::kPositions:
      return "position_ids";
    case Role::kOther:
      return "";
  }
  return "";
}

/// nullopt where they differ by no more than rounding could.
std::optional<bool> differ(Probes& probes, const BoundBatch& first, const BoundBatch& second) {
  return probes.compare(probes.run(first), probes.run(second), Strictness::kSameSums).tells();
}

/// Whether tokens `hidden` of argument `at`, set to `value` and all others to its opposite, are lost on the others.
/// Absent where these do not see them anyway: behind a causal mask, or in a row of one token.
std::optional<bool> hides_tokens(Probes& probes, size_t at, double value, bool at_end) {
  const ProbeInput& input = probes.inputs()[at];
  const BoundBatch base = probes.make(probes.example_shape());
  const int64_t tokens = base.tensor(at).size(-1);
  const int64_t half = (tokens + 1) / 2;
  const TokenSpan seen = at_end ? TokenSpan{0, half} : TokenSpan{half, tokens};
  const TokenSpan hidden = at_end ? TokenSpan{half, tokens} : TokenSpan{0, half};
  const TokenSpan changed = at_end ? TokenSpan{half + probes.reach(), tokens} : TokenSpan{0, half - probes.reach()};
  if (tokens < 2 + 2 * probes.reach() || !probes.find(Role::kIds, input.sequence)) {
    return std::nullopt;
  }
  const auto leaks = [&](const BoundBatch& batch) {
    // What has no tokens stands for the first of them.
    const auto part = [&](const BoundBatch& of) { return probes.part(probes.run(of), tokens, seen, !at_end); };
    const Gap gap =
        probes.compare(part(batch), part(probes.other_words(batch, changed, input.sequence)), Strictness::kSameSums);
    return gap.elements > 0 || !gap.complaint.empty() ? gap.tells() : std::nullopt;
  };
  const BoundBatch shown = probes.fill(base, at, {0, tokens}, 1 - value);
  const auto leaks_when_shown = leaks(shown);
  if (!leaks_when_shown || !*leaks_when_shown) {
    return std::nullopt;
  }
  const auto leaks_when_hidden = leaks(probes.fill(shown, at, hidden, value));
  return leaks_when_hidden ? std::optional(!*leaks_when_hidden) : std::nullopt;
}

std::optional<bool> hides_tokens(Probes& probes, size_t at, double value) {
  const auto at_end = hides_tokens(probes, at, value, true);
  return at_end ? at_end : hides_tokens(probes, at, value, false);
}

/// The argument changed as far as it may be; absent if it allows nothing else.
std::optional<BoundBatch> changed(Probes& probes, const BoundBatch& base, size_t at) {
  const ProbeInput& input = probes.inputs()[at];
  if (!base.values[at].isTensor() || base.tensor(at).numel() == 0) {
    return std::nullopt;
  }
  const at::Tensor& value = base.tensor(at);
  BoundBatch result = base;
  switch (input.role) {
    case Role::kIds:
      if (probes.words().end - probes.words().start < 2) {
        return std::nullopt;
      }
      return probes.other_words(base, {0, value.size(-1)}, input.sequence);
    case Role::kMask:
      return value.size(-1) < 2 ? std::nullopt
                                : std::optional(probes.fill(base, at, {(value.size(-1) + 1) / 2, value.size(-1)}, 0));
    case Role::kSegments:
      if (input.limit == 1) {
        return std::nullopt;
      }
      result.values[at] = 1 - value;
      return result;
    case Role::kPositions:
      result.values[at] = value.flip(-1);
      return value.size(-1) < 2 ? std::nullopt : std::optional(result);
    case Role::kOther:
      if (!value.is_floating_point()) {
        return std::nullopt;
      }
      result.values[at] = value * 0.5 + 0.25;
      return result;
  }
  return std::nullopt;
}

/// Leaves out what cannot be asked: the module refuses it, as a table of one segment does the second.
void look_at(Probes& probes, size_t at, Seen& seen) try {
  const BoundBatch base = probes.make(probes.example_shape());
  if (const auto other = changed(probes, base, at)) {
    seen.matters = differ(probes, base, *other);
  }
  // Segments that are all of one kind where there is one kind only cannot be asked.
  if (seen.role == Role::kMask || (seen.role == Role::kSegments && probes.inputs()[at].limit != 1)) {
    seen.hides = hides_tokens(probes, at, 0);
    seen.hides_by_ones = hides_tokens(probes, at, 1);
  }
} catch (const RunError&) {
}

/// Whether outputs share the memory of inputs.
void look_at_memory(const VerifyContext& context, std::vector<Seen>& seen) {
  const BoundBatch given = context.example.copy();
  const auto returned = output_tensors(context.module.run(given, GradMode::kOff));
  for (size_t i = 0; i < seen.size(); ++i) {
    seen[i].is_returned = given.values[i].isTensor() && std::ranges::any_of(returned, [&](const at::Tensor& output) {
                            return output.has_storage() && output.numel() > 0 && output.is_alias_of(given.tensor(i));
                          });
  }
}

bool used_as(const Seen& seen, const char* use) {
  return std::ranges::find(seen.uses, use) != seen.uses.end();
}

/// What a use in the code is called, for a sentence.
std::string as_used(const Seen& seen) {
  return used_as(seen, "token_type_embeddings") ? ": the code looks it up as token_type_ids"
         : used_as(seen, "position_embeddings") ? ": the code looks it up as position_ids"
         : used_as(seen, "attention")           ? ": the code uses it in the attention, and not to hide"
                                                : "";
}

void judge_mask(Seen& seen) {
  if (seen.matters == false) {
    seen.complaint = "has no effect: padding is attended to";
  } else if (seen.hides == false && seen.hides_by_ones == true) {
    seen.complaint = "is the wrong way round: its 1 hides a token, its 0 does not";
  } else if (seen.hides == false) {
    seen.complaint = "changes the outputs and hides nothing" + as_used(seen);
  }
  seen.verdict = seen.complaint.empty() ? Verdict::kPass : Verdict::kFail;
}

void judge_segments(const VerifyContext& context, const ProbeInput& input, Seen& seen) {
  if (seen.hides == true || seen.hides_by_ones == true) {
    seen.complaint = std::string("acts as attention_mask: its ") + (seen.hides == true ? "0" : "1") + " hides a token";
    seen.verdict = Verdict::kFail;
  } else if (seen.matters == false) {
    // A network without a table of segments may take them for nothing, and two equal rows of one do nothing.
    const bool has_table = context.network.recognition().recognised() && input.limit > 1;
    seen.complaint = has_table && seen.uses.empty() ? "has no effect: the code does not use it" : "has no effect";
    seen.verdict = has_table && seen.uses.empty() ? Verdict::kFail : Verdict::kWarn;
  }
}

void judge(const VerifyContext& context, const Probes& probes, size_t at, Seen& seen) {
  const bool is_text = probes.takes_text();
  if (seen.role == Role::kMask) {
    judge_mask(seen);
  } else if (seen.role == Role::kSegments) {
    judge_segments(context, probes.inputs()[at], seen);
  } else if (seen.matters == false) {
    seen.complaint = "has no effect";
    seen.verdict = seen.role == Role::kIds || seen.role == Role::kPositions ? Verdict::kFail : Verdict::kWarn;
  }
  if (seen.is_changed && seen.verdict != Verdict::kFail) {
    seen.complaint = "is changed in place";
    seen.verdict = is_text ? Verdict::kFail : Verdict::kWarn;
  }
}

/// Whether the network that the file is does the same with the argument: a head that takes a mean over padding, or a
/// mask that moves a 16-bit output by less than its last bit.
bool is_inherent(const VerifyContext& context, const Probes& probes, size_t at, const Seen& seen) {
  auto network = probes.of_network();
  if (!network || seen.is_changed) {
    return false;
  }
  try {
    Seen own{.name = seen.name, .role = seen.role, .uses = seen.uses};
    look_at(*network, at, own);
    judge(context, *network, at, own);
    return own.complaint == seen.complaint;
  } catch (const Error&) {
    return false;  // it does not take these inputs
  }
}

// --- every word, and the longest row ---

/// Words and rows that gave no numbers.
struct Numbers {
  int64_t words = 0;
  int64_t vocabulary = 0;
  int64_t longest = 0;  ///< 0 if it was not run
  std::vector<int64_t> lost;
  bool longest_is_lost = false;
};

/// Multiply-adds that asking for words may cost: about two seconds of one core.
constexpr double kWordBudget = 4e10;
constexpr int64_t kNamedWords = 16;

bool gives_numbers(const ProbeOutputs& outputs, int64_t row) {
  return std::ranges::all_of(outputs, [&](const ProbeOutput& output) {
    // Infinite outputs may be meant: scores of what must not be chosen.
    return !output.value.defined() || !output.value.is_floating_point() ||
           !output.value.select(0, row).isnan().any().item<bool>();
  });
}

/// Both ends of the vocabulary, and evenly what lies between, as many as the budget allows.
std::vector<int64_t> words_to_ask(const VerifyContext& context, int64_t vocabulary) {
  double weights = 1;
  for (const at::Tensor& parameter : context.module.module().parameters()) {
    weights += parameter.dim() > 1 ? static_cast<double>(parameter.numel()) : 0;
  }
  const auto count = std::min(vocabulary, std::max<int64_t>(256, static_cast<int64_t>(kWordBudget / weights)));
  const int64_t end = count / 4;
  std::vector<int64_t> words;
  for (int64_t i = 0; i < count; ++i) {
    const double step =
        static_cast<double>(vocabulary - 2 * end) / static_cast<double>(std::max<int64_t>(1, count - 2 * end));
    words.push_back(i < end            ? i
                    : i >= count - end ? vocabulary - (count - i)
                                       : end + static_cast<int64_t>(step * static_cast<double>(i - end)));
  }
  return words;
}

BoundBatch with_words(const Probes& probes, const ProbeShape& shape, const std::vector<int64_t>& words, size_t first) {
  BoundBatch batch = probes.make(shape);
  const size_t at = *probes.find(Role::kIds);
  at::Tensor ids = batch.tensor(at).clone();
  at::Tensor flat = ids.view({-1});
  for (int64_t i = 0; i < flat.numel(); ++i) {
    flat[i] = words[(first + static_cast<size_t>(i)) % words.size()];
  }
  batch.values[at] = ids;
  return batch;
}

/// Of the words of a row those that give no numbers when they fill one.
void name_words(Probes& probes, const ProbeShape& shape, const at::Tensor& ids, Numbers& numbers) {
  const at::Tensor flat = ids.flatten().to(at::kLong).contiguous();
  for (int64_t i = 0; i < flat.numel() && static_cast<int64_t>(numbers.lost.size()) < kNamedWords; ++i) {
    const int64_t word = flat.const_data_ptr<int64_t>()[i];
    const ProbeOutputs outputs = probes.run(with_words(probes, shape, {word}, 0));
    if (!gives_numbers(outputs, 0) && std::ranges::find(numbers.lost, word) == numbers.lost.end()) {
      numbers.lost.push_back(word);
    }
  }
}

void ask_words(const VerifyContext& context, Probes& probes, Numbers& numbers) {
  const size_t at = *probes.find(Role::kIds);
  numbers.vocabulary = probes.inputs()[at].limit;
  if (numbers.vocabulary == 0) {
    return;
  }
  const std::vector<int64_t> words = words_to_ask(context, numbers.vocabulary);
  ProbeShape shape = probes.example_shape();
  if (probes.may_change_tokens() && probes.may_change_rows()) {
    shape = {4, probes.longest() == 0 ? 32 : std::min<int64_t>(32, probes.longest())};
    try {
      probes.run(probes.make(shape));
    } catch (const RunError&) {
      shape = probes.example_shape();
    }
  }
  for (size_t first = 0; first < words.size();) {
    const BoundBatch batch = with_words(probes, shape, words, first);
    const ProbeOutputs outputs = probes.run(batch);
    for (int64_t row = 0; row < shape.rows; ++row) {
      if (!gives_numbers(outputs, row)) {
        name_words(probes, shape, batch.tensor(at).select(0, row), numbers);
      }
    }
    first += static_cast<size_t>(batch.tensor(at).numel());
  }
  numbers.words = static_cast<int64_t>(words.size());
}

void ask_longest(Probes& probes, Numbers& numbers) {
  if (!probes.may_change_tokens() || !probes.may_change_rows() || probes.longest() == 0) {
    return;
  }
  try {
    const ProbeOutputs outputs = probes.run(probes.make({1, probes.longest()}));
    numbers.longest = probes.longest();
    numbers.longest_is_lost = !gives_numbers(outputs, 0);
  } catch (const RunError&) {
    // Which shapes work is what `shapes` asks.
  }
}

/// Path of the table whose name ends in `table` and whose row `row` holds what is no number; empty if there is none.
std::string table_with_lost_row(const VerifyContext& context, const std::string& table, std::optional<int64_t> row) {
  for (const auto& [name, weight] : context.network.recognition().weights) {
    if (!name.ends_with(table + ".weight") || weight.dim() != 2 || (row && *row >= weight.size(0))) {
      continue;
    }
    const at::Tensor part = row ? weight[*row] : weight;
    if (!part.isfinite().all().item<bool>()) {
      return context.network.recognition().root + name.substr(0, name.size() - std::string(".weight").size());
    }
  }
  return "";
}

std::string ids_text(const std::vector<int64_t>& ids) {
  std::string text;
  for (const int64_t id : ids) {
    text += (text.empty() ? "" : ", ") + std::to_string(id);
  }
  return text;
}

void judge_numbers(const VerifyContext& context, const Numbers& numbers, CheckResult& result) {
  if (numbers.lost.empty() && !numbers.longest_is_lost) {
    return;
  }
  result.verdict = Verdict::kFail;
  const std::string found =
      numbers.lost.empty() ? "a row of the longest length, " + std::to_string(numbers.longest) + ", gives NaN"
                           : "input_ids " + ids_text(numbers.lost) +
                                 (static_cast<int64_t>(numbers.lost.size()) < kNamedWords ? "" : " …") + " give NaN";
  result.summary += (result.summary.empty() ? "" : "; ") + found;
  const std::string where = numbers.lost.empty()
                                ? table_with_lost_row(context, "position_embeddings", std::nullopt)
                                : table_with_lost_row(context, "word_embeddings", numbers.lost.front());
  result.where = result.where.empty() ? where : result.where;
  result.advice = "find the weights that are no numbers (see weights), and export the checkpoint again";
}

std::string tri_state(const std::optional<bool>& value) {
  return value ? (*value ? "yes" : "no") : "not asked";
}

EvidenceRows argument_rows(const std::vector<Seen>& arguments) {
  EvidenceRows rows;
  for (const Seen& seen : arguments) {
    rows.push_back({{"argument", seen.name},
                    {"meaning", std::string(role_name(seen.role))},
                    {"used_as", seen.uses},
                    {"matters", tri_state(seen.matters)},
                    {"hides_tokens", tri_state(seen.hides)},
                    {"changed_in_place", seen.is_changed},
                    {"shared_with_an_output", seen.is_returned},
                    {"complaint", seen.complaint}});
  }
  return rows;
}

void judge_arguments(const Probes& probes, const std::vector<Seen>& arguments, CheckResult& result) {
  for (const Verdict verdict : {Verdict::kFail, Verdict::kWarn}) {
    for (const Seen& seen : arguments) {
      if (seen.verdict != verdict || (result.verdict == Verdict::kFail && verdict == Verdict::kWarn)) {
        continue;
      }
      if (result.summary.empty() && seen.role == Role::kSegments && seen.matters == false) {
        result.where = verdict == Verdict::kFail ? probes.home_of("token_type_embeddings") : "";
      }
      result.verdict = verdict;
      result.summary += (result.summary.empty() ? "" : "; ") + seen.name + " " + seen.complaint;
    }
  }
}

}  // namespace

CheckResult check_inputs_matter(const VerifyContext& context) {
  Probes probes(context);
  if (probes.inputs().empty()) {
    return skipped("inputs", "it takes no inputs");
  }
  if (const std::string why_not = probes.why_not(); !why_not.empty()) {
    return skipped("inputs", why_not);
  }
  const auto& recognised = context.network.recognition().inputs;
  std::vector<Seen> arguments;
  for (size_t i = 0; i < probes.inputs().size(); ++i) {
    Seen seen{.name = probes.inputs()[i].name, .role = probes.inputs()[i].role};
    if (i < recognised.size()) {
      seen.uses = recognised[i].uses;
    }
    look_at(probes, i, seen);
    arguments.push_back(std::move(seen));
  }
  look_at_memory(context, arguments);
  Numbers numbers;
  if (probes.takes_text()) {
    ask_words(context, probes, numbers);
    ask_longest(probes, numbers);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    arguments[i].is_changed = probes.is_changed(i);
    judge(context, probes, i, arguments[i]);
    if (arguments[i].verdict == Verdict::kFail && is_inherent(context, probes, i, arguments[i])) {
      arguments[i].complaint += "; so it is in its architecture";
      arguments[i].verdict = Verdict::kPass;
    }
  }
  CheckResult result{"inputs", Verdict::kPass, "", "", {}};
  judge_arguments(probes, arguments, result);
  judge_numbers(context, numbers, result);
  const auto mattering =
      std::ranges::count_if(arguments, [](const Seen& seen) { return seen.matters.value_or(false); });
  if (result.verdict == Verdict::kPass) {
    result.summary = std::to_string(mattering) + " of " + counted(static_cast<int64_t>(arguments.size()), "argument") +
                     " seen to matter, none is changed in place" +
                     (numbers.words > 0 ? "; " + std::to_string(numbers.words) + " of " +
                                              std::to_string(numbers.vocabulary) + " words give numbers"
                                        : "");
  }
  result.evidence = {{"arguments", argument_rows(arguments)},
                     {"words_asked", numbers.words},
                     {"vocabulary", numbers.vocabulary},
                     {"words_without_numbers", numbers.lost},
                     {"longest_row", numbers.longest}};
  return result;
}

}  // namespace bertjit
