// A model that is open and ready to be evaluated: what runs it, what tokenizes for it, what its outputs stand for.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "evaluate/evaluate.h"
#include "glue/glue_task.h"
#include "glue/label_order.h"
#include "infer/runner.h"
#include "source/source.h"

namespace bertjit {

/// Tokenizers by folder: models that share one share its encodings too.
class TokenizerShelf {
 public:
  /// Loads it unless it is there. Throws what load_tokenizer throws.
  const Tokenizer& get(const std::filesystem::path& folder);
  /// Puts one there that is loaded already.
  void put(const std::filesystem::path& folder, std::unique_ptr<Tokenizer> tokenizer);

 private:
  std::map<std::filesystem::path, std::unique_ptr<Tokenizer>> tokenizers_;
};

struct Entrant {
  Source source;
  std::unique_ptr<ModuleRunner> module;  ///< what TorchScript's executor runs; nullptr for what runs untraced
  const Tokenizer* tokenizer = nullptr;
  LabelOrder order;
  EvalModel description;

  Runner& runner() {
    return module ? static_cast<Runner&>(*module) : *source.program;
  }
};

/// Opens one of options.models. A module whose arguments have names of their own gets them by what its code does with
/// them. The shelf must outlive the entrant.
Entrant open_entrant(const SourceOptions& model, const EvalOptions& options, const GlueTask& task,
                     TokenizerShelf& shelf);

}  // namespace bertjit
