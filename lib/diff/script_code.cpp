#include "diff/script_code.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

#include "container/torchscript_classes.h"
#include "digest/canonical_code.h"

namespace bertjit {

namespace {

constexpr std::string_view kConstants = "CONSTANTS.c";

/// Leaves out what tells classes of one unmangled name apart: "#1" after a name.
std::string without_numbers(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool after_name = i > 0 && (std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 || text[i - 1] == '_');
    if (text[i] == '#' && after_name) {
      while (i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0) {
        ++i;
      }
    } else {
      result += text[i];
    }
  }
  return result;
}

/// The number after "CONSTANTS.c", and what follows it; {-1, ""} for other names.
std::pair<int64_t, std::string_view> constant_of(std::string_view name) {
  int64_t number = -1;
  if (!name.starts_with(kConstants)) {
    return {-1, ""};
  }
  name.remove_prefix(kConstants.size());
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  return {parsed.ec == std::errc() ? number : -1, name.substr(static_cast<size_t>(parsed.ptr - name.data()))};
}

/// Numbers constants in the order in which they are asked for.
class ConstantNumbers {
 public:
  size_t number_of(size_t original) {
    return numbers_.try_emplace(original, numbers_.size()).first->second;
  }

 private:
  std::map<size_t, size_t> numbers_;
};

}  // namespace

std::string ScriptCode::rename_constant(const std::string& name) const {
  const auto [number, rest] = constant_of(name);
  return number < 0 || static_cast<size_t>(number) >= constant_order.size()
             ? name
             : std::string(kConstants) + std::to_string(constant_order[static_cast<size_t>(number)]) +
                   std::string(rest);
}

std::string ScriptCode::class_of(const std::string& original) const {
  const auto found = unmangled.find(original);
  return found == unmangled.end() ? original : found->second;
}

ScriptCode read_script_code(const ScriptArchive& file) {
  ScriptCode code;
  ConstantNumbers constants;
  const std::vector<CodeUnit> units = read_units(file);
  CanonicalCode canonical(units, file.archive->path().string(),
                          [&](size_t index) { return "c" + std::to_string(constants.number_of(index)); });
  for (const ScriptNode& node : file.nodes) {
    if (node.kind == ScriptKind::kObject) {
      const std::string name = canonical.name_of(node.text);
      if (node.is_module) {
        code.modules[node.name] = name;
      }
    }
  }
  auto named = canonical.take_named();
  for (CanonicalCode::Unit& unit : canonical.take_rest()) {
    named.push_back(std::move(unit));
  }
  for (CanonicalCode::Unit& unit : named) {
    CodeDefinition& definition = code.definitions[unit.name];
    definition.shown = without_numbers(unit.text);
    definition.text = std::move(unit.text);
  }
  for (const CodeUnit& unit : units) {
    CodeDefinition& definition = code.definitions[canonical.name_of(unit.name)];
    definition.original = unit.name;
    definition.unmangled = unit.plain;
    code.unmangled[unit.name] = unit.plain;
  }
  const auto count = std::ranges::count(file.constants, size_t{0}, &ScriptNode::depth);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    code.constant_order.push_back(constants.number_of(i));
  }
  return code;
}

}  // namespace bertjit
