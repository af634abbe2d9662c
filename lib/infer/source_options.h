// How a command names a checkpoint, in plain data.
#pragma once

#include <string>

#include "models/model_options.h"

namespace bertjit {

struct SourceOptions {
  /// Hugging Face directory, or config.json with init "random".
  std::string path;
  /// "" for the checkpoint's weights, "random" for random ones from the seed.
  std::string init;
  ModelOptions model;
};

}  // namespace bertjit
