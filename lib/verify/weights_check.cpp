// `weights`: are the numbers in the file such as weights can be?
//
// Needs no reference. Proves that every weight is finite, that no weight matrix or word table is all zero, that a
// decoder which was tied to the word embeddings still is, and that int8 is not where a floating dtype is claimed.
// Reports waste, which leaves outputs right: parameters that no code reads, tied weights that are stored twice, layers
// that are copies of one another. Does not prove that the weights are the right ones: --source does.
//
// What is honest and looks odd: zero biases, the zero row of [PAD] and further zero rows of a table (a vocabulary
// rounded up), RoBERTa's segment table of zeros, -inf in masks that are buffers, a few denormals, and float32 weights
// that float16 holds exactly, since checkpoints are published so. The last are told in the summary alone.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "compare/compare.h"
#include "compare/describe.h"
#include "compare/weight_changes.h"
#include "compare/weight_grid.h"
#include "compare/weight_relation.h"
#include "recognise/module_code.h"
#include "support/error.h"
#include "verify/check.h"
#include "verify/file_weights.h"
#include "verify/weight_scan.h"

namespace bertjit {

namespace {

/// Two tables that were one: by how much the decoder may have moved to be called drifted rather than trained apart.
/// Rounding leaves 4e-3 (bfloat16) and less, a training step 1e-3; untied decoders have 1.4 (uncorrelated).
constexpr double kDrifted = 0.1;

/// Whether two matrices may be one that was put to int8 twice: each row on two grids, and nowhere further apart than
/// both may have moved it: half a step, or a whole one where 127.5 became 127.
bool rounded_from_one(const at::Tensor& left, const at::Tensor& right) {
  for (int64_t row = 0; row < left.size(0); ++row) {
    const at::Tensor a = left[row].to(at::kDouble).contiguous();
    const at::Tensor b = right[row].to(at::kDouble).contiguous();
    const auto step = [](const at::Tensor& values) {
      const auto grid =
          find_grid({values.const_data_ptr<double>(), static_cast<size_t>(values.numel())}, /*most_steps=*/255);
      return grid ? grid->step : 0;
    };
    const bool has_steps = (a.eq(0).all().item<bool>() || step(a) > 0) && (b.eq(0).all().item<bool>() || step(b) > 0);
    if (!has_steps || (a - b).abs().max().item<double>() > step(a) + step(b)) {
      return false;
    }
  }
  return true;
}
/// Adam leaves denormals behind in rows that no token of the training data used; where it is one in ten of all
/// elements, numbers were shrunk or read in the wrong format.
constexpr double kManyDenormals = 0.1;

struct Issue {
  Verdict verdict;
  std::string id;
  std::string where;
  std::string summary;
  std::string advice;
};

bool is_table(const std::string& name) {
  return name.find("embed") != std::string::npos || name.find("shared") != std::string::npos;
}

bool is_word_table(const std::string& name) {
  return name.ends_with("word_embeddings.weight") || name.ends_with("embed_tokens.weight") ||
         name.ends_with("shared.weight");
}

bool shares_storage(const at::Tensor& a, const at::Tensor& b) {
  return a.const_data_ptr() == b.const_data_ptr();
}

class WeightsCheck {
 public:
  explicit WeightsCheck(const VerifyContext& context) : context_(context), tensors_(file_weights(context)) {
    for (const auto& item : context.module.module().named_parameters()) {
      named_.emplace_back(item.name, item.value.detach());
      names_.insert(checkpoint_path(context, item.name));
      parameters_.insert(item.value.const_data_ptr());
    }
    for (const auto& item : context.module.module().named_buffers()) {
      if (!is_made_anew(item.name)) {
        buffers_.emplace_back(item.name, item.value.detach());
      }
    }
    owned_ = parameters_;
    const Recognition& recognition = context.network.recognition();
    for (const auto& [name, tensor] : recognition.weights) {
      parameters_.insert(tensor.const_data_ptr());
    }
  }

  CheckResult run() {
    for (const auto& [name, tensor] : tensors_) {
      if (tensor.is_floating_point() && tensor.numel() > 0 && tensor.device().is_cpu()) {
        scans_.emplace(name, scan_weight(tensor));
      }
    }
    CheckResult result{"weights", Verdict::kPass, "", "", {}};
    if (scans_.empty()) {
      return skipped("weights", "the file keeps no floating tensors under a name");
    }
    find_non_finite();
    find_int8();
    find_zeros();
    find_denormals();
    find_decoders();
    find_duplicates();
    find_unused();
    report(result);
    return result;
  }

 private:
  /// Buffers that transformers and PyTorch keep whether or not the code that is traced reads them.
  static bool is_made_anew(const std::string& name) {
    return name.ends_with("position_ids") || name.ends_with("token_type_ids") || name.ends_with("num_batches_tracked");
  }

