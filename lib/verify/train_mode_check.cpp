// `train-mode`: was it traced, or left, in training mode?
//
// Proves that no operator of the graph drops values at random or updates batch statistics, and that no module's
// `training` flag is set. Does not prove that the weights are those of a finished training.
#include <algorithm>
#include <array>
#include <string_view>

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include "verify/check.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

// Operators that are random by nature.
constexpr std::array<std::string_view, 12> kRandom = {"aten::rand",      "aten::randn",      "aten::randint",
                                                      "aten::rand_like", "aten::randn_like", "aten::randint_like",
                                                      "aten::bernoulli", "aten::bernoulli_", "aten::multinomial",
                                                      "aten::normal",    "aten::randperm",   "aten::uniform_"};

struct TrainingRemnant {
  std::string where;  ///< module path
  std::string what;   ///< operator and its setting
  bool changes_outputs;
};

/// A constant input of a node by its schema name; empty if it is no constant.
std::optional<c10::IValue> constant_input(const jit::Node& node, std::string_view name) {
  const auto* schema = node.maybeSchema();
  if (schema == nullptr) {
    return std::nullopt;
  }
  for (size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    if (schema->arguments()[i].name() == name) {
      return jit::toIValue(node.inputs()[i]);
    }
  }
  return std::nullopt;
}

/// What is random about a node; empty if nothing is. A flag that is computed counts as set: it cannot be vouched for.
std::string randomness(const jit::Node& node) {
  const std::string_view name = node.kind().toQualString();
  if (name == "aten::dropout" || name == "aten::dropout_" || name == "aten::feature_dropout" ||
      name == "aten::alpha_dropout" || name == "aten::native_dropout") {
    const auto train = constant_input(node, "train");
    const auto p = constant_input(node, "p");
    const bool active = !train || train->isNone() || train->toBool();
    return active && !(p && p->isDouble() && p->toDouble() == 0)
               ? std::string(name) + " with train=True" +
                     (p && p->isDouble() ? ", p=" + short_number(p->toDouble()) : "")
               : "";
  }
  if (name == "aten::scaled_dot_product_attention") {
    const auto p = constant_input(node, "dropout_p");
    return p && p->isDouble() && p->toDouble() == 0
               ? ""
               : std::string(name) +
                     " with dropout_p=" + (p && p->isDouble() ? short_number(p->toDouble()) : "computed");
  }
  if (name == "aten::batch_norm" || name == "aten::instance_norm") {
    const auto training = constant_input(node, name == "aten::batch_norm" ? "training" : "use_input_stats");
    return training && training->isBool() && training->toBool() ? std::string(name) + " with training=True" : "";
  }
  for (const auto random : kRandom) {
    if (name == random) {
      return std::string(name) + " is random";
    }
  }
  return "";
}

void search(const jit::Block& block, const std::string& where, std::vector<TrainingRemnant>& found,
            int64_t& operators) {
  for (const jit::Node* node : block.nodes()) {
    ++operators;
    if (const std::string what = randomness(*node); !what.empty()) {
      found.push_back({where, what, true});
    }
    for (const jit::Block* inner : node->blocks()) {
      search(*inner, where, found, operators);
    }
  }
}

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
      search(*method.graph()->block(), named.name, found, operators);
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
