"""Measures bertjit (A) against its peers (B), in turn: `scripts/bench.sh --help`.

Each value is the median of the runs; a ratio is A / B of the medians. Ratios say whether an aim is reached; the seconds
depend on the machine.
"""

import argparse
import json

import networks
import page
import processes
import tokenization
from measure import OUT, as_json, from_json

SECTIONS = {
    "Programs": processes.rows,
    "Tokenizers": tokenization.rows,
    "Networks": networks.rows,
}
RESULTS = OUT / "bench.json"


def measure(options):
    OUT.mkdir(parents=True, exist_ok=True)
    document = {"schema": "bertjit.bench_script/2", "environment": page.environment(), "sections": {}, "skipped": []}
    print(page.table_head())
    for section, rows in SECTIONS.items():
        figures = document["sections"].setdefault(section, [])
        for row in rows():
            if options.only not in row.name:
                continue
            if row.absent:
                document["skipped"].append(f"{row.name}: {row.absent.name} is absent")
                continue
            for figure in row.measure(options.runs):
                figures.append(as_json(figure))
                print(page.table_line(figure), flush=True)
    for words in document["skipped"]:
        print(f"skipped: {words}")
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/bench.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each side, after one that is not counted")
    parser.add_argument("--only", default="", help="measure only rows whose name holds this, and write no page")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page of the last results")
    options = parser.parse_args()
    if not options.page:
        measure(options)
    if options.page or not options.only:
        document = json.loads(RESULTS.read_text())
        sections = {name: [from_json(each) for each in figures] for name, figures in document["sections"].items()}
        page.write(sections, document["environment"], document["skipped"])


main()
