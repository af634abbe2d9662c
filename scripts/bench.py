"""Measures whole processes of bertjit (A) against the programs they replace (B), one thread, A and B in turn.

    scripts/bench.sh [--runs N] [--only NAME]

Prints a table and writes build/bench/bench.json. Each value is the median of the runs; a ratio is A / B of the medians.
Ratios say whether an aim is reached; the seconds depend on the machine.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
BERTJIT = ROOT / "build" / "bertjit"
PEER_PYTHON = ROOT / ".deps" / "peers" / "bin" / "python"
PEERS = ROOT / "scripts" / "peers"
MINILM = ROOT.parent / "shared" / "models" / "minilm-mrpc"
START_UP_RUNS = 300


@dataclass
class Row:
    """Two commands that do the same, and the greatest A / B that we aim for."""

    name: str
    ours: list
    theirs: list
    time_aim: float
    memory_aim: float | None = None
    runs: int | None = None
    needs: Path | None = None
    measured: dict = field(default_factory=dict)


def run_once(command):
    """Seconds and greatest resident set (bytes) of one process, its output thrown away.

    The resident set is never below this driver's own, about 17 MB: the kernel counts the memory a process is born with.
    """
    words = [str(word) for word in command]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(OUT / "stderr.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    ]
    program = shutil.which(words[0])
    begin = time.perf_counter()
    process = os.posix_spawn(program, words, environment, file_actions=streams)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    exit_code = os.waitstatus_to_exitcode(status)
    if exit_code != 0:
        raise SystemExit(f"bench: exit {exit_code} from: {shlex.join(words)}\n{(OUT / 'stderr.log').read_text()}")
    return seconds, usage.ru_maxrss * 1024


def measure(row, runs):
    """Alternates the two commands, so that a slow spell of the machine meets both. The first round warms the caches."""
    samples = {"ours": [], "theirs": []}
    for number in range(runs + 1):
        for side in samples:
            sample = run_once(getattr(row, side))
            if number > 0:
                samples[side].append(sample)
    for side, values in samples.items():
        seconds, memory = zip(*values)
        row.measured[side] = {
            "command": [str(word) for word in getattr(row, side)],
            "time_s": statistics.median(seconds),
            "min_time_s": min(seconds),
            "max_time_s": max(seconds),
        }
        if row.memory_aim:
            row.measured[side]["memory_bytes"] = statistics.median(memory)
    for unit in ("time_s", "memory_bytes") if row.memory_aim else ("time_s",):
        row.measured[unit + "_ratio"] = row.measured["ours"][unit] / row.measured["theirs"][unit]


def bert_base():
    """A checkpoint of BERT-base's size, made once."""
    folder = OUT / "bert-base"
    if not (folder / "vocab.txt").exists():
        subprocess.run(
            [PEER_PYTHON, PEERS / "make_bert_base.py", ROOT / "testdata" / "tiny-bert" / "vocab.txt", folder], check=True
        )
    return folder


def trace_row(name, source):
    return Row(
        name,
        [BERTJIT, "trace", source, "-o", OUT / "ours.pt", "--threads", "1"],
        [PEER_PYTHON, PEERS / "trace.py", source, OUT / "theirs.pt"],
        time_aim=1 / 5,
        memory_aim=1 / 2,
        needs=source,
    )


def rows():
    small = OUT / "1kB.bin"
    small.write_bytes(bytes(range(256)) * 4)
    return [
        trace_row("trace, BERT-base size", bert_base()),
        trace_row("trace, MiniLM", MINILM),
        Row("start-up: checksum of 1 kB", [BERTJIT, "checksum", small], ["sha512sum", small], 3, runs=START_UP_RUNS),
    ]


def verdict(ratio, aim):
    return "yes" if ratio <= aim else "NO"


def table_line(row):
    if not row.measured:
        return f"| {row.name} | skipped: {os.path.relpath(row.needs, ROOT)} is absent | | | | | | |"
    ours, theirs = row.measured["ours"], row.measured["theirs"]
    time_ratio = row.measured["time_s_ratio"]
    cells = [
        row.name,
        f"{ours['time_s'] * 1e3:.1f} ms",
        f"{theirs['time_s'] * 1e3:.1f} ms",
        f"{time_ratio:.3f}",
        f"<= {row.time_aim:g}: {verdict(time_ratio, row.time_aim)}",
    ]
    if row.memory_aim:
        memory_ratio = row.measured["memory_bytes_ratio"]
        cells += [
            f"{ours['memory_bytes'] / 1e6:.0f} / {theirs['memory_bytes'] / 1e6:.0f} MB",
            f"{memory_ratio:.3f}",
            f"<= {row.memory_aim:g}: {verdict(memory_ratio, row.memory_aim)}",
        ]
    else:
        cells += ["", "", ""]
    return "| " + " | ".join(cells) + " |"


def to_json(row):
    return {"name": row.name, "time_aim": row.time_aim, "memory_aim": row.memory_aim} | (
        row.measured or {"skipped": f"{os.path.relpath(row.needs, ROOT)} is absent"}
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each side, after one that is not counted")
    parser.add_argument("--only", default="", help="measure only rows whose name holds this")
    options = parser.parse_args()

    OUT.mkdir(parents=True, exist_ok=True)
    measured = [row for row in rows() if options.only in row.name]
    print("| what | bertjit | peer | ratio | aim | memory | ratio | aim |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in measured:
        if row.needs is None or row.needs.exists():
            measure(row, row.runs or options.runs)
        print(table_line(row), flush=True)
    document = {
        "schema": "bertjit.bench_script/1",
        "environment": {"machine": platform.machine(), "system": platform.platform(), "cores": os.cpu_count()},
        "runs": options.runs,
        "rows": [to_json(row) for row in measured],
    }
    (OUT / "bench.json").write_text(json.dumps(document, indent=2) + "\n")


main()
