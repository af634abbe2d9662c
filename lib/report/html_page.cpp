#include "report/html_page.h"

#include "report/html_style.h"
#include "report/markup.h"

namespace bertjit {

std::string html_page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
         "base-uri 'none'; form-action 'none'\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
         markup_text(title) + "</title>\n<style>" + html_style() + "</style>\n</head>\n<body>\n" + body +
         "</body>\n</html>\n";
}

std::string html_table(const std::string& caption, const std::string& kind, const std::string& rows) {
  return "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" + markup_attribute(caption) +
         "\"><table class=\"" + kind + "\">\n<caption>" + markup_text(caption) + "</caption>\n" + rows +
         "</table></div>\n";
}

std::string html_terms(const std::vector<std::pair<std::string, std::string>>& terms) {
  std::string list;
  for (const auto& [term, meaning] : terms) {
    list += "<dt>" + term + "</dt><dd>" + meaning + "</dd>\n";
  }
  return list.empty() ? "" : "<dl>\n" + list + "</dl>\n";
}

std::string html_fold(const std::string& summary, const std::string& body) {
  return "<details><summary>" + summary + "</summary>\n" + body + "</details>\n";
}

}  // namespace bertjit
