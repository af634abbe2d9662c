// Opening the parts of bertjit that not every command needs, when a command first needs them.
#pragma once

#include "engine/engine.h"
#include "engine/text_engine.h"

namespace bertjit {

/// What needs libtorch, loaded once: libbertjit_engine.so from ../lib/ beside the program's folder ($BERTJIT_ENGINE
/// names another).
///
/// $TORCH_DIR names the folder of a libtorch to use in place of the one bertjit was built with.
/// Throws Error(kNotFound) that says what is missing and how to install it.
const Engine& engine();

/// What needs ICU, loaded once: libbertjit_text.so from ../lib/ beside the program's folder.
/// Throws Error(kNotFound) that says what is missing and how to install it.
const TextEngine& text_engine();

}  // namespace bertjit
