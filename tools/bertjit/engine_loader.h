// Opening the part of bertjit that needs libtorch, when a command first needs it.
#pragma once

#include "engine/engine.h"

namespace bertjit {

/// The engine, loaded once: libbertjit_engine.so from ../lib/ beside the program's folder ($BERTJIT_ENGINE names
/// another).
///
/// $TORCH_DIR names the folder of a libtorch to use in place of the one bertjit was built with.
/// Throws Error(kNotFound) that says what is missing and how to install it.
const Engine& engine();

}  // namespace bertjit
