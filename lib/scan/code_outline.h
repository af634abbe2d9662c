// The classes and functions in one record of TorchScript code: where each begins and ends, and the names they declare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scan/code_tokens.h"

namespace bertjit {

struct CodeFunction {
  std::string_view name;        ///< "forward"
  std::string_view class_name;  ///< empty for a function of its own
  size_t begin = 0;             ///< of its tokens: "def"
  size_t body = 0;              ///< behind the ":" that ends its head
  size_t end = 0;               ///< behind the last
};

struct CodeRecord {
  std::string name;  ///< "code/__torch__.py"
  std::string text;
  std::vector<CodeToken> tokens;
  std::vector<CodeFunction> functions;
  /// First tokens of the lines of classes that lie in no function.
  std::vector<size_t> class_lines;
  std::vector<uint32_t> line_starts;  ///< bytes of the text
  /// Classes, and functions outside of them.
  std::set<std::string_view> definitions;
  /// "Linear.weight": attributes that classes declare.
  std::set<std::string> attributes;
  std::set<std::string> methods;  ///< "Linear.forward"

  std::string_view token(size_t i) const {
    return i < tokens.size() ? token_text(text, tokens[i]) : std::string_view();
  }
  bool is_name(size_t i) const {
    return i < tokens.size() && tokens[i].kind == CodeToken::Kind::kName;
  }
};

/// Counted from 1.
size_t line_of(const CodeRecord& record, size_t token);

/// Fills all but name and text, which views in `record` lead into: it must stay where it is.
void outline_code(CodeRecord& record);

}  // namespace bertjit
