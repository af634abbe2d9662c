#include "report/html_style.h"

namespace bertjit {

const char* html_style() {
  // Neither < nor & may stand here: the pages are well-formed XML too.
  return R"(
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f8fa; --line: #d0d7de; --text: #1f2328; --quiet: #57606a; --link: #0550ae;
  --pass: #116329; --pass-back: #d6f5dd; --fail: #a40e26; --fail-back: #ffe3e0; --warn: #7a4100; --warn-back: #fff1c9;
  --skip: #57606a; --skip-back: #eaeef2; --mark: #c11526; --curve: #0550ae; --bar: #6695d1;
  --minus: #ffebe9; --plus: #e2fbe8; --minus-word: #ffb8b2; --plus-word: #99e5ab;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --panel: #161b22; --line: #3d444d; --text: #e6edf3; --quiet: #9aa4af; --link: #79b8ff;
    --pass: #6fdd8b; --pass-back: #12361f; --fail: #ff9d95; --fail-back: #4c1519; --warn: #f0c05a; --warn-back: #40300b;
    --skip: #9aa4af; --skip-back: #21262d; --mark: #ff7b72; --curve: #79b8ff; --bar: #3c6fb0;
    --minus: #38181b; --plus: #12301c; --minus-word: #7d2a2d; --plus-word: #1f6b35;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; display: inline; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip-link:focus { position: static; }
.banner { border: 1px solid; border-left-width: .6rem; border-radius: .4rem; padding: .7rem 1rem; margin: 0 0 1rem; }
.banner strong { font-size: 1.35rem; margin-right: .8rem; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .warn { color: var(--warn); } .skip { color: var(--skip); }
.banner.pass, .badge.pass { background: var(--pass-back); } .banner.fail, .badge.fail { background: var(--fail-back); }
.banner.warn, .badge.warn { background: var(--warn-back); } .banner.skip, .badge.skip { background: var(--skip-back); }
.badge { display: inline-block; min-width: 3.4em; padding: 0 .5em; border-radius: .3em; font-weight: 600; text-align: center; }
.quiet { color: var(--quiet); }
code, pre, .mono { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; font-size: .875em; }
pre { margin: .4rem 0; padding: .6rem .8rem; background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  white-space: pre-wrap; tab-size: 4; }
.wide { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
table { border-collapse: collapse; }
caption { text-align: left; color: var(--quiet); padding: .2rem 0; }
th, td { border: 1px solid var(--line); padding: .2rem .55rem; text-align: left; vertical-align: top; }
th { background: var(--panel); font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide td, .wide th { overflow-wrap: normal; }
.wide td { max-width: 34rem; }
table.checks { width: 100%; } table.checks td:nth-child(n+3) { min-width: 12rem; } table.checks td:nth-child(3) { width: 42%; }
table.checks th[scope=row] { white-space: nowrap; } table.checks td { overflow-wrap: anywhere; }
table.grid td, table.grid th[scope=col] { text-align: center; min-width: 2.6rem; font-weight: 600; } table.grid .works { background: var(--pass-back); color: var(--pass); }
table.grid .fails { background: var(--fail-back); color: var(--fail); }
table.grid .wrong { background: var(--mark); color: var(--page); } table.grid .refused { background: var(--skip-back); color: var(--skip); }
.legend span { margin-right: 1.2rem; white-space: nowrap; } .legend b { display: inline-block; min-width: 1.6em; text-align: center; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
details.check { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .9rem; margin: .7rem 0; }
details.check > summary .line { margin-left: .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--quiet); } dd { margin: 0; }
figure caption, .skip-link { position: absolute; left: -99rem; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; margin-bottom: .2rem; }
svg.plot { display: block; width: 100%; height: auto; min-width: 34rem; font-size: 11px; }
svg.plot text { fill: var(--text); } svg.plot .axis { stroke: var(--quiet); } svg.plot .tick { stroke: var(--line); }
svg.plot .band { fill: var(--panel); } svg.plot .curve { fill: none; stroke: var(--curve); stroke-width: 1.5; }
svg.plot .point { fill: var(--curve); } svg.plot .marked { fill: var(--mark); }
svg.plot .mark { stroke: var(--mark); stroke-dasharray: 4 3; } svg.plot .bar { fill: var(--bar); }
table.diff { width: 100%; table-layout: fixed; } table.diff td { white-space: pre-wrap; overflow-wrap: anywhere; border-width: 0 1px; padding: 0 .5rem; }
table.diff .at { width: 4.2em; text-align: right; color: var(--quiet); background: var(--panel); }
table.diff .minus { background: var(--minus); } table.diff .plus { background: var(--plus); }
table.diff .minus mark { background: var(--minus-word); color: inherit; } table.diff .plus mark { background: var(--plus-word); color: inherit; }
table.diff tr:last-child td { border-bottom-width: 1px; }
table.diff .gap { color: var(--quiet); background: var(--panel); text-align: center; }
footer { margin-top: 2rem; color: var(--quiet); }
@media screen and (max-width: 44rem) {
  body { padding: .8rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin: 0 0 .3rem .8rem; }
  svg.plot { min-width: 60rem; }
  table.diff { min-width: 44rem; }
  table.grid td, table.grid th { min-width: 0; padding: .2rem .4rem; }
  table.checks, table.checks caption, table.checks tbody, table.checks tr, table.checks td { display: block; }
  table.checks tr:first-child, table.checks td:empty { display: none; }
  table.checks tr { border-top: 1px solid var(--line); padding: .4rem 0; }
  table.checks td, table.checks th[scope=row] { border: 0; padding: 0; background: none; max-width: none; }
  table.checks td:first-child, table.checks th[scope=row] { display: inline-block; width: auto; margin-right: .5rem; }
  table.checks td:nth-child(n+3) { width: auto; }
  table.checks td:nth-child(4)::before { content: "where: "; color: var(--quiet); }
  table.checks td:nth-child(5)::before { content: "to mend: "; color: var(--quiet); }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --panel: #f6f8fa; --line: #d0d7de; --text: #1f2328; --quiet: #57606a; --link: #0550ae;
    --pass: #116329; --pass-back: #d6f5dd; --fail: #a40e26; --fail-back: #ffe3e0; --warn: #7a4100; --warn-back: #fff1c9;
    --skip: #57606a; --skip-back: #eaeef2; --mark: #c11526; --curve: #0550ae; --bar: #6695d1;
    --minus: #ffebe9; --plus: #e2fbe8; --minus-word: #ffb8b2; --plus-word: #99e5ab;
  }
  * { print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .wide { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  figure, tr { break-inside: avoid; }
}
)";
}

}  // namespace bertjit
