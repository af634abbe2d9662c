// Values in a pickle of TorchScript to the flat lists of ScriptArchive (torchscript.h).
#pragma once

#include "container/pickle.h"
#include "container/torchscript.h"
#include "container/torchscript_classes.h"

namespace bertjit {

/// Appends data.pkl's module to file.nodes and file.tensors. Throws as read_torchscript.
void read_module_values(const Pickle& pickle, const ScriptClasses& classes, ScriptArchive& file);

/// Appends constants.pkl's tuple to file.constants and file.tensors. Throws as read_torchscript.
void read_constant_values(const Pickle& pickle, const ScriptClasses& classes, ScriptArchive& file);

}  // namespace bertjit
