// A network of the BERT family, ready to run or to be traced, and the registry of those there are.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "models/model_options.h"
#include "models/node.h"

namespace bertjit {

/// What takes the place of an input that was not given.
enum class InputDefault { kRequired, kOnes, kZeros };

/// Inputs of one sequence have one shape; a decoder's may be of another length.
enum class InputSequence { kMain, kDecoder };

/// One argument of forward.
struct ModelInput {
  std::string name;
  InputDefault missing;
  /// Values must lie in [0, limit); 0 if there is no limit.
  int64_t limit;
  /// 2: [batch, seq]; 3: [batch, choices, seq]; 0: not known.
  int64_t rank = 2;
  InputSequence sequence = InputSequence::kMain;
};

/// What a network is, in plain data.
struct ModelDescription {
  std::string architecture;          ///< model_type of config.json
  std::string head;                  ///< class name in transformers
  std::vector<ModelInput> inputs;    ///< in call order, each int64
  std::vector<std::string> outputs;  ///< in order, nested ones as "hidden_states.0"
  AttentionKind attention = AttentionKind::kSdpa;
  int64_t max_positions = 0;                      ///< longest sequence; 0: any
  std::optional<int64_t> decoder_start_token_id;  ///< of an encoder-decoder: what a translation starts with
  std::optional<Tie> tie;                         ///< set if the decoder is tied to the word embeddings
  std::vector<std::string> unused_weights;        ///< in the checkpoint, not in the network
};

struct HeadEntry;
struct ModelParts;

/// A network with its parameters.
class Model {
 public:
  virtual ~Model() = default;

  /// Runs the network on its inputs in call order, one tensor each -> a tuple of tensors, nested as transformers'
  /// tuples are. What is run while libtorch's tracer records is recorded, with the scopes of module()'s tree.
  virtual c10::IValue forward(const std::vector<at::Tensor>& inputs) const = 0;

  const ModelDescription& description() const {
    return description_;
  }
  /// The parameters under the checkpoint's names. It has no methods: trace/ adds `forward`.
  const torch::jit::Module& module() const {
    return root_.module();
  }

 protected:
  /// `root` is the tree's root; its class is the head's.
  Model(const ModelParts& parts, Node root);

  const Node& root() const {
    return root_;
  }

  ModelDescription description_;

 private:
  friend std::unique_ptr<Model> build_model(const Checkpoint&, const ModelOptions&, const HeadEntry&);
  friend std::unique_ptr<Model> rebuild_model(const Model&);
  static std::unique_ptr<Model> build(const Config& config, const ModelOptions& options, const HeadEntry& entry,
                                      Weights& weights);

  Node root_;
  Config config_;
  ModelOptions options_;
  std::shared_ptr<const HeadEntry> entry_;  ///< what it was built by
};

/// What a model's constructor is given.
struct ModelParts {
  const Config& config;
  const ModelOptions& options;
  TreeContext tree;
};

/// One head of one architecture.
struct HeadEntry {
  std::string model_type;
  std::string head;
  std::string base_prefix;  ///< the base model's name inside heads, with the dot: "bert."
  std::function<std::unique_ptr<Model>(const ModelParts& parts)> make;
};

/// Every head there is.
const std::vector<HeadEntry>& registered_heads();

/// Builds the network that `checkpoint` describes, with its weights or, by options.random_seed, random ones.
///
/// Each call uses a compilation unit of its own, so class names, and with them saved bytes, do not depend on what the
/// process did before.
/// Throws Error(kUnsupported) naming an unknown model_type or head with the known ones; Error(kCorrupt) listing every
/// missing or wrongly shaped tensor; Error(kInvalidArgument) if there are no weights and no seed.
std::unique_ptr<Model> build_model(const Checkpoint& checkpoint, const ModelOptions& options);

/// The same for a head that need not be registered; what the config says of model_type and class is not asked.
std::unique_ptr<Model> build_model(const Checkpoint& checkpoint, const ModelOptions& options, const HeadEntry& entry);

/// A second network over the same parameters, in a tree and a compilation unit of its own: what a second trace needs.
std::unique_ptr<Model> rebuild_model(const Model& model);

}  // namespace bertjit
