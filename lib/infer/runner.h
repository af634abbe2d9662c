// One interface for everything that turns inputs into outputs: the C++ network, a TorchScript module.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "infer/grad_mode.h"
#include "infer/signature.h"
#include "models/model.h"
#include "module/load.h"
#include "support/error.h"

namespace bertjit {

/// A model that does not take the inputs it was run on: its answer, where others are of whoever asked.
class RunError : public Error {
 public:
  explicit RunError(const std::string& message) : Error(ErrorKind::kInvalidArgument, message) {}
};

class Runner {
 public:
  virtual ~Runner() = default;

  virtual const Signature& signature() const = 0;
  /// Names of the flattened outputs; empty where they are not known.
  virtual const std::vector<std::string>& output_names() const = 0;
  /// Runs once, on the values of `batch` themselves: a model that works in place changes them.
  /// Throws RunError with libtorch's own words and what to do where the model does not take these inputs.
  virtual c10::IValue run(const BoundBatch& batch, GradMode grad) = 0;
  /// The same on a copy: `batch` stays as it is.
  c10::IValue run_on_copy(const BoundBatch& batch, GradMode grad) {
    return run(batch.copy(), grad);
  }

  BoundBatch bind(const Batch& batch) const {
    return bind_batch(batch, signature());
  }
};

/// The untraced C++ network.
class EagerRunner : public Runner {
 public:
  /// Borrows `model`. `owner` stands in messages.
  EagerRunner(const Model& model, const std::string& owner);

  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return model_.description().outputs;
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;

 private:
  const Model& model_;
  Signature signature_;
};

/// A TorchScript module's forward.
class ModuleRunner : public Runner {
 public:
  /// Types and default values of the arguments are forward's own, and their names unless claims name as many. What is
  /// known of a tensor's values comes from `known` where it has an argument of that name (a network built from the same
  /// checkpoint), else from claims, usual names and the module's own embedding tables. Throws Error(kUnsupported) if
  /// the module has no forward.
  ModuleRunner(LoadedModule loaded, const std::string& owner, const ModelDescription* known = nullptr);

  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return output_names_;
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;

  torch::jit::Module& module() {
    return loaded_.module;
  }
  /// The same module, with executors that have not run and hold no optimized graphs. It shares the parameters; buffers
  /// and other state, which a run may change, are its own.
  ModuleRunner fresh_copy() const;
  const std::optional<Claims>& claims() const {
    return loaded_.claims;
  }

 private:
  LoadedModule loaded_;
  Signature signature_;
  std::vector<std::string> output_names_;
};

/// A network's inputs as a signature.
Signature model_signature(const ModelDescription& description, const std::string& owner);

}  // namespace bertjit
