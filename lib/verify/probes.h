// Inputs made up to ask how a module's outputs depend on them, and the answers compared: what `metamorphic` and
// `inputs` share.
//
// A probe differs from another in one thing (a row alone, other ids under the mask, a token more), and what the outputs
// may do about it is known without any reference. So two runs of one module are compared, never two implementations:
// the noise is that of regrouped sums alone.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "support/evidence.h"
#include "verify/check.h"

namespace bertjit {

/// What an argument of forward is for.
enum class Role { kIds, kMask, kSegments, kPositions, kOther };

struct ProbeInput {
  std::string name;
  Role role = Role::kOther;
  InputSequence sequence = InputSequence::kMain;
  int64_t limit = 0;  ///< of its values; 0 if not known
};

/// Rows and tokens of a probe; choices, where a model takes such, are the example's.
struct ProbeShape {
  int64_t rows = 0;
  int64_t tokens = 0;

  bool operator==(const ProbeShape&) const = default;
};

/// "3x12"
std::string shape_name(const ProbeShape& shape);

/// Tokens [start, end) of every row.
struct TokenSpan {
  int64_t start = 0;
  int64_t end = 0;
};

/// Outputs with rows first; what holds something else first is undefined.
struct ProbeOutput {
  std::string name;
  at::Tensor value;
};
using ProbeOutputs = std::vector<ProbeOutput>;

/// How far one run is from what another says it should be.
struct Gap {
  std::string output;     ///< the first that is further off than allowed, else the one that is nearest to that
  std::string complaint;  ///< why the two cannot be compared; empty if they can
  double max_abs_error = 0;
  double allowed = 0;
  double share = 0;  ///< of what is allowed; NaN where one alone is a number
  int64_t elements = 0;
  EvidenceRows histogram;  ///< differences by powers of ten, where there is any

  bool violated() const {
    return !complaint.empty() || !(share <= 1);
  }
  /// Whether what was changed counts: nullopt where it moves the outputs, and no more than rounding could.
  std::optional<bool> tells() const {
    return violated() ? std::optional(true) : share <= kNothing ? std::optional(false) : std::nullopt;
  }

  /// Share of what is allowed that what counts for nothing stays below: the last bit of one number.
  static constexpr double kNothing = 0.25;
};

/// How equal two runs must be.
enum class Strictness {
  kSameSums,       ///< one shape, every sum over the same numbers: what is hidden counts as nothing at all
  kRegroupedSums,  ///< other shapes or rows: sums in another order
  kRoundingAlone,  ///< the same, without verify's absolute tolerance: for what must differ
};

class Probes {
 public:
  /// Borrows `context`. Runs a copy of the module, without its optimizer, whose int8 layers are computed in floats.
  explicit Probes(const VerifyContext& context);

  /// The same probes, asked of the network built anew from the file's weights: what that does, too, is the
  /// architecture's doing, and no fault of the file. nullopt where there is none.
  std::optional<Probes> of_network() const;

  const std::vector<ProbeInput>& inputs() const {
    return inputs_;
  }
  std::optional<size_t> find(Role role, InputSequence sequence = InputSequence::kMain) const;
  /// Whether it takes ids of tokens.
  bool takes_text() const {
    return find(Role::kIds).has_value();
  }
  /// Whether it is, or is said to be, a network of a known kind, whose rows do not know of one another.
  bool is_known_network() const {
    return is_known_;
  }
  /// Whether every value is computed in floats: no rounding to integers is left.
  bool is_float() const {
    return !quantizes_;
  }

  ProbeShape example_shape() const {
    return example_shape_;
  }
  /// Whether other numbers of rows, or of tokens, may be asked for: nothing that is known forbids it.
  bool may_change_rows() const;
  bool may_change_tokens() const;
  /// Whether the file is said to take them.
  bool claims_rows() const;
  bool claims_tokens() const;
  int64_t longest() const {
    return longest_;
  }
  /// How far a hidden token's word may honestly reach: networks that cannot be built anew may put neighbours' words
  /// into one embedding, as MobileBERT does (modeling_mobilebert.py, trigram_input).
  int64_t reach() const;
  /// Whether it has a table of positions, all of its rows different, and rounds so little that their effect shows.
  bool knows_positions() const;
  /// Path of the module that holds the table of that name, "bert.embeddings" of "position_embeddings"; empty if it is
  /// not known.
  std::string home_of(const std::string& table) const;
  /// [first, second): ids that stand for words; the few before them may be special.
  TokenSpan words() const {
    return words_;
  }

  /// Made from `seed`: random words, nothing hidden, half of each row in segment 1 where there is one. What is no
  /// sequence is the example's, row by row.
  BoundBatch make(const ProbeShape& shape, uint64_t seed = 0) const;
  /// Rows of `batch` by number; one may be named twice.
  BoundBatch select_rows(const BoundBatch& batch, const std::vector<int64_t>& rows) const;
  /// `batch` with `count` hidden words more at the end of its main sequence.
  BoundBatch extend(const BoundBatch& batch, int64_t count, uint64_t seed = 1) const;
  /// `batch` with `value` for those tokens of argument `at`.
  BoundBatch fill(const BoundBatch& batch, size_t at, const TokenSpan& tokens, double value) const;
  /// `batch` with another word for each of those tokens of the sequence.
  BoundBatch other_words(const BoundBatch& batch, const TokenSpan& tokens,
                         InputSequence sequence = InputSequence::kMain) const;

  /// `changed` in its last row, `base` in all others.
  BoundBatch last_row_of(const BoundBatch& changed, const BoundBatch& base) const;

  /// Throws RunError where the module refuses.
  ProbeOutputs run(const BoundBatch& batch);
  /// The inputs of the latest run, whether or not it came to an answer.
  const BoundBatch& latest() const {
    return latest_;
  }
  /// Whether some run has changed that argument in place.
  bool is_changed(size_t at) const {
    return changed_.contains(at);
  }
  /// Why nothing can be said of what inputs do to outputs: it answers otherwise when asked again, or does not run.
  /// Empty if all is well.
  std::string why_not();

  /// `wide`, of `to` tokens, where it speaks of the first `from` tokens that `like` has.
  ProbeOutputs narrowed(const ProbeOutputs& wide, const ProbeOutputs& like, int64_t from, int64_t to) const;
  /// Of outputs of `tokens` tokens what they say of `kept`; with `sequences_only` without those that have no tokens.
  ProbeOutputs part(const ProbeOutputs& outputs, int64_t tokens, const TokenSpan& kept,
                    bool sequences_only = false) const;
  Gap compare(const ProbeOutputs& expected, const ProbeOutputs& actual, Strictness strictness);

 private:
  void read_inputs();
  void read_shape();
  void read_limits();
  at::Tensor make_value(size_t at, const ProbeShape& shape, at::Generator& generator) const;
  double allowed(size_t output, const at::Tensor& expected, Strictness strictness);
  const std::vector<double>& own_noise();

  const VerifyContext& context_;
  ModuleRunner module_;
  bool asks_network_ = false;
  std::vector<ProbeInput> inputs_;
  ProbeShape example_shape_;
  int64_t choices_ = 1;
  bool is_known_ = false;
  bool quantizes_ = false;
  bool tokens_are_fixed_ = false;
  bool rows_are_fixed_ = false;
  int64_t longest_ = 0;
  int64_t layers_ = 0;
  double unit_ = 0;
  TokenSpan words_;
  BoundBatch latest_;
  std::set<size_t> changed_;
  std::optional<std::vector<double>> own_noise_;
};

}  // namespace bertjit
