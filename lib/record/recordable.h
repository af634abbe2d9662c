// What can be run untraced and recorded, whatever it comes from: the subject of `trace` and the reference of `verify`.
#pragma once

#include <optional>
#include <string>

#include "infer/runner.h"
#include "record/program.h"
#include "record/record.h"

namespace bertjit {

/// A runner that can also be recorded, any number of times.
class Recordable : public Runner {
 public:
  /// Records one run on `batch`, whose tensors may be changed by a program that works in place: hand in a copy.
  /// Throws as record_model and record_program do.
  virtual Recording record(const BoundBatch& batch, const RecordOptions& options) = 0;
  /// Fixes what is an input: arguments that `example` leaves to their defaults are part of the program from now on, as
  /// in Python's trace, and leave the signature. Returns the example without them.
  virtual BoundBatch settle(const BoundBatch& example) {
    return example;
  }
  /// The tree whose parameters and buffers the runs read, and may change. nullopt for a function, and where it is not
  /// known before settle().
  virtual std::optional<torch::jit::Module> module() const {
    return std::nullopt;
  }
};

/// The arguments of `example` that are not left to their defaults, with their values; `signature` keeps only these.
BoundBatch drop_defaults(const BoundBatch& example, Signature& signature);

/// A network of the BERT family. Borrows `model`.
class RecordableModel : public Recordable {
 public:
  RecordableModel(const Model& model, const std::string& owner) : model_(model), eager_(model, owner) {}

  const Signature& signature() const override {
    return eager_.signature();
  }
  const std::vector<std::string>& output_names() const override {
    return eager_.output_names();
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override {
    return eager_.run(batch, grad);
  }
  /// Each recording is of a copy that shares the parameters.
  Recording record(const BoundBatch& batch, const RecordOptions& options) override;
  std::optional<torch::jit::Module> module() const override {
    return model_.module();
  }

 private:
  const Model& model_;
  EagerRunner eager_;
};

/// A TorchScript archive's module: run operator by operator, recorded through its control flow.
class RecordableModule : public Recordable {
 public:
  /// Names, limits and defaults of arguments as ModuleRunner has them.
  RecordableModule(LoadedModule loaded, const std::string& owner);

  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return output_names_;
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;
  Recording record(const BoundBatch& batch, const RecordOptions& options) override;
  BoundBatch settle(const BoundBatch& example) override;
  std::optional<torch::jit::Module> module() const override {
    return program_.self;
  }

 private:
  Program program_;
  std::vector<Argument> arguments_;  ///< all that forward has
  Signature signature_;              ///< those that are inputs
  std::vector<std::string> output_names_;
};

}  // namespace bertjit
