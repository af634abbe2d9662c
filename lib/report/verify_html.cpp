#include "report/verify_html.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "report/check_report.h"
#include "report/html_evidence.h"
#include "report/html_figures.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/verify_summary.h"

namespace bertjit {

namespace {

using Terms = std::vector<std::pair<std::string, std::string>>;

/// A path may break behind its dots, slashes and underscores.
std::string code(const std::string& text) {
  std::string markup;
  for (const char c : markup_text(text)) {
    markup += c;
    markup += c == '.' || c == '/' || c == '_' ? "<wbr/>" : "";
  }
  return "<code>" + markup + "</code>";
}

std::string badge(Verdict verdict) {
  const std::string name = verdict_name(verdict);
  return "<span class=\"badge " + name + "\">" + name + "</span>";
}

const char* banner_kind(const VerifyResult& result) {
  return result.unsafe ? "fail" : result.nothing_checked ? "skip" : !result.passed ? "fail" : "pass";
}

std::string anchor(size_t index) {
  return "check-" + std::to_string(index + 1);
}

/// The check's name, leading to what it found.
std::string link_to(const VerifyResult& result, size_t index) {
  return "<a href=\"#" + anchor(index) + "\">" + markup_text(result.checks[index].id) + "</a>";
}

/// The verdict, and below it what says most of what is wrong.
std::string banner(const VerifyResult& result) {
  const std::string markup = std::string("<div class=\"banner ") + banner_kind(result) + "\"><strong>" +
                             verdict_words(result) + "</strong>" + verdict_counts(result) + "</div>\n";
  const auto blamed = std::ranges::find(result.checks, result.blamed, &CheckResult::id);
  if (blamed == result.checks.end()) {
    return markup;
  }
  return markup + "<p>" + link_to(result, static_cast<size_t>(blamed - result.checks.begin())) + ": " +
         markup_text(blamed->summary) + (blamed->where.empty() ? "" : " – in " + code(blamed->where)) + "</p>\n";
}

std::string facts(const VerifyResult& result) {
  Terms terms{{"module", code(result.module)}};
  const auto add = [&terms](const char* term, const std::string& text) {
    if (!text.empty()) {
      terms.emplace_back(term, markup_text(text));
    }
  };
  add("source", result.source);
  add("kind of source", result.source_kind ? source_kind_name(*result.source_kind) : "");
  if (result.choice) {
    add("built as", result.choice->architecture + " " + result.choice->head + ", " + result.choice->dtype);
  }
  add("recognised as", result.recognised);
  add("claims from", result.claims_from);
  add("example inputs", result.example);
  return html_terms(terms);
}

std::string checks_table(const VerifyResult& result) {
  std::string rows =
      "<tr><th scope=\"col\">verdict</th><th scope=\"col\">check</th><th scope=\"col\">what came out</th>"
      "<th scope=\"col\">where</th><th scope=\"col\">to mend</th></tr>\n";
  for (size_t i = 0; i < result.checks.size(); ++i) {
    const CheckResult& check = result.checks[i];
    const std::string id = check.verdict == Verdict::kSkip ? markup_text(check.id) : link_to(result, i);
    rows += "<tr><td>" + badge(check.verdict) + "</td><th scope=\"row\">" + id + "</th><td>" +
            markup_text(check.summary) + "</td><td>" + (check.where.empty() ? "" : code(check.where)) + "</td><td>" +
            markup_text(check.advice) + "</td></tr>\n";
  }
  return html_table("Every check that was run or skipped", "checks", rows);
}

/// What is to be looked at stands open.
std::string check_section(const CheckResult& check, const std::string& id) {
  const std::string figures = html_figures(check);
  const bool blames = check.verdict == Verdict::kFail || check.verdict == Verdict::kWarn;
  std::string markup = "<details class=\"check\" id=\"" + id + "\"" +
                       (blames || !figures.empty() ? " open=\"open\"" : "") + "><summary>" + badge(check.verdict) +
                       " <h3>" + markup_text(check.id) + "</h3><span class=\"line\">" + markup_text(check.summary) +
                       "</span></summary>\n";
  Terms terms;
  if (!check.where.empty()) {
    terms.emplace_back("where", code(check.where));
  }
  if (!check.advice.empty()) {
    terms.emplace_back("to mend", markup_text(check.advice));
  }
  markup += html_terms(terms) + figures;
  if (!check.evidence.empty()) {
    markup += html_fold("Evidence", html_evidence(check.evidence));
  }
  return markup + "</details>\n";
}

std::string check_sections(const VerifyResult& result) {
  std::string markup;
  for (size_t i = 0; i < result.checks.size(); ++i) {
    if (result.checks[i].verdict != Verdict::kSkip) {
      markup += check_section(result.checks[i], anchor(i));
    }
  }
  return markup.empty() ? "" : "<h2>What the checks found</h2>\n" + markup;
}

std::string environment(const VerifyResult& result, const std::string& command_line) {
  Terms terms;
  for (const auto& [name, value] : environment_words(result.environment)) {
    terms.emplace_back(name, markup_text(value));
  }
  std::string markup = "<h2>To run it again</h2>\n";
  if (!command_line.empty()) {
    markup += "<pre>" + markup_text(command_line) + "</pre>\n";
  }
  return markup + html_terms(terms);
}

}  // namespace

std::string verify_html(const VerifyResult& result, const std::string& command_line) {
  const std::string name = std::filesystem::path(result.module).filename().string();
  const std::string body =
      "<a class=\"skip-link\" href=\"#checks\">to the checks</a>\n<header>\n<h1>verify " + markup_text(name) +
      "</h1>\n" + banner(result) + facts(result) + "</header>\n<main>\n<h2 id=\"checks\">Checks</h2>\n" +
      checks_table(result) + check_sections(result) + environment(result, command_line) +
      "</main>\n<footer>Written by bertjit verify. The JSON report (--format json) has every number."
      "</footer>\n";
  return html_page(std::string(verdict_words(result)) + ": " + name + " – bertjit verify", body);
}

}  // namespace bertjit
