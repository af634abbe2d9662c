// Where in a source file a node of TorchScript's IR comes from.
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/frontend/source_range.h>

#include "record/finding.h"
#include "support/error.h"

namespace torch::jit {
struct Node;
}

namespace bertjit {

/// A line that is being run, and the function it stands in.
struct SourcePlace {
  torch::jit::SourceRange range;
  std::string function;
};

/// Whether a node is from the Python text that libtorch's compiler puts in for `x.shape`, `2 - x` and the like.
bool is_builtin_text(const torch::jit::Node& node);

/// The place a node was written at. Of a loaded archive: the line of the file that the archive was made from, where the
/// archive says so. Of builtin text, and of what
/// has no place of its own, such as the making of a list: where its result is used.
torch::jit::SourceRange source_range(const torch::jit::Node& node);

/// The archive's record that holds the code of a node: "code/__torch__/torch/nn/modules/activation.py". Empty for one
/// of a function.
std::string code_record(const torch::jit::Node& node);

/// A range in plain data; all empty for one without a source.
SourceLocation location_of(const torch::jit::SourceRange& range, const std::string& function = "");

/// Whether a file is of torch or torchvision: bertjit's own library (torch/nn/functional.py), or the installed one that
/// an archive was made with. Nobody has written it who reads the message.
bool is_library_file(const std::string& file);

/// Which of the places, innermost first, to tell a reader: the innermost outside the library; 0 if there is none.
size_t readers_place(const std::vector<SourceLocation>& innermost_first);

/// An error in the style of a compiler: "loop.py:4:13: what", the line, a caret; then where in the library it was
/// raised; then the lines that called, innermost first. Places without a source are left out.
Error located_error(ErrorKind kind, const std::string& what, const std::vector<SourcePlace>& innermost_first);

}  // namespace bertjit
