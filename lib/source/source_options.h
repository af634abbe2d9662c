// How a command names a checkpoint, in plain data.
#pragma once

#include <string>

#include "models/model_options.h"
#include "scan/load_guard.h"

namespace bertjit {

struct SourceOptions {
  /// Hugging Face directory, or config.json with init "random".
  std::string path;
  /// "" for the checkpoint's weights, "random" for random ones from the seed.
  std::string init;
  /// "float16", "bfloat16", "float32", "float64", or "auto": that of the stored weights. Empty: model.dtype, float32;
  /// where a file is compared with the checkpoint, what the file claims.
  std::string dtype;
  ModelOptions model;
  /// What archives must pass that a Python file loads. Of `path` itself the caller asks, before it loads libtorch.
  LoadGuard guard = {};
};

}  // namespace bertjit
