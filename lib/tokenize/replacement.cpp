#include "tokenize/replacement.h"

#include <algorithm>
#include <cstdlib>

#include "tokenize/json_members.h"
#include "tokenize/unicode.h"

namespace bertjit {

using nlohmann::json;

namespace {

constexpr std::string_view kSpecialInRegex = R"(\^$.|?*+()[]{})";

/// What follows the character: "", "+" or "{N,}" or "{N}". False for anything else.
bool parse_quantifier(std::string_view quantifier, Replacement& replacement) {
  if (quantifier.empty()) {
    replacement.is_greedy = false;
    return true;
  }
  if (quantifier == "+") {
    return true;
  }
  if (quantifier.size() < 3 || quantifier.front() != '{' || quantifier.back() != '}') {
    return false;
  }
  quantifier = quantifier.substr(1, quantifier.size() - 2);
  replacement.is_greedy = quantifier.ends_with(',');
  quantifier.remove_suffix(replacement.is_greedy ? 1 : 0);
  const bool is_number = !quantifier.empty() && quantifier.size() <= 4 &&
                         quantifier.find_first_not_of("0123456789") == std::string_view::npos;
  replacement.least_run = is_number ? static_cast<size_t>(std::atoi(std::string(quantifier).c_str())) : 0;
  return replacement.least_run > 0;
}

bool parse_regex(std::string_view regex, Replacement& replacement) {
  if (regex.empty()) {
    return false;
  }
  size_t position = 0;
  char32_t c = next_code_point(regex, position);
  if (c == '\\') {
    if (position == regex.size()) {
      return false;
    }
    c = next_code_point(regex, position);
    replacement.run_of_white_space = c == 's';
    if (!replacement.run_of_white_space &&
        (c >= 0x80 || kSpecialInRegex.find(static_cast<char>(c)) == std::string_view::npos)) {
      return false;
    }
  } else if (c < 0x80 && kSpecialInRegex.find(static_cast<char>(c)) != std::string_view::npos) {
    return false;
  }
  replacement.run_of = c;
  return parse_quantifier(regex.substr(position), replacement);
}

void replace_literal(const std::string& literal, const std::string& content, std::string_view text, std::string& out) {
  size_t done = 0;
  for (size_t found; (found = text.find(literal, done)) != std::string_view::npos; done = found + literal.size()) {
    out += text.substr(done, found - done);
    out += content;
  }
  out += text.substr(done);
}

}  // namespace

void Replacement::append(std::string_view from, std::string& out) const {
  if (!run_of) {
    replace_literal(text, content, from, out);
    return;
  }
  const auto matches = [this](char32_t c) { return run_of_white_space ? is_white_space(c) : c == *run_of; };
  for (size_t begin = 0; begin < from.size();) {
    size_t length = 0;
    size_t end = begin;
    for (size_t i = begin; i < from.size() && (is_greedy || length < least_run) && matches(next_code_point(from, i));) {
      ++length;
      end = i;
    }
    if (length >= least_run) {
      out += content;
    } else {
      if (length == 0) {
        next_code_point(from, end);
      }
      out += from.substr(begin, end - begin);
    }
    begin = end;
  }
}

Replacement parse_replacement(const json& object, const std::string& file) {
  Replacement replacement;
  replacement.content = require_string(object, "content", file);
  const json& pattern = require_member(object, "pattern", file);
  if (find_member(pattern, "Regex") == nullptr) {
    replacement.text = require_string(pattern, "String", file);
    if (replacement.text.empty()) {
      throw unsupported_part(file, "pattern of Replace", "empty", "a text");
    }
    return replacement;
  }
  const std::string regex = require_string(pattern, "Regex", file);
  if (!parse_regex(regex, replacement)) {
    throw unsupported_part(file, "regular expression of Replace", "'" + regex + "'",
                           "one character or \\s, alone or with + or {N,} after it");
  }
  return replacement;
}

}  // namespace bertjit
