// The list of architectures: each contributes its heads by one line.
#include <algorithm>
#include <set>

#include "models/albert.h"
#include "models/bert.h"
#include "models/deberta_v2.h"
#include "models/distilbert.h"
#include "models/electra.h"
#include "models/marian.h"
#include "models/model.h"
#include "models/mpnet.h"
#include "models/roberta.h"
#include "support/error.h"

namespace bertjit {

namespace {

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

const HeadEntry& find_head(const Config& config, const std::string& wanted) {
  const std::string model_type = config.model_type();
  std::set<std::string> types;
  std::set<std::string> heads;
  for (const auto& entry : registered_heads()) {
    types.insert(entry.model_type);
    if (entry.model_type == model_type) {
      heads.insert(entry.head);
    }
  }
  if (model_type.empty()) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": has no model_type (supported: " + joined(types) + ")");
  }
  if (heads.empty()) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": model_type '" + model_type +
                                             "' is not supported (supported: " + joined(types) + ")");
  }
  const auto architectures = config.architectures();
  // A bare config.json, such as the guide's, names no class: the base model, an architecture's first entry, is meant.
  const std::string head = !wanted.empty() ? wanted : architectures.empty() ? "" : architectures.front();
  for (const auto& entry : registered_heads()) {
    if (entry.model_type == model_type && (head.empty() || entry.head == head)) {
      return entry;
    }
  }
  throw Error(ErrorKind::kUnsupported, config.name() + ": head '" + head + "' of model_type '" + model_type +
                                           "' is not supported (supported: " + joined(heads) + ")" +
                                           (wanted.empty() ? "; --head builds one of these in its place" : ""));
}

}  // namespace

const char* attention_name(AttentionKind kind) {
  return kind == AttentionKind::kSdpa ? "sdpa" : "eager";
}

const char* tie_name(Tie tie) {
  return tie == Tie::kClone ? "clone" : "share";
}

const std::vector<HeadEntry>& registered_heads() {
  static const std::vector<HeadEntry> heads = [] {
    std::vector<HeadEntry> all;
    for (auto&& architecture : {albert_heads(), bert_heads(), deberta_v2_heads(), distilbert_heads(), electra_heads(),
                                marian_heads(), mpnet_heads(), roberta_heads()}) {
      all.insert(all.end(), architecture.begin(), architecture.end());
    }
    return all;
  }();
  return heads;
}

Model::Model(const ModelParts& parts, Node root)
    : root_(std::move(root)), config_(parts.config), options_(parts.options) {}

std::unique_ptr<Model> Model::build(const Config& config, const ModelOptions& options, const HeadEntry& entry,
                                    Weights& weights) {
  std::unique_ptr<Model> model =
      entry.make({config, options, {std::make_shared<torch::jit::CompilationUnit>(), &weights}});
  weights.finish();
  model->entry_ = std::make_shared<HeadEntry>(entry);
  model->description_.architecture = entry.model_type;
  model->description_.head = entry.head;
  model->description_.unused_weights = weights.unused();
  return model;
}

std::unique_ptr<Model> build_model(const Checkpoint& checkpoint, const ModelOptions& options) {
  return build_model(checkpoint, options, find_head(checkpoint.config, options.head));
}

std::unique_ptr<Model> build_model(const Checkpoint& checkpoint, const ModelOptions& options, const HeadEntry& entry) {
  const Config& config = checkpoint.config;
  if (options.random_seed) {
    RandomWeights weights(*options.random_seed, config.number("initializer_range", 0.02), scalar_type(options.dtype));
    return Model::build(config, options, entry, weights);
  }
  if (!checkpoint.weights) {
    throw Error(ErrorKind::kInvalidArgument, config.name() + ": has no weights beside it; use --init random --seed N");
  }
  CheckpointWeights weights(*checkpoint.weights, entry.base_prefix, scalar_type(options.dtype));
  return Model::build(config, options, entry, weights);
}

std::unique_ptr<Model> rebuild_model(const Model& model) {
  ExistingWeights weights(model.module());
  auto rebuilt = Model::build(model.config_, model.options_, *model.entry_, weights);
  rebuilt->description_ = model.description_;
  return rebuilt;
}

}  // namespace bertjit
