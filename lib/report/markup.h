// Text out of a file, made fit for HTML and XML.
#pragma once

#include <string>

namespace bertjit {

/// Any bytes as the content of an element. Bytes that are not UTF-8 become U+FFFD. What XML 1.0 cannot hold, what a
/// terminal would act on when the report is printed there, and what would reorder the text around it (marks of
/// bidirectional text) is spelled out: \x1b, \u202e. Line ends and tabs stay.
std::string markup_text(const std::string& text);

/// The same as the value of an attribute in double quotes, where a reader would turn line ends and tabs into blanks.
std::string markup_attribute(const std::string& text);

}  // namespace bertjit
