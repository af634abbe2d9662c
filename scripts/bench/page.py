"""Figures as lines of a table, and as docs/benchmarks.md with a plot for each section."""

import datetime
import importlib.metadata
import os
import platform
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from measure import BERTJIT, ROOT, text_of  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"
PACKAGES = ("torch", "transformers", "tokenizers", "onnxruntime", "ctranslate2")

INTRODUCTION = """\
# Benchmarks

bertjit beside the programs it replaces and those that do the same: time, memory and size, as `scripts/bench.sh` measured them
in one run. It writes this page; nothing here is written by hand.

**Ratio** is the median of our times over the median of theirs: below 1 we are faster. **Aim** is the ratio that we want to
reach, and whether this run did. Both sides take turns, so a slow spell of the machine meets both. **Spread** is the middle half of
a side's samples over their median, ours / theirs. Ratios hold from machine to machine better than times do, where the CPUs are
alike: which instructions there are decides much of what is below under networks.

What makes the difference, and what was tried in vain, is in [performance.md](performance.md).
"""

WORDS = {
    "Programs": "Whole processes, from start to end, on one thread where nothing else is said. Memory is the greatest "
    "resident set.",
    "Tokenizers": "All 5801 pairs of MRPC, with equal ids on both sides. Tokenization is without the start of either "
    "program and the reading of the tokenizer's files.",
    "Networks": "Steady state on one thread where nothing else is said, loading left out. The peers of MiniLM's classifier "
    "are onnxruntime (its own `quantize_dynamic` for int8) and CTranslate2 (its own int8). Size is that of the file of "
    "weights. Answers and logits are held to our float32's.",
}


def environment():
    cpu = Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*:(.*)$", cpu, re.M)[1].split())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16")
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": re.search(r"^model name\s*:\s*(.*)$", cpu, re.M)[1],
        "instructions": [flag for flag in wanted if flag in flags],
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory) * 1024 / 1e9),
        "system": platform.platform(),
        "versions": {
            "bertjit": text_of([BERTJIT, "--version"]).split()[-1],
            **{package: importlib.metadata.version(package) for package in PACKAGES},
            "Python": platform.python_version(),
            "openssl": text_of(["openssl", "version"]).split()[1],
            "sha512sum": text_of(["sha512sum", "--version"]).split("\n")[0].split()[-1],
        },
    }


def seconds_text(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def spread_text(side):
    return "" if side.spread is None else f"{side.spread:.0%}"


def both(ours, theirs, unit):
    return "" if None in (ours, theirs) else f"{ours / 1e6:.3g} / {theirs / 1e6:.3g} {unit}"


def aim_text(ratio, aim):
    if aim is None or ratio is None:
        return ""
    return f"<= {aim:.3g}: {'yes' if ratio <= aim else '**no**'}"


def table_head():
    cells = ["what", "beside", "ours", "theirs", "ratio", "aim", "spread", "memory, ratio, aim", "size", ""]
    return f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}"


def table_line(figure):
    ours, theirs = figure.ours, figure.theirs
    memory = both(ours.memory_bytes, theirs.memory_bytes, "MB")
    if figure.memory_ratio is not None:
        memory += f", {figure.memory_ratio:.2f}, {aim_text(figure.memory_ratio, figure.memory_aim)}"
    cells = [
        figure.name,
        figure.peer,
        seconds_text(ours.median),
        seconds_text(theirs.median),
        f"{figure.ratio:.3f}",
        aim_text(figure.ratio, figure.aim),
        " / ".join(filter(None, (spread_text(ours), spread_text(theirs)))),
        memory,
        both(ours.size_bytes, theirs.size_bytes, "MB"),
        figure.note,
    ]
    return f"| {' | '.join(cells)} |"


def plot(section, figures, path):
    """A bar for each ratio, on a logarithmic scale from 1: to the left we are faster; a tick where the aim is."""
    grey, reached, missed = "#8a8f98", "#2f9e6e", "#d9773c"
    style = {"svg.hashsalt": section, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    with matplotlib.rc_context(style | {key: grey for key in ("text.color", "axes.edgecolor", "xtick.color")}):
        drawing, axes = pyplot.subplots(figsize=(9, 0.6 + 0.27 * len(figures)))
        for place, figure in enumerate(figures):
            is_missed = figure.aim is not None and figure.ratio > figure.aim
            axes.barh(place, figure.ratio - 1, left=1, height=0.6, color=missed if is_missed else reached)
            if figure.aim is not None:
                axes.plot([figure.aim] * 2, [place - 0.4, place + 0.4], color=grey, linewidth=1.5)
        axes.set_xscale("log")
        axes.axvline(1, color=grey, linewidth=1)
        ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        names = [f"{figure.name} / {figure.peer}" for figure in figures]
        axes.set_yticks(range(len(figures)), names, color=grey)
        axes.invert_yaxis()
        axes.set_title("our time over theirs; the tick is the aim", color=grey, fontsize=9, loc="left")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="y", length=0)
        drawing.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
        pyplot.close(drawing)


def write(sections, machine, skipped):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    parts = [
        INTRODUCTION,
        "## The machine\n",
        f"{machine['processor']} with {', '.join(machine['instructions'])}; {machine['cores']} cores, "
        f"{machine['memory_gb']} GB; {machine['system']}; {machine['date']}.\n\n{versions}.\n",
    ]
    PLOTS.mkdir(exist_ok=True)
    for section, figures in sections.items():
        path = PLOTS / f"{section.lower()}.svg"
        plot(section, figures, path)
        lines = "\n".join(table_line(figure) for figure in figures)
        parts.append(f"## {section}\n\n{WORDS[section]}\n")
        parts.append(f"![{section}: our time over theirs]({PLOTS.name}/{path.name})\n\n{table_head()}\n{lines}\n")
    parts.append(losses([figure for figures in sections.values() for figure in figures]))
    if skipped:
        parts.append("## Not measured\n\n" + "".join(f"- {words}\n" for words in skipped))
    PAGE.write_text("\n".join(parts))


def losses(figures):
    """What missed its aim, by how much, so that nobody has to look for it."""
    lines = [
        f"- {figure.name}, beside {figure.peer}: {what} {ratio:.3f}, aim {aim:.3g}\n"
        for figure in figures
        for what, ratio, aim in (
            ("time", figure.ratio, figure.aim),
            ("memory", figure.memory_ratio, figure.memory_aim),
        )
        if aim is not None and ratio is not None and ratio > aim
    ]
    return "## Aims missed\n\n" + ("".join(lines) or "None.\n")
