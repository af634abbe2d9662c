#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "report/decimals.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/zoo_report.h"

namespace bertjit {

namespace {

/// Class of the style sheet, and the word on the badge.
struct Badge {
  const char* kind;
  const char* word;
};

Badge badge_of(ZooVerdict verdict) {
  constexpr std::array<Badge, 4> kBadges = {Badge{"pass", "pass"}, Badge{"fail", "fail"}, Badge{"skip", "no answer"},
                                            Badge{"fail", "unsafe"}};
  return kBadges[static_cast<size_t>(verdict)];
}

std::string badge(const Badge& badge) {
  return std::string("<span class=\"badge ") + badge.kind + "\">" + badge.word + "</span>";
}

std::string anchor(const ZooEntry& entry) {
  return "job-" + std::to_string(entry.index);
}

bool has_section(const ZooEntry& entry) {
  return entry.verdict != ZooVerdict::kPass || !entry.findings.empty();
}

std::string cell(const std::string& text) {
  return "<td>" + markup_text(text) + "</td>";
}

std::string number_cell(const std::string& text) {
  return "<td class=\"number\">" + text + "</td>";
}

std::string header_row(const std::vector<const char*>& names) {
  std::string row = "<tr>";
  for (const char* name : names) {
    row += std::string("<th scope=\"col\">") + name + "</th>";
  }
  return row + "</tr>\n";
}

std::string jobs_table(const std::vector<const ZooEntry*>& entries) {
  std::string rows = header_row({"verdict", "job", "what came out", "file", "seconds", "host"});
  for (const ZooEntry* entry : entries) {
    const std::string name = markup_text(entry->name);
    rows += "<tr><td>" + badge(badge_of(entry->verdict)) + "</td><th scope=\"row\">" +
            (has_section(*entry) ? "<a href=\"#" + anchor(*entry) + "\">" + name + "</a>" : name) + "</th>" +
            cell(zoo_summary(*entry)) + cell(entry->operands) + number_cell(fixed(entry->seconds, 2)) +
            cell(entry->host) + "</tr>\n";
  }
  return html_table("Every job, the worst first", "zoo", rows);
}

/// How often each check came to which verdict; checks in the order in which they run.
std::string checks_table(const ZooResult& result) {
  constexpr std::array kVerdicts = {"fail", "warn", "pass", "skip"};
  std::vector<std::string> ids;
  std::map<std::string, std::map<std::string, size_t>> counts;
  for (const ZooEntry& entry : result.entries) {
    for (const auto& [id, verdict] : entry.checks) {
      if (!counts.contains(id)) {
        ids.push_back(id);
      }
      ++counts[id][verdict];
    }
  }
  if (ids.empty()) {
    return "";
  }
  std::string rows = header_row({"check", "fail", "warn", "pass", "skip"});
  for (const std::string& id : ids) {
    rows += "<tr><th scope=\"row\">" + markup_text(id) + "</th>";
    for (const char* verdict : kVerdicts) {
      rows += number_cell(std::to_string(counts[id][verdict]));
    }
    rows += "</tr>\n";
  }
  return "<h2>Checks over all jobs</h2>\n" + html_table("How often each check came to which verdict", "zoo", rows);
}

std::string findings_table(const ZooEntry& entry) {
  std::string rows = header_row({"verdict", "check", "what came out", "where", "to mend"});
  for (const ZooFinding& finding : entry.findings) {
    const char* kind = finding.verdict == "warn" ? "warn" : "fail";
    rows += "<tr><td>" + badge({kind, kind}) + "</td><th scope=\"row\">" + markup_text(finding.check) + "</th>" +
            cell(finding.summary) + cell(finding.where) + cell(finding.advice) + "</tr>\n";
  }
  return html_table("What the checks of " + entry.name + " found", "checks", rows);
}

std::string section(const ZooEntry& entry) {
  return "<details class=\"check\" id=\"" + anchor(entry) + "\"" +
         (entry.verdict == ZooVerdict::kPass ? "" : " open=\"open\"") + "><summary>" + badge(badge_of(entry.verdict)) +
         " <h3>" + markup_text(entry.name) + "</h3></summary>\n" +
         (entry.error.empty() ? "" : "<pre>" + markup_text(entry.error) + "</pre>\n") +
         (entry.findings.empty() ? "" : findings_table(entry)) + "</details>\n";
}

std::string sections(const std::vector<const ZooEntry*>& entries) {
  std::string markup;
  for (const ZooEntry* entry : entries) {
    markup += has_section(*entry) ? section(*entry) : "";
  }
  return markup.empty() ? "" : "<h2>What was found</h2>\n" + markup;
}

std::string facts(const ZooResult& result, const std::string& command_line) {
  const double seconds = std::accumulate(result.entries.begin(), result.entries.end(), 0.0,
                                         [](double sum, const ZooEntry& entry) { return sum + entry.seconds; });
  std::vector<std::pair<std::string, std::string>> terms = {
      {"bertjit", markup_text(result.version)},
      {"list, SHA-512", "<code>" + markup_text(result.list_digest) + "</code>"},
      {"seconds of all jobs", fixed(seconds, 1)},
      {"made by", "<code>" + markup_text(command_line) + "</code>"}};
  if (!result.shard.empty()) {
    terms.insert(terms.begin(), {"part", "shard " + markup_text(result.shard) + " of a list of " +
                                             std::to_string(result.jobs) + " jobs"});
  }
  return html_terms(terms);
}

}  // namespace

std::string zoo_html(const ZooResult& result, const std::string& command_line) {
  const std::vector<const ZooEntry*> entries = worst_first(result);
  const Badge worst = badge_of(static_cast<ZooVerdict>(result.exit_code()));
  const std::string counts = zoo_counts(result);
  const std::string body = "<header>\n<h1>bertjit " + result.command + " --list</h1>\n<div class=\"banner " +
                           worst.kind + "\"><strong>" + worst.word + "</strong>" + markup_text(counts) + "</div>\n" +
                           facts(result, command_line) + "</header>\n<main>\n<h2>Jobs</h2>\n" + jobs_table(entries) +
                           checks_table(result) + sections(entries) +
                           "</main>\n<footer>Written by bertjit. The JSON form (report merge --format json) has every "
                           "number.</footer>\n";
  return html_page(counts + " – bertjit " + result.command, body);
}

}  // namespace bertjit
