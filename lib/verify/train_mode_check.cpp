// `train-mode`: was it traced, or left, in training mode?
//
// Proves that no operator of the graph drops values at random or updates batch statistics, and that no module's
// `training` flag is set. Does not prove that the weights are those of a finished training.
#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "verify/check.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

// Operators that are random by nature; those that end in "_" work in place.
constexpr std::array<std::string_view, 20> kRandom = {
    "aten::rand",       "aten::randn",        "aten::randint",     "aten::rand_like",  "aten::randn_like",
    "aten::randperm",   "aten::randint_like", "aten::bernoulli",   "aten::bernoulli_", "aten::multinomial",
    "aten::normal",     "aten::normal_",      "aten::uniform_",    "aten::random_",    "aten::exponential_",
    "aten::geometric_", "aten::cauchy_",      "aten::log_normal_", "aten::poisson",    "aten::binomial"};

// Those that drop values where they are told to train.
constexpr std::array<std::string_view, 8> kDropout = {
    "aten::dropout",       "aten::dropout_",       "aten::feature_dropout",       "aten::feature_dropout_",
    "aten::alpha_dropout", "aten::native_dropout", "aten::feature_alpha_dropout", "aten::alpha_dropout_"};

/// An operator that takes statistics of the batch, and what it calls the flag that makes it.
struct BatchStatistics {
  std::string_view name;
  std::string_view flag;
};
constexpr std::array<BatchStatistics, 4> kStatistics = {{{"aten::batch_norm", "training"},
                                                         {"aten::native_batch_norm", "training"},
                                                         {"aten::_batch_norm_impl_index", "training"},
                                                         {"aten::instance_norm", "use_input_stats"}}};

struct TrainingRemnant {
  std::string where;  ///< module path
  std::string what;   ///< operator and its setting
  bool changes_outputs;
};

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Finds what is random in one method, in its branches and in the functions it calls: torch.nn.functional.dropout of a
/// scripted module is such a function, and `self.training` an attribute that the file holds.
class RandomnessSearch {
 public:
  RandomnessSearch(std::string where, std::vector<TrainingRemnant>& found, int64_t& operators)
      : where_(std::move(where)), found_(found), operators_(operators) {}

  void search(const jit::Module& module, const jit::Method& method) {
    const auto graph = method.graph();
    known_[graph->inputs().at(0)] = module._ivalue();
    search(*graph->block());
  }

 private:
  void search(const jit::Block& block) {
    for (const jit::Node* node : block.nodes()) {
      ++operators_;
      if (const std::string what = randomness(*node); !what.empty()) {
        found_.push_back({where_, what, true});
      }
      for (const jit::Block* inner : node->blocks()) {
        search(*inner);
      }
      if (node->kind() == c10::prim::CallFunction) {
        enter(*node);
      }
    }
  }

  /// A function's own graph, with what is known of its arguments. TorchScript's functions do not call themselves.
  void enter(const jit::Node& call) {
    const auto type = call.input(0)->type()->cast<c10::FunctionType>();
    auto* function = type == nullptr ? nullptr : jit::tryToGraphFunction(*type->function());
    if (function == nullptr) {
      return;
    }
    const auto graph = function->graph();
    for (size_t i = 0; i < graph->inputs().size() && i + 1 < call.inputs().size(); ++i) {
      if (const auto value = value_of(call.input(i + 1))) {
        known_[graph->inputs()[i]] = *value;
      } else {
        known_.erase(graph->inputs()[i]);
      }
    }
    search(*graph->block());
  }

  /// A constant, an attribute, or an argument that is one of these.
  std::optional<c10::IValue> value_of(const jit::Value* value) const {
    if (const auto known = known_.find(value); known != known_.end()) {
      return known->second;
    }
    if (value->node()->kind() == c10::prim::GetAttr) {
      const auto object = value_of(value->node()->input(0));
      return object && object->isObject()
                 ? std::make_optional(object->toObject()->getAttr(value->node()->s(c10::attr::name)))
                 : std::nullopt;
    }
    return jit::toIValue(value);
  }

  /// What is known of an input of a node, by its schema name.
  std::optional<c10::IValue> input(const jit::Node& node, std::string_view name) const {
    const auto* schema = node.maybeSchema();
    if (schema == nullptr) {
      return std::nullopt;
    }
    for (size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
      if (schema->arguments()[i].name() == name) {
        return value_of(node.inputs()[i]);
      }
    }
    return std::nullopt;
  }

