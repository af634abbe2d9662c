// Opening the parts of bertjit that not every command needs, when a command first needs them.
#pragma once

#include "engine/engine.h"
#include "engine/text_engine.h"

namespace bertjit {

/// What needs libtorch, loaded once: libbertjit_engine.so from ../lib/bertjit/ beside the program's folder
/// ($BERTJIT_ENGINE names another).
///
/// libtorch itself comes from the folder that $BERTJIT_LIBTORCH (or $TORCH_DIR, as when building) names; else from a
/// folder `libtorch` beside the program; else from where the linker finds it, which in a build is the one it was built
/// with; else from Python's package `torch` (libtorch.h). One of another version is refused before it is loaded.
/// Throws Error(kNotFound) that says what is missing, what was found instead, and how to install it.
const Engine& engine();

/// What needs ICU, loaded once: libbertjit_text.so from ../lib/bertjit/ beside the program's folder.
/// Throws Error(kNotFound) that says what is missing and how to install it.
const TextEngine& text_engine();

}  // namespace bertjit
