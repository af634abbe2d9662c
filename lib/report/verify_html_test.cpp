#include "report/verify_html.h"

#include "report/html_diff.h"
#include "report/html_evidence.h"
#include "report/html_figures.h"
#include "report/verify_testing.h"

namespace bertjit {
namespace {

using Catch::Contains;
using testing::hostile_result;
using testing::judge;
using testing::sample_result;

/// Well-formed as XML, all links within the page, nothing fetched, and each thing to look at has words for those who
/// cannot see it. Prints the elements, sorted.
const std::string kJudge = R"(
import re, sys, xml.etree.ElementTree as tree, html.parser
text = open(sys.argv[1], encoding='utf-8').read()
page = tree.fromstring(text)
names = sorted({element.tag for element in page.iter()})
ids = [element.get('id') for element in page.iter() if element.get('id')]
assert len(ids) == len(set(ids)), 'an id twice'
for element in page.iter():
    for name, value in element.attrib.items():
        assert not name.startswith('on'), name
        assert name not in ('src', 'srcset', 'action', 'data', 'style'), name
        if name == 'href':
            assert value[0] == '#' and value[1:] in ids, value
    if element.tag in ('svg',):
        assert element.get('role') == 'img' and element.get('aria-label')
    if element.tag == 'table':
        assert element.find('caption') is not None and element.find('caption').text
    if element.tag == 'details':
        assert element[0].tag == 'summary'
assert page.get('lang') == 'en' and page.find('head/title').text
style = page.find('head/style').text
assert 'url(' not in style and '@import' not in style
assert 'script' not in names and 'iframe' not in names and 'img' not in names

class Parser(html.parser.HTMLParser):
    seen = set()
    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
parser = Parser()
parser.feed(text)
assert sorted(parser.seen) == names, (sorted(parser.seen), names)
print(' '.join(names))
)";

void check_page(const std::string& page) {
  for (const char* bad : {"<script", "<link", "<img", "<iframe", "<a href=\"h"}) {
    CHECK_THAT(page, !Contains(bad));
  }
  CHECK_THAT(page, Contains("default-src 'none'"));
  if (testing::has_python3()) {
    judge(page, kJudge);
  }
}

TEST_CASE("verify_html: a page with every verdict and figure is well-formed, self-contained and labelled") {
  const std::string page = verify_html(sample_result(), "bertjit verify models/traced_bert.pt --seed 3");
  check_page(page);
  // What could fetch something.
  for (const char* bad : {"http://", "https://", "src=", "javascript:", "url(", "@import"}) {
    CHECK_THAT(page, !Contains(bad));
  }
  CHECK_THAT(page, Contains("<title>FAIL: traced_bert.pt – bertjit verify</title>"));
  CHECK_THAT(page, Contains("<strong>FAIL</strong>1 pass, 3 fail, 1 warn, 2 skip"));
  CHECK_THAT(page, Contains("Trace with sizes recorded (without --fixed-shapes)."));
  CHECK_THAT(page, Contains("<pre>bertjit verify models/traced_bert.pt --seed 3</pre>"));
  CHECK_THAT(page, Contains("<dt>seed</dt><dd>18446744073709551615</dd>"));
  CHECK_THAT(page, Contains("<dt>recognised as</dt><dd>bert BertModel</dd>"));
  CHECK_THAT(page, Contains("Marked: <code>bert.encoder.layer.7.attention.self.query</code>"));
}

TEST_CASE("verify_html: other verdicts of the whole have their words") {
  VerifyResult result{.module = "a.pt"};
  result.nothing_checked = true;
  CHECK_THAT(verify_html(result, ""), Contains("<strong>nothing was checked</strong>") && !Contains("<pre>"));
  check_page(verify_html(result, ""));
  result = {.module = "a.pt"};
  result.passed = true;
  CHECK_THAT(verify_html(result, ""), Contains("banner pass\"><strong>pass</strong>"));
  result.passed = false;
  result.unsafe = true;
  CHECK_THAT(verify_html(result, ""), Contains("banner fail\"><strong>REFUSED as unsafe</strong>"));
}

TEST_CASE("verify_html: hostile bytes in every text stay text") {
  const std::string page = verify_html(hostile_result(), testing::hostile());
  check_page(page);
  CHECK(page.find('\0') == std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
  CHECK_THAT(page, !Contains("\xe2\x80\xae") && Contains("\\u202e") && Contains("\\x1b[2J") && Contains("\\x00"));
}

TEST_CASE("verify_html: 500 layers, with zeros, infinities and NaN, are all drawn and listed") {
  EvidenceRows rows;
  for (int i = 0; i < 500; ++i) {
    const double error = i < 10 ? 0.0 : i == 499 ? std::nan("") : i == 498 ? HUGE_VAL : 5e-324 * i;
    rows.push_back({{"module", "encoder.layer." + std::to_string(i / 20)}, {"max_abs_error", error}});
  }
  VerifyResult result{.module = "a.pt"};
  result.checks = {{"source", Verdict::kPass, "equal", "", {{"layers", rows}}}};
  const std::string page = verify_html(result, "");
  check_page(page);
  size_t points = 0;
  for (size_t at = page.find("<circle"); at != std::string::npos; at = page.find("<circle", at + 1)) {
    ++points;
  }
  CHECK(points == 500);
  CHECK_THAT(page, Contains(">inf, nan</text>") && Contains(">0</text>") && Contains("encoder.layer.24</code>"));
  // No coordinate is one, and a check that passed blames nothing.
  CHECK_THAT(page, !Contains("=\"nan") && !Contains("=\"inf") && !Contains("point marked"));
  CHECK(page.size() < 400'000);
}

TEST_CASE("verify_html: rows that are not of a drawn form are shown as any others") {
  VerifyResult result{.module = "a.pt"};
  const EvidenceRows other = {{{"anything", std::string("else")}}};
  result.checks = {{"x",
                    Verdict::kPass,
                    "",
                    "",
                    {{"layers", other}, {"grid", other}, {"error_histogram", other}, {"layers", int64_t{3}}}}};
  const std::string page = verify_html(result, "");
  check_page(page);
  CHECK_THAT(page, !Contains("<figure>") && Contains("<th scope=\"col\">anything</th>") && Contains("<td>else</td>"));
}

TEST_CASE("html_evidence: a list of more than a thousand rows says how many are left out") {
  EvidenceRows rows(1002, {{"n", int64_t{1}}});
  CHECK_THAT(html_evidence({{"rows", rows}}), Contains("1,002 rows") && Contains("… 2 more rows in the JSON report"));
  CHECK(html_evidence({}).empty());
}

TEST_CASE("html_figures: figures are found at any depth, and after twenty the others are counted") {
  const EvidenceFields inner = {{"graph_diff", testing::graph_diff()}};
  const CheckResult deep{"x", Verdict::kFail, "", "", {{"inputs", EvidenceRows{{}, {{"first", inner}}}}}};
  CHECK_THAT(html_figures(deep), Contains("<figcaption>inputs 2, first, graph_diff</figcaption>"));
  CheckResult many{"x", Verdict::kFail, "", "", {{"inputs", EvidenceRows(23, inner)}}};
  CHECK_THAT(html_figures(many), Contains("… 3 more figures"));
  CHECK(html_figures({"x", Verdict::kFail, "", "", {}}).empty());
}

TEST_CASE("html_figures: the axis of layers names the parts of the model, under a root or without one") {
  for (const std::string root : {"bert.", ""}) {
    EvidenceRows rows;
    const auto add = [&](const std::string& module) {
      for (int i = 0; i < 10; ++i) {
        rows.push_back({{"module", module}, {"max_abs_error", 1e-7}});
      }
    };
    add(root + "embeddings.word_embeddings");
    add(root + "encoder.layer.0.output");
    add(root + "pooler.dense");
    add("");
    const std::string markup = html_figures({"source", Verdict::kPass, "", "", {{"layers", rows}}});
    for (const char* label : {">embeddings</text>", ">layer 0</text>", ">pooler</text>", ">(root)</text>"}) {
      CHECK_THAT(markup, Contains(label));
    }
  }
}

TEST_CASE(
    "html_figures: the grid has a cell for each shape, its mark in words too, and blanks for what was not tried") {
  const CheckResult check{
      "shapes",
      Verdict::kPass,
      "",
      "",
      {{"grid", EvidenceRows{{{"batch", int64_t{1}}, {"length", int64_t{7}}, {"outcome", std::string("works")}},
                             {{"batch", int64_t{2}},
                              {"length", int64_t{512}},
                              {"outcome", std::string("fails")},
                              {"detail", std::string("a \"b\"")}}}}}};
  const std::string markup = html_figures(check);
  CHECK_THAT(markup,
             Contains("<td class=\"works\"><span role=\"img\" title=\"1x7 works\" aria-label=\"works\">✓</span></td>"));
  CHECK_THAT(markup, Contains("title=\"2x512 fails: a &quot;b&quot;\" aria-label=\"fails\">✗"));
  CHECK_THAT(markup, Contains("title=\"not tried\"") && Contains("fails, the smallest 2x512"));
}

TEST_CASE("html_diff: changed lines stand side by side with what changed marked, far equal ones are counted") {
  const std::string markup = html_diff("d", testing::graph_diff().text);
  CHECK_THAT(markup, Contains("<td class=\"gap\" colspan=\"4\">… 37 equal lines</td>"));
  CHECK_THAT(
      markup,
      Contains(
          "<tr><td class=\"at\">41</td><td class=\"minus\">%40 : int = prim::Constant[value=<mark>7</mark>]()</td>"
          "<td class=\"at\">41</td><td class=\"plus\">%40 : int = prim::Constant[value=<mark>9</mark>]()</td></tr>"));
  CHECK_THAT(markup, Contains("<td class=\"minus\">%42 : Tensor = aten::gelu(%41, %none)</td>"
                              "<td class=\"at\">43</td><td class=\"plus\">%42 : Tensor = aten::tanh(%41)</td></tr>\n"
                              "<tr><td class=\"at\"></td><td></td><td class=\"at\">44</td>"));
  CHECK_THAT(markup, Contains("größer &lt;b&gt;"));
  CHECK_THAT(markup, Contains("<td class=\"at\">44</td><td class=\"equal\">return (%42)</td><td class=\"at\">45</td>"));
}

TEST_CASE("html_diff: marks count characters, not bytes, and a long diff ends with a count") {
  CHECK_THAT(html_diff("d", "- äöx\n?   ^\n+ äöy\n?   ^"),
             Contains("äö<mark>x</mark>") && Contains("äö<mark>y</mark>"));
  std::string diff;
  for (int i = 0; i < 2005; ++i) {
    diff += "+ a\n";
  }
  CHECK_THAT(html_diff("d", diff), Contains("… 5 more rows in the JSON report"));
  CHECK_NOTHROW(html_diff("d", ""));
  CHECK_THAT(html_diff("d", "?\n\n-\n+\n\tä"), Contains("<td class=\"equal\">\tä</td>"));
}

}  // namespace
}  // namespace bertjit
