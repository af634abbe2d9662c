// The lite interpreter of PyTorch Mobile, as the libtorch at hand has it.
#pragma once

#include <optional>

#include "conform/conform.h"
#include "conform/misfits.h"

namespace bertjit {

/// Turns the module into bytecode, as Module::_save_for_mobile does, and runs it on the example; weights are shared.
///
/// A fault where it cannot be turned into bytecode, does not run, or gives other outputs than the module; nullopt if
/// there is none. Throws RunError where the module itself does not take the example.
std::optional<Misfit> run_lite(const ConformSubject& subject);

}  // namespace bertjit
