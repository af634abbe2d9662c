// The source that a module is judged by, whatever it is, as the checks run it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/source.h"

namespace bertjit {

/// Takes inputs as they are bound to the module, and hands them to the source: by name where it knows the module's
/// names, else in order.
class Reference : public Recordable {
 public:
  /// Borrows `source`, whose inputs are settled by `example`; both that and `signature` are the module's.
  ///
  /// A checkpoint's inputs are bound by name alone. Of its outputs those that `claimed` names are given, in that order,
  /// where it has them all: a file may return a part of what the network does. Throws Error(kInvalidArgument) as
  /// bind_batch does, and what compiling a name of a Python file throws.
  Reference(const Source& source, const Signature& signature, const BoundBatch& example,
            const std::vector<std::string>& claimed);

  const std::string& name() const {
    return source_.name;
  }
  /// Whether it is a name of a Python file, or an archive: something that a module may be a recording of.
  bool is_program() const {
    return source_.kind != SourceKind::kCheckpoint;
  }
  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return chosen_.empty() ? source_.program->output_names() : names_;
  }
  /// Of record(): also those that run() leaves out.
  const std::vector<std::string>& all_output_names() const {
    return source_.program->output_names();
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;
  /// Of all outputs.
  Recording record(const BoundBatch& batch, const RecordOptions& options) override;
  /// The source's inputs, in its own order: those of program().
  BoundBatch to_source(const BoundBatch& batch) const;
  /// The source itself.
  Recordable& program() const {
    return *source_.program;
  }
  std::optional<torch::jit::Module> module() const override {
    return source_.program->module();
  }

 private:
  const Source& source_;
  Signature signature_;
  bool by_name_;
  std::vector<std::string> names_;  ///< of the outputs that are given
  std::vector<size_t> chosen_;      ///< where these are among the source's; empty: all are given
};

}  // namespace bertjit
