// The classes and functions in one record of TorchScript code: where each begins and ends, and the names they declare.
#pragma once

#include <cstddef>
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
  size_t end = 0;               ///< behind the last
};

struct CodeRecord {
  std::string name;  ///< "code/__torch__.py"
  std::string text;
  std::vector<CodeToken> tokens;
  std::vector<CodeFunction> functions;
  /// Classes, and functions outside of them.
  std::set<std::string_view> definitions;
  /// "Linear.weight": attributes that classes declare.
  std::set<std::string> attributes;

  std::string_view token(size_t i) const {
    return i < tokens.size() ? token_text(text, tokens[i]) : std::string_view();
  }
  bool is_name(size_t i) const {
    return i < tokens.size() && tokens[i].kind == CodeToken::Kind::kName;
  }
};

/// Fills all but name and text, which views in `record` lead into: it must stay where it is.
void outline_code(CodeRecord& record);

}  // namespace bertjit
