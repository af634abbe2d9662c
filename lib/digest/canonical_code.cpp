#include "digest/canonical_code.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>

#include "container/bytes.h"
#include "container/torchscript_classes.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr std::string_view kRootName = "__torch__";
constexpr std::string_view kMangled = "___torch_mangle_";
constexpr std::string_view kConstants = "CONSTANTS.c";
constexpr std::string_view kHeaders[] = {"class ", "def "};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

bool is_mangled_part(std::string_view part) {
  return part.size() > kMangled.size() && part.starts_with(kMangled) &&
         std::ranges::all_of(part.substr(kMangled.size()), is_digit);
}

/// Leaves out the parts "___torch_mangle_7".
std::string without_mangling(std::string_view name) {
  std::string plain;
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (!is_mangled_part(part)) {
      plain += (plain.empty() ? "" : ".") + std::string(part);
    }
    if (dot == std::string_view::npos) {
      return plain;
    }
    name.remove_prefix(dot + 1);
  }
}

/// The same for every name in a text.
std::string text_without_mangling(std::string_view text) {
  std::string plain;
  while (true) {
    const size_t begin = text.find(kMangled);
    plain += text.substr(0, begin);
    if (begin == std::string_view::npos) {
      return plain;
    }
    text.remove_prefix(begin + kMangled.size());
    while (!text.empty() && is_digit(text.front())) {
      text.remove_prefix(1);
    }
    if (text.starts_with('.')) {
      text.remove_prefix(1);
    }
  }
}

/// "Linear" for "class Linear(Module):"; empty for other lines.
std::string_view header_name(std::string_view line) {
  for (const std::string_view header : kHeaders) {
    if (line.starts_with(header)) {
      line.remove_prefix(header.size());
      return line.substr(0, std::ranges::find_if_not(line, is_name_character) - line.begin());
    }
  }
  return {};
}

/// Where the string literal that begins at `begin` ends: behind its closing quote.
size_t end_of_literal(std::string_view text, size_t begin) {
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

/// Where the dotted name that begins at `begin` ends.
size_t end_of_name(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && (is_name_character(text[end]) ||
                               (text[end] == '.' && end + 1 < text.size() && is_name_character(text[end + 1])))) {
    ++end;
  }
  return end;
}

/// 3 for "CONSTANTS.c3"
std::optional<size_t> constant_index(std::string_view name) {
  size_t index = 0;
  if (!name.starts_with(kConstants)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(kConstants.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(index) : std::nullopt;
}

}  // namespace

std::vector<CodeUnit> split_code(std::string_view qualifier, std::string_view text) {
  std::vector<CodeUnit> units;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (const std::string_view name = header_name(line); !name.empty()) {
      const std::string full = std::string(qualifier) + "." + std::string(name);
      units.push_back({full, without_mangling(full), ""});
    }
    if (!units.empty()) {
      units.back().text += line;
    }
  }
  for (CodeUnit& unit : units) {
    while (unit.text.ends_with('\n')) {
      unit.text.pop_back();
    }
    unit.text += '\n';
  }
  return units;
}

std::vector<CodeUnit> read_units(const ScriptArchive& file) {
  std::vector<CodeUnit> units;
  for (const ScriptRecord& record : file.code) {
    for (CodeUnit& unit : split_code(qualifier_of_record(record.name), read_record_text(file, record))) {
      units.push_back(std::move(unit));
    }
  }
  return units;
}

CanonicalCode::CanonicalCode(std::vector<CodeUnit> units, const std::string& source, ConstantWord constant_word)
    : units_(std::move(units)), constant_word_(std::move(constant_word)) {
  for (size_t i = 0; i < units_.size(); ++i) {
    if (!by_name_.emplace(units_[i].name, i).second) {
      throw Error(ErrorKind::kCorrupt, source + ": code defines " + in_quotes(units_[i].name) + " twice");
    }
  }
}

std::string CanonicalCode::name_of(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return name;
  }
  const size_t unit = found->second;
  const auto [entry, is_new] = named_.try_emplace(unit);
  if (is_new) {
    const std::string& plain = units_[unit].plain;
    const size_t before = counts_[plain]++;
    entry->second = before == 0 ? plain : plain + "#" + std::to_string(before);
    order_.push_back(unit);
  }
  return entry->second;
}

std::string CanonicalCode::rewrite_name(std::string_view name) {
  for (size_t end = name.size(); end != std::string_view::npos && end > 0; end = name.rfind('.', end - 1)) {
    if (by_name_.contains(name.substr(0, end))) {
      return name_of(std::string(name.substr(0, end))).append(name.substr(end));
    }
  }
  return std::string(name);
}

std::string CanonicalCode::rewrite(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    if (text[i] == '"') {
      i = end_of_literal(text, i);
      result += text.substr(begin, i - begin);
    } else if (is_name_character(text[i])) {
      i = end_of_name(text, i);
      const std::string_view name = text.substr(begin, i - begin);
      const auto constant = constant_index(name);
      if (constant) {
        result.append("CONSTANTS.").append(constant_word_(*constant));
      } else if (name.starts_with(kRootName)) {
        result += rewrite_name(name);
      } else {
        result += name;
      }
    } else {
      result += text[i++];
    }
  }
  return result;
}

std::vector<CanonicalCode::Unit> CanonicalCode::take_named() {
  std::vector<Unit> taken;
  while (taken_ < order_.size()) {
    const size_t unit = order_[taken_++];
    taken.push_back({named_.at(unit), rewrite(units_[unit].text)});
  }
  return taken;
}

std::vector<CanonicalCode::Unit> CanonicalCode::take_rest() {
  using Key = std::tuple<std::string, std::string, std::string>;
  std::map<Key, size_t> rest;
  for (size_t i = 0; i < units_.size(); ++i) {
    if (!named_.contains(i)) {
      rest.emplace(Key(units_[i].plain, text_without_mangling(units_[i].text), units_[i].name), i);
    }
  }
  std::vector<Unit> taken;
  for (const auto& [key, unit] : rest) {
    name_of(units_[unit].name);
    for (Unit& named : take_named()) {
      taken.push_back(std::move(named));
    }
  }
  return taken;
}

}  // namespace bertjit
