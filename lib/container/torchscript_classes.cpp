#include "container/torchscript_classes.h"

#include <algorithm>

namespace bertjit {

namespace {

constexpr std::string_view kCodeFolder = "code/";
constexpr std::string_view kCodeSuffix = ".py";
constexpr std::string_view kClass = "class ";
constexpr std::string_view kModuleBase = "(Module):";
constexpr std::string_view kParameters = "  __parameters__ = [";
constexpr std::string_view kBuffers = "  __buffers__ = [";

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Names of attributes are identifiers or numbers, so none holds a quote.
void read_names(std::string_view list, std::set<std::string>& names) {
  for (size_t open = list.find('"'); open != std::string_view::npos; open = list.find('"')) {
    list.remove_prefix(open + 1);
    const size_t close = list.find('"');
    if (close == std::string_view::npos) {
      return;
    }
    names.emplace(list.substr(0, close));
    list.remove_prefix(close + 1);
  }
}

}  // namespace

std::string qualifier_of_record(std::string_view record_name) {
  if (record_name.starts_with(kCodeFolder)) {
    record_name.remove_prefix(kCodeFolder.size());
  }
  if (record_name.ends_with(kCodeSuffix)) {
    record_name.remove_suffix(kCodeSuffix.size());
  }
  std::string qualifier(record_name);
  std::ranges::replace(qualifier, '/', '.');
  return qualifier;
}

void read_class_headers(std::string_view qualifier, std::string_view text, ScriptClasses& classes) {
  ScriptClass* current = nullptr;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (line.starts_with(kClass)) {
      line.remove_prefix(kClass.size());
      const std::string_view name = line.substr(0, line.find_first_of("(:"));
      current = &classes[std::string(qualifier).append(".").append(name)];
      current->is_module = line.substr(name.size()) == kModuleBase;
    } else if (!line.starts_with(' ')) {
      current = nullptr;
    } else if (current != nullptr && line.starts_with(kParameters)) {
      read_names(line.substr(kParameters.size()), current->parameters);
    } else if (current != nullptr && line.starts_with(kBuffers)) {
      read_names(line.substr(kBuffers.size()), current->buffers);
    }
  }
}

}  // namespace bertjit