  void add(Verdict verdict, std::string id, const std::string& weight, std::string summary, std::string advice) {
    issues_.push_back({verdict, std::move(id), place_of_weight(weight), std::move(summary), std::move(advice)});
  }

  bool is_parameter(const std::string& name) const {
    return parameters_.contains(tensors_.at(name).const_data_ptr());
  }

  /// A mask that somebody keeps as a buffer: nothing in it but 0 and -inf.
  bool is_mask(const std::string& name) const {
    const at::Tensor& tensor = tensors_.at(name);
    return !is_parameter(name) && at::isneginf(tensor).logical_or(tensor.eq(0)).all().item<bool>();
  }

  void find_non_finite() {
    for (const auto& [name, scan] : scans_) {
      if (scan.is_finite() || is_mask(name)) {
        continue;
      }
      add(Verdict::kFail, "non-finite", name,
          "weight " + name + " has " + non_finite_text(scan.nans, scan.infinities) + ", the first in " +
              (tensors_.at(name).dim() > 1 ? "row " : "element ") + std::to_string(scan.first_non_finite),
          "look for an overflow in training or conversion, or a damaged file, and export again");
    }
  }

  /// Packed layers, by the object that holds them.
  void find_int8() {
    if (!context_.is_quantized || may_be_quantized(context_)) {
      return;
    }
    std::vector<std::string> layers;
    for (const auto& attribute : context_.module.module().named_attributes()) {
      if (attribute.value.isCustomClass() && attribute.name.ends_with("_packed_params")) {
        layers.push_back(attribute.name.substr(0, attribute.name.find("._packed_params")));
      }
    }
    const std::string where = layers.size() == 1 ? checkpoint_path(context_, layers[0]) : "";
    issues_.push_back({Verdict::kFail, "int8", where,
                       counted(static_cast<int64_t>(layers.size()), "layer") + " of int8 where " +
                           context_.claims->dtype + " is claimed",
                       "claim int8, or export the float model"});
  }

  void find_zeros() {
    for (const auto& [name, scan] : scans_) {
      const at::Tensor& tensor = tensors_.at(name);
      const bool is_weight = is_parameter(name) && name.ends_with("weight");
      const bool is_matrix = tensor.dim() == 2 && tensor.size(0) > 1 && tensor.size(1) > 1;
      const bool may_be_zero = name.find("token_type_embeddings") != std::string::npos || !is_weight;
      if (scan.is_zero && !may_be_zero && scan.elements > 1) {
        add(Verdict::kFail, "zero", name, "weight " + name + " is all 0",
            "the checkpoint lacks it, or a conversion lost it: compare with --source");
      } else if (is_weight && is_matrix && !is_table(name) && !scan.is_zero &&
                 (!scan.zero_rows.empty() || scan.zero_columns > 0)) {
        const bool by_row = !scan.zero_rows.empty();
        const auto count = by_row ? static_cast<int64_t>(scan.zero_rows.size()) : scan.zero_columns;
        add(Verdict::kWarn, "zero-rows", name,
            "weight " + name + " has " + counted(count, by_row ? "zero row" : "zero column") +
                (by_row ? ", the first is " + std::to_string(scan.zero_rows[0]) : ""),
            "if this is not pruning that is meant, compare with --source");
      }
    }
  }

  void find_denormals() {
    for (const auto& [name, scan] : scans_) {
      denormals_ += scan.denormals;
      const auto dtype = tensors_.at(name).scalar_type();
      if ((dtype == at::kFloat || dtype == at::kDouble) && scan.elements > 16 &&
          static_cast<double>(scan.denormals) > kManyDenormals * static_cast<double>(scan.elements)) {
        add(Verdict::kWarn, "denormals", name,
            "weight " + name + " has " + std::to_string(scan.denormals) + " denormal numbers of " +
                std::to_string(scan.elements),
            "look for a byte order or a factor that is wrong");
      }
    }
  }

  /// Linear layers of the shape of the word table: is it a copy, is it nearly one?
  void find_decoders() {
    for (const auto& [words, scan] : scans_) {
      if (!is_word_table(words) || !scan.is_finite()) {
        continue;
      }
      for (const auto& [name, other] : scans_) {
        if (!is_table(name) && tensors_.at(name).sizes() == tensors_.at(words).sizes() && other.is_finite() &&
            !shares_storage(tensors_.at(name), tensors_.at(words))) {
          compare_decoder(words, name);
        }
      }
    }
  }

