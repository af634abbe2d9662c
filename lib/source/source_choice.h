// What a command made of a checkpoint, in plain data: which network, with which weights, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// Who chose the head.
enum class HeadOrigin {
  kArchitectures,  ///< the first of config.json's `architectures`
  kOption,         ///< --head
  kClaims,         ///< the claims of the module that is judged
  kAssumed,        ///< nobody: config.json has no `architectures`, so the base model is taken
};

struct SourceChoice {
  std::string path;          ///< as given
  std::string architecture;  ///< model_type of config.json, "bert"
  std::string head;          ///< class name in transformers, "BertForMaskedLM"
  HeadOrigin head_origin = HeadOrigin::kArchitectures;
  std::string listed_head;            ///< the first of `architectures`; empty if there is none
  std::optional<int64_t> num_labels;  ///< of a classification head
  std::vector<std::string> inputs;    ///< arguments of forward in call order
  std::string weights;                ///< name of the file or index; "random" for --init random
  std::string dtype;                  ///< of parameters and arithmetic, "float32"
  std::string stored_dtype;           ///< of the weights in the file; empty for random ones
  /// What was converted, passed over or assumed, one line each.
  std::vector<std::string> notes;
};

}  // namespace bertjit
