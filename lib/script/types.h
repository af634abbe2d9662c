// Annotations of a Python file as types of TorchScript.
//
// libtorch's own type parser knows List, Optional, Tensor by these names only. Files also write typing.List, list[int],
// `Tensor | None`, torch.nn.Parameter, 'Tensor' in quotes, Final[int]; such annotations are brought to its names first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <torch/csrc/jit/frontend/tree_views.h>

#include "script/objects.h"

namespace bertjit {

/// What `a.b.c` stands for, by the imports of `scope`: "torch.nn.Parameter" for nn.Parameter, "typing.List" for List.
/// A name the scope does not know stands for itself. nullopt for other expressions, and for names of other objects.
std::optional<std::string> dotted_path(const torch::jit::Expr& expr, const PythonScope& scope);

/// The annotation in the names of libtorch's type parser; without Final.
torch::jit::Expr canonical_annotation(const torch::jit::Expr& annotation, const PythonScope& scope);

/// Whether the annotation is Final or Final[…].
bool is_final(const torch::jit::Expr& annotation, const PythonScope& scope);

/// The type an annotation names. Throws libtorch's ErrorReport for what is no type.
c10::TypePtr parse_annotation(const torch::jit::Expr& annotation, const PythonScope& scope);

}  // namespace bertjit
