// The one style sheet of bertjit's pages.
#pragma once

namespace bertjit {

/// Follows the reader's light or dark colours, prints in light ones, fetches nothing. Text has a contrast of at least
/// 4.5 against what it stands on (WCAG 2.1, 1.4.3), and no meaning is given by colour alone.
const char* html_style();

}  // namespace bertjit
