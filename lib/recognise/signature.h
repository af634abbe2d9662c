// What forward takes and returns: which argument is which input, which result which output.
#pragma once

#include "recognise/subject.h"

namespace bertjit {

/// Sets inputs, by claims and names, else by what the code does with them; contradictions are noted.
void read_inputs(Subject& subject);

/// Sets outputs, and output_hidden_states and output_attentions of the config.
void read_outputs(Subject& subject);

}  // namespace bertjit
