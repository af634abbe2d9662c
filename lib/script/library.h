// What `import` gives: torch and its layers, torchvision's models, a few of Python's own modules.
//
// torch.nn, torch.nn.functional, torch.nn.init and torchvision.models are written in the subset of Python itself
// (lib/script/library/**/*.py) and are part of the program; each definition is evaluated when it is first asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "script/objects.h"
#include "support/embedded_file.h"

namespace bertjit {

/// The files of lib/script/library, sorted by path; made at build time.
std::span<const EmbeddedFile> library_files();

/// `space.name`: a namespace, class, function, builtin or constant; nullopt if there is none.
///
/// What is not written in the library but is an operator of libtorch (torch.relu, torch.nn.functional.softplus) is a
/// builtin.
std::optional<Object> namespace_member(const NamespaceObject& space, const std::string& name);

/// Why there is no `space.name`, with the names that there are.
std::string missing_member(const NamespaceObject& space, const std::string& name);

/// Whether `path` is a namespace of the library: "torch.nn.functional".
bool is_namespace(const std::string& path);

}  // namespace bertjit