  /// What is random about a node; empty if nothing is. A flag that is computed counts as set: it cannot be vouched for.
  std::string randomness(const jit::Node& node) const {
    const std::string_view name = node.kind().toQualString();
    if (is_one_of(name, kDropout)) {
      return dropping(node, "train", "p");
    }
    if (name == "aten::lstm" || name == "aten::gru" || name == "aten::rnn_tanh" || name == "aten::rnn_relu") {
      return dropping(node, "train", "dropout");
    }
    if (name == "aten::rrelu" || name == "aten::rrelu_") {
      const auto training = input(node, "training");
      return training && training->isBool() && !training->toBool() ? "" : std::string(name) + " with training=True";
    }
    if (name == "aten::scaled_dot_product_attention") {
      const auto p = input(node, "dropout_p");
      return p && p->isDouble() && p->toDouble() == 0
                 ? ""
                 : std::string(name) +
                       " with dropout_p=" + (p && p->isDouble() ? short_number(p->toDouble()) : "computed");
    }
    for (const BatchStatistics& statistics : kStatistics) {
      const auto flag = name == statistics.name ? input(node, statistics.flag) : std::nullopt;
      // An instance norm that keeps no statistics takes each row's own, in training or not.
      const auto kept = flag ? input(node, "running_mean") : std::nullopt;
      const bool is_by_design = name == "aten::instance_norm" && kept && kept->isNone();
      if (flag && flag->isBool() && flag->toBool() && !is_by_design) {
        return std::string(name) + " with " + std::string(statistics.flag) + "=True";
      }
    }
    return is_one_of(name, kRandom) ? std::string(name) + " is random" : "";
  }

  /// An operator that drops with probability `chance` if `flag` is set.
  std::string dropping(const jit::Node& node, std::string_view flag, std::string_view chance) const {
    const auto train = input(node, flag);
    const auto p = input(node, chance);
    const bool active = !train || train->isNone() || train->toBool();
    return active && !(p && p->isDouble() && p->toDouble() == 0)
               ? std::string(node.kind().toQualString()) + " with " + std::string(flag) + "=True" +
                     (p && p->isDouble() ? ", p=" + short_number(p->toDouble()) : "")
               : "";
  }

  std::string where_;
  std::vector<TrainingRemnant>& found_;
  int64_t& operators_;
  std::unordered_map<const jit::Value*, c10::IValue> known_;
};

/// The module that torch.jit.save puts around a function: nothing that eval() could be called on.
bool is_saved_function(const jit::Module& module) {
  return module.type()->name()->name() == "PlaceholderModule";
}

}  // namespace

CheckResult check_train_mode(const VerifyContext& context) {
  CheckResult result{"train-mode", Verdict::kPass, "", "", {}};
  std::vector<TrainingRemnant> found;
  int64_t operators = 0;
  int64_t modules = 0;
  for (const auto& named : context.module.module().named_modules()) {
    ++modules;
    if (!is_saved_function(named.value) && named.value.hasattr("training") && named.value.attr("training").isBool() &&
        named.value.attr("training").toBool()) {
      found.push_back({named.name, "the training flag is set", false});
    }
    for (const auto& method : named.value.get_methods()) {
      RandomnessSearch(named.name, found, operators).search(named.value, method);
    }
  }
  EvidenceRows rows;
  for (const auto& finding : found) {
    rows.push_back({{"where", finding.where}, {"what", finding.what}});
  }
  result.evidence = {{"modules", modules}, {"operators", operators}, {"findings", std::move(rows)}};
  if (found.empty()) {
    result.summary = "no active dropout, batch statistics, random operator or training flag in " +
                     std::to_string(modules) + " modules, " + std::to_string(operators) + " operators";
    return result;
  }
  // A flag alone leaves a traced graph's outputs right: the graph does not look at it.
  const auto worst =
      std::find_if(found.begin(), found.end(), [](const TrainingRemnant& f) { return f.changes_outputs; });
  const TrainingRemnant& first = worst == found.end() ? found.front() : *worst;
  result.verdict = first.changes_outputs ? Verdict::kFail : Verdict::kWarn;
  result.where = first.where;
  result.summary = first.what + " in " + (first.where.empty() ? "the model" : first.where) +
                   (found.size() > 1 ? ", and " + std::to_string(found.size() - 1) + " more" : "") +
                   "; export the model after eval()";
  return result;
}

}  // namespace bertjit
