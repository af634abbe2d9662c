// A name of a Python file as something that runs and can be recorded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record/recordable.h"
#include "script/script.h"

namespace bertjit {

/// A function, module or method of a Python file that is not compiled: run operator by operator, compiled anew for
/// inputs of other types, as Python, which has no types, would run it.
class RecordableScript : public Recordable {
 public:
  /// `callable`: FunctionObject, InstanceObject or BoundMethodObject. `owner` stands in messages.
  RecordableScript(Object callable, const std::string& owner);

  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return output_names_;
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;
  Recording record(const BoundBatch& batch, const RecordOptions& options) override;
  /// Compiles it, too.
  BoundBatch settle(const BoundBatch& example) override;
  std::optional<torch::jit::Module> module() const override;

 private:
  const Program& program_for(const BoundBatch& batch);

  Object callable_;
  Signature signature_;                      ///< what is an input
  std::vector<Argument> arguments_;          ///< all the text has
  std::vector<std::string> output_names_;    ///< never known
  std::map<std::string, Program> programs_;  ///< by the inputs' types
};

}  // namespace bertjit
