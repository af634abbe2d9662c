// The network that a file most likely is, built anew from the weights in it: a reference where there is no checkpoint.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/named_outputs.h"
#include "recognise/recognise.h"
#include "record/recordable.h"

namespace bertjit {

/// Takes inputs as they are bound to the module. Recognising and building happen when they are first asked for.
class RebuiltNetwork : public Recordable {
 public:
  /// Shares the module's tensors. `signature` is the module's, whose names say what its arguments mean where the code
  /// does not.
  RebuiltNetwork(const LoadedModule& loaded, Signature signature);

  const Recognition& recognition();
  /// Why there is no network; empty if there is one.
  const std::string& why_not();
  /// "bert BertForMaskedLM"; empty if it was not recognised, or nobody asked.
  std::string name() const;

  const Signature& signature() const override {
    return signature_;
  }
  /// Those of the network's outputs that the module returns, in its order; empty names where that is not known.
  const std::vector<std::string>& output_names() const override;
  /// Of record(): all that the network has. It must have been built.
  const std::vector<std::string>& all_output_names() const;
  /// The network's outputs for output_names(), a tuple; None where the name is empty. Throws Error(kUnsupported) where
  /// why_not() is not empty or the inputs have no place in the network.
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;
  /// The network's outputs on `batch`, and beside them `actual`, the module's: those whose place in the network is
  /// known; nullopt if none is. Throws as run() does.
  std::optional<OutputDifference> compare(const BoundBatch& batch, const c10::IValue& actual,
                                          const Tolerance& tolerance);
  /// Longest text that the network takes; 0 if any, or if there is none.
  int64_t max_positions() {
    return why_not().empty() ? model().description().max_positions : 0;
  }
  /// All of the network, whatever the module returns of it. Throws as run() does.
  Recording record(const BoundBatch& batch, const RecordOptions& options) override;
  /// The network's inputs, in its own order: those of program(). Throws as run() does.
  BoundBatch inputs_for(const BoundBatch& batch);
  /// The network itself. Throws as run() does.
  Recordable& program();
  std::optional<torch::jit::Module> module() const override;

 private:
  const Model& model();

  LoadedModule loaded_;
  Signature signature_;
  std::optional<Recognition> recognition_;
  std::unique_ptr<Model> model_;
  std::optional<RecordableModel> program_;
  std::string why_not_;
};

}  // namespace bertjit
