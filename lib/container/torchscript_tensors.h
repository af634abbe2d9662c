// One tensor in a pickle of TorchScript: a call of torch._utils._rebuild_tensor_v2 or _rebuild_qtensor.
//
// torch/csrc/jit/serialization/pickler.cpp, pushLiteralTensor and pushStorageOfTensor.
#pragma once

#include <string>
#include <vector>

#include "container/pickle.h"
#include "container/torchscript.h"
#include "support/error.h"

namespace bertjit {

/// Whether a pickle of TorchScript may refer to that global.
bool is_script_global(const std::string& name);

/// Whether the call makes a tensor, of whatever kind.
bool is_tensor_call(const PickleCall& call);

/// Turns calls into tensors over the records of a file. Everything is held against the sizes of the records.
class ScriptTensorReader {
 public:
  /// `folder` is where the storages of this pickle lie, "data/" or "constants/".
  ScriptTensorReader(const ScriptArchive& file, std::string folder);

  /// Fills all but the name's role. Throws as read_torchscript.
  ScriptTensor read(const std::string& name, const PickleCall& call);

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what, ErrorKind kind) const;
  void read_storage(const PickleNode* node, ScriptTensor& tensor) const;
  void check_extent(const ScriptTensor& tensor) const;
  std::vector<int64_t> read_numbers(const std::string& name, const PickleNode* node) const;
  ScriptQuantization read_quantizer(const std::string& name, const PickleNode* node);
  /// The elements of a tensor of scales or zero points.
  std::vector<double> read_values(const std::string& name, const PickleNode* node);

  const ScriptArchive& file_;
  std::string folder_;
  uint64_t value_budget_;  ///< scales and zero points that may still be read: each takes up bytes of the file
};

}  // namespace bertjit
