// Text out of a file, made fit for a terminal.
#pragma once

#include <string>

namespace bertjit {

/// Spells out what a terminal would act on: ASCII controls, and the C1 controls U+0080 to U+009F.
std::string visible(const std::string& text);

}  // namespace bertjit