  void compare_decoder(const std::string& words, const std::string& name) {
    const at::Tensor& table = tensors_.at(words);
    const WeightDifference difference = relate_weights(table, tensors_.at(name));
    using Relation = WeightRelation;
    if (difference.relation == Relation::kSame) {
      told_.insert(name);
      add(Verdict::kWarn, "tied-twice", name,
          "weight " + name + " is stored twice, as " + words + " too: " + std::to_string(table.nbytes()) +
              " bytes of waste",
          "export with --tie share, which stores tied weights once");
      return;
    }
    const bool is_int8 = may_be_quantized(context_) &&
                         (difference.relation == Relation::kQuantized || rounded_from_one(table, tensors_.at(name)));
    const bool is_scaled = difference.relation == Relation::kScaled || difference.relation == Relation::kNegated ||
                           difference.relation == Relation::kShifted;
    if (!is_int8 && !is_scaled && difference.relative_error < kDrifted && !source_has_two(words, name)) {
      add(Verdict::kFail, "drifted-decoder", name,
          "decoder " + name + " is nearly " + words + ", but " + difference.text,
          "tie the two again, and export: one of them was changed alone");
    }
  }

  /// Whether the source's own decoder is another than its word table: then it was trained apart, and `source` holds
  /// each to its own weights.
  bool source_has_two(const std::string& words, const std::string& decoder) const {
    const auto tree = context_.source == nullptr ? std::nullopt : context_.source->module();
    if (!tree) {
      return false;
    }
    std::map<std::string, at::Tensor> weights;
    for (const auto& item : tree->named_parameters()) {
      weights.emplace(item.name, item.value.detach());
    }
    return weights.contains(words) && weights.contains(decoder) && !same_bits(weights.at(words), weights.at(decoder));
  }

  /// Matrices that hold the same bits without sharing them.
  void find_duplicates() {
    std::multimap<uint64_t, std::string> keys;
    std::vector<std::string> copies;
    std::string first;
    std::string head;
    for (const auto& [name, scan] : scans_) {
      const at::Tensor& tensor = tensors_.at(name);
      if (tensor.dim() < 2 || !scan.varies || told_.contains(name)) {
        continue;
      }
      const uint64_t key = weight_key(tensor);
      const auto [begin, end] = keys.equal_range(key);
      const auto twin = std::find_if(begin, end, [&](const auto& item) {
        const at::Tensor& other = tensors_.at(item.second);
        return !shares_storage(other, tensor) && same_bits(other, tensor);
      });
      if (twin != end && !(is_table(name) && is_table(twin->second))) {
        if (copies.empty()) {
          head = head_of_weight(name, twin->second);
          first = head_of_weight(twin->second, name);
        }
        copies.push_back(name);
      } else {
        keys.emplace(key, name);
      }
    }
    if (!copies.empty()) {
      issues_.push_back({Verdict::kWarn, "duplicates", scans_.contains(head) ? place_of_weight(head) : head,
                         head + " holds the weights of " + first + " (" +
                             counted(static_cast<int64_t>(copies.size()), "matrix") + ")",
                         "if layers are not meant to be copies, compare with --source"});
    }
  }

  /// Attributes that the inlined code reads and uses.
  std::set<const void*> used_tensors() const {
    const ModuleCode code(context_.module.module());
    std::set<std::string> names;
    for (const CodeNode* node : code.nodes()) {
      for (const CodeValue* output : node->outputs()) {
        if (node->kind() == c10::prim::GetAttr && output->hasUses()) {
          names.insert(code.attribute(output));
        }
      }
    }
    std::set<const void*> used;
    for (const auto* stored : {&named_, &buffers_}) {
      for (const auto& [name, tensor] : *stored) {
        if (names.contains(name)) {
          used.insert(tensor.const_data_ptr());
        }
      }
    }
    return used;
  }

  void find_unused() {
    std::set<const void*> used;
    try {
      used = used_tensors();
    } catch (const Error& error) {
      notes_.push_back(std::string("which parameters are used could not be told: the module ") + error.what());
      return;
    }
    unused_ = find_unused(named_, used, "parameter");
    unused_buffers_ = find_unused(buffers_, used, "buffer");
  }

  /// Names of those of `stored` that are not in `used`, and a warning of them.
  std::vector<std::string> find_unused(const OrderedWeights& stored, const std::set<const void*>& used,
                                       const std::string& noun) {
    std::vector<std::string> unused;
    std::set<const void*> counted_once;
    uint64_t bytes = 0;
    for (const auto& [name, tensor] : stored) {
      const void* data = tensor.const_data_ptr();
      if (!used.contains(data) && tensor.numel() > 0 && !is_copy_of_used(tensor, used)) {
        unused.push_back(checkpoint_path(context_, name));
        bytes += counted_once.insert(data).second ? tensor.nbytes() : 0;
      }
    }
    if (!unused.empty()) {
      const auto count = static_cast<int64_t>(unused.size());
      add(Verdict::kWarn, "unused", unused[0],
          counted(count, noun) + (count == 1 ? " is" : " are") + " never used by the code (" + std::to_string(bytes) +
              " bytes of waste), the first is " + unused[0],
          "drop what the outputs do not need before tracing, or freeze the module");
    }
    return unused;
  }

