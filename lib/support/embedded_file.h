// A file that became part of the program: bertjit_embed_files of cmake/Rooms.cmake.
#pragma once

#include <string_view>

namespace bertjit {

struct EmbeddedFile {
  std::string_view path;  ///< below the folder that was embedded: "torch/nn/modules/linear.py"
  std::string_view text;
};

}  // namespace bertjit
