// Flags of commands that hold a model to the answers of another on a task of GLUE.
#pragma once

#include <CLI/CLI.hpp>

#include "glue/task_options.h"

namespace bertjit {

/// --data, --task, --split, --limit, --max-seq-length, --batch-size, --padding, --labels, --max-flips, --max-f1-drop.
/// All others need --data: without, they would be ignored. `padding` is what the help says of the default.
void add_task_flags(CLI::App& command, TaskOptions& options, TaskLimits& limits, const std::string& padding);

}  // namespace bertjit