  /// transformers keeps the bias of a decoder under two names, of which quantizing packs one; the small copy that is
  /// not read is no news.
  bool is_copy_of_used(const at::Tensor& tensor, const std::set<const void*>& used) const {
    return tensor.dim() == 1 && std::ranges::any_of(tensors_, [&](const auto& item) {
             const at::Tensor& other = item.second;
             const void* data = other.const_data_ptr();
             // What has a name of its own and is no parameter under it lies in a packed layer.
             const bool is_packed = !owned_.contains(data) || !names_.contains(item.first);
             const bool is_read = used.contains(data) || is_packed;
             return is_read && other.scalar_type() == tensor.scalar_type() && same_bits(other, tensor);
           });
  }

  /// "float16" where every float32 weight that is not one number holds in it.
  std::string past() const {
    bool any = false;
    bool float16 = true;
    bool bfloat16 = true;
    for (const auto& [name, scan] : scans_) {
      if (scan.varies && is_parameter(name) && tensors_.at(name).scalar_type() == at::kFloat) {
        any = any || scan.elements > 16;
        float16 = float16 && scan.fits_float16;
        bfloat16 = bfloat16 && scan.fits_bfloat16;
      }
    }
    return !any ? "" : bfloat16 ? "bfloat16" : float16 ? "float16" : "";
  }

  /// Matrices in float32 that lie on a grid of int8.
  std::vector<std::string> on_grids() const {
    std::vector<std::string> names;
    for (const auto& [name, scan] : scans_) {
      if (!context_.is_quantized && tensors_.at(name).dim() == 2 && scan.varies && is_parameter(name) &&
          find_grid_shape(tensors_.at(name)) != GridShape::kNone) {
        names.push_back(name);
      }
    }
    return names;
  }

  void report(CheckResult& result) {
    std::ranges::stable_sort(issues_, {}, [](const Issue& issue) { return issue.verdict != Verdict::kFail; });
    const std::string past_dtype = past();
    const auto grids = on_grids();
    if (!past_dtype.empty()) {
      notes_.push_back("all are numbers of " + past_dtype + ": stored so, or gone through it (--source tells)");
    }
    if (!grids.empty()) {
      notes_.push_back(counted(static_cast<int64_t>(grids.size()), "weight") +
                       " in float32 on a grid of int8, the first is " + grids[0]);
    }
    EvidenceRows rows;
    for (const Issue& issue : issues_) {
      rows.push_back({{"id", issue.id},
                      {"verdict", std::string(issue.verdict == Verdict::kFail ? "fail" : "warn")},
                      {"where", issue.where},
                      {"summary", issue.summary}});
    }
    if (issues_.empty()) {
      result.summary = counted(static_cast<int64_t>(scans_.size()), "tensor") + " finite, none of them lost or doubled";
    } else {
      result.verdict = issues_[0].verdict;
      result.where = issues_[0].where;
      result.summary = issues_[0].summary;
      result.advice = issues_[0].advice;
      if (issues_.size() > 1) {
        result.summary += "; and " + counted(static_cast<int64_t>(issues_.size()) - 1, "more finding");
      }
    }
    for (const auto& note : notes_) {
      result.summary += "; " + note;
    }
    result.evidence = {{"tensors", static_cast<int64_t>(scans_.size())},
                       {"findings", std::move(rows)},
                       {"denormals", denormals_},
                       {"exact_in", past_dtype},
                       {"weights_on_an_int8_grid", grids},
                       {"unused_parameters", unused_},
                       {"unused_buffers", unused_buffers_}};
  }

  const VerifyContext& context_;
  std::map<std::string, at::Tensor> tensors_;
  std::map<std::string, WeightScan> scans_;
  OrderedWeights named_;              ///< parameters, as the file calls them
  std::set<std::string> names_;       ///< their names in the checkpoint
  std::set<const void*> owned_;       ///< their memory
  std::set<const void*> parameters_;  ///< and that of what a frozen or an int8 file has for them
  std::vector<Issue> issues_;
  std::vector<std::string> notes_;
  OrderedWeights buffers_;  ///< but for those that networks make anew
  std::vector<std::string> unused_;
  std::vector<std::string> unused_buffers_;
  std::set<std::string> told_;
  int64_t denormals_ = 0;
};

}  // namespace

CheckResult check_weights(const VerifyContext& context) {
  return WeightsCheck(context).run();
}

}  // namespace bertjit
