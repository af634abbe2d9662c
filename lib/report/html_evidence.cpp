#include "report/html_evidence.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "report/columns.h"
#include "report/html_page.h"
#include "report/markup.h"

namespace bertjit {

namespace {

constexpr size_t kMaxRows = 1000;
constexpr size_t kMaxNames = 12;  ///< names that stand in a line; more are folded

std::string left_out(size_t count, const std::string& noun) {
  return "<p class=\"quiet\">… " + grouped_count(count, "more " + noun) + " in the JSON report</p>\n";
}

std::string names(const std::vector<std::string>& values) {
  if (values.empty()) {
    return "<span class=\"quiet\">none</span>";
  }
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), kMaxRows); ++i) {
    text += (i > 0 ? ", " : "") + ("<code>" + markup_text(values[i]) + "</code>");
  }
  if (values.size() > kMaxRows) {
    text += left_out(values.size() - kMaxRows, "name");
  }
  return values.size() <= kMaxNames ? text : html_fold(grouped_count(values.size(), "name"), text);
}

std::string table_of(const EvidenceRows& rows);

/// One value as the contents of a cell.
struct ValueToHtml {
  std::string operator()(bool value) const {
    return value ? "yes" : "no";
  }
  std::string operator()(int64_t value) const {
    return std::to_string(value);
  }
  std::string operator()(double value) const {
    return number_text(value);
  }
  std::string operator()(const std::string& value) const {
    return value.find('\n') == std::string::npos ? markup_text(value) : "<pre>" + markup_text(value) + "</pre>";
  }
  std::string operator()(const TextBlock& block) const {
    return block.kind == TextBlock::Kind::kDiff ? "<span class=\"quiet\">drawn above</span>"
                                                : "<pre>" + markup_text(block.text) + "</pre>";
  }
  std::string operator()(const std::vector<int64_t>& values) const {
    std::string text;
    for (const int64_t value : values) {
      text += (text.empty() ? "" : ", ") + std::to_string(value);
    }
    return "[" + text + "]";
  }
  std::string operator()(const std::vector<std::string>& values) const {
    return names(values);
  }
  std::string operator()(const EvidenceFields& fields) const {
    return html_evidence(fields);
  }
  std::string operator()(const EvidenceRows& rows) const {
    return rows.empty() ? "<span class=\"quiet\">none</span>"
                        : html_fold(grouped_count(rows.size(), "row"), table_of(rows));
  }
};

bool is_number(const Evidence& field) {
  return std::holds_alternative<int64_t>(field.value) || std::holds_alternative<double>(field.value);
}

/// The keys of all rows, in the order in which they come first.
std::vector<std::string> keys_of(const EvidenceRows& rows) {
  std::vector<std::string> keys;
  for (const EvidenceFields& row : rows) {
    for (const Evidence& field : row) {
      if (std::find(keys.begin(), keys.end(), field.key) == keys.end()) {
        keys.push_back(field.key);
      }
    }
  }
  return keys;
}

std::string cell(const EvidenceFields& row, const std::string& key) {
  const auto field = std::find_if(row.begin(), row.end(), [&](const Evidence& f) { return f.key == key; });
  if (field == row.end()) {
    return "<td></td>";
  }
  return (is_number(*field) ? "<td class=\"number\">" : "<td>") + std::visit(ValueToHtml{}, field->value) + "</td>";
}

/// A column for each key.
std::string table_of(const EvidenceRows& rows) {
  const std::vector<std::string> keys = keys_of(rows);
  std::string markup = "<tr>";
  for (const std::string& key : keys) {
    markup += "<th scope=\"col\">" + markup_text(key) + "</th>";
  }
  markup += "</tr>\n";
  for (size_t i = 0; i < std::min(rows.size(), kMaxRows); ++i) {
    markup += "<tr>";
    for (const std::string& key : keys) {
      markup += cell(rows[i], key);
    }
    markup += "</tr>\n";
  }
  return html_table(grouped_count(rows.size(), "row"), "rows", markup) +
         (rows.size() > kMaxRows ? left_out(rows.size() - kMaxRows, "row") : "");
}

}  // namespace

std::string html_evidence(const EvidenceFields& evidence) {
  std::vector<std::pair<std::string, std::string>> terms;
  for (const Evidence& field : evidence) {
    terms.emplace_back(markup_text(field.key), std::visit(ValueToHtml{}, field.value));
  }
  return html_terms(terms);
}

}  // namespace bertjit
