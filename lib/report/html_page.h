// What every page that bertjit writes has around its contents.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bertjit {

/// One self-contained page: no scripts, nothing fetched, and a policy (CSP) that tells the browser so, should something
/// have got past the escaping. It is well-formed XML as well as HTML.
///
/// `title` is any text; `body` is markup.
std::string html_page(const std::string& title, const std::string& body);

/// A table in a box of its own, which a narrow window scrolls, by keyboard too. `caption` is any text and names the
/// table for those who do not see it; `rows` is markup, the <tr>s.
std::string html_table(const std::string& caption, const std::string& kind, const std::string& rows);

/// A list of terms and what they stand for; both are markup. "" if there are none.
std::string html_terms(const std::vector<std::pair<std::string, std::string>>& terms);

/// Something to unfold; `summary` and `body` are markup.
std::string html_fold(const std::string& summary, const std::string& body);

}  // namespace bertjit
