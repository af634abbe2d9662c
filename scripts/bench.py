"""Measures whole processes of bertjit (A) against the programs they replace (B), one thread, A and B in turn.

    scripts/bench.sh [--runs N] [--only NAME]

Prints a table and writes build/bench/bench.json. Each value is the median of the runs; a ratio is A / B of the medians.
Ratios say whether an aim is reached; the seconds depend on the machine.
"""

import argparse
import json
import os
import platform
import random
import shlex
import shutil
import statistics
import string
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench_networks import Tools, longest_lines, network_lines, network_rows, prepare

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
BERTJIT = ROOT / "build" / "bertjit"
PEER_PYTHON = ROOT / ".deps" / "peers" / "bin" / "python"
PEERS = ROOT / "scripts" / "peers"
SHARED = ROOT.parent / "shared"
MINILM = SHARED / "models" / "minilm-mrpc"
MRPC = SHARED / "data" / "mrpc" / "dev.tsv"
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
    prepare: Callable[[], None] | None = None  # makes what both read, just before they are measured
    measured: dict = field(default_factory=dict)


def run_once(command, stdin=os.devnull):
    """Seconds and greatest resident set (bytes) of one process, its output thrown away.

    The resident set is never below this driver's own, about 17 MB: the kernel counts the memory a process is born with.
    """
    words = [str(word) for word in command]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0),
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
    if row.prepare:
        row.prepare()
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


def verify_row(name, source):
    traced, shapes = OUT / f"{name.split(', ')[1]}.pt", ["1x7", "8x32", "2x128"]

    def trace():
        run_once([BERTJIT, "trace", source, "-o", traced])

    ours = [BERTJIT, "verify", traced, "--source", source, "--only", "grad-mode,roundtrip,check-inputs"]
    return Row(
        name,
        [*ours, "--check-shapes", ",".join(shapes), "--threads", "1"],
        [PEER_PYTHON, PEERS / "verify.py", traced, source, *shapes],
        time_aim=1 / 4,
        memory_aim=1 / 2,
        needs=source,
        prepare=trace,
    )


def make_random_file(path, megabytes):
    if not path.exists() or path.stat().st_size != megabytes * 1_000_000:
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(random.randbytes(1_000_000))


def checksum_rows(small):
    """One stream, and many files: rates are the inverse of times, so an aim of 0.97 of a rate is one of 1 / 0.97 here."""
    large, part = OUT / "440MB.bin", OUT / "100MB.bin"
    many = [OUT / "40x100MB" / f"{number:02}.bin" for number in range(40)]

    def make_large():
        make_random_file(large, 440)

    def make_many():
        make_random_file(part, 100)
        many[0].parent.mkdir(exist_ok=True)
        for name in many:
            name.unlink(missing_ok=True)
            name.hardlink_to(part)

    def of_many(threads):
        return [BERTJIT, "checksum", "--threads", threads, *many]

    def of_large(name, peer, aim):
        return Row(name, [BERTJIT, "checksum", large], [*peer, large], aim, runs=3, prepare=make_large)

    return [
        Row("start-up: checksum of 1 kB", [BERTJIT, "checksum", small], ["sha512sum", small], 3, runs=START_UP_RUNS),
        of_large("checksum of 440 MB, against openssl", ["openssl", "dgst", "-sha512"], 1 / 0.97),
        of_large("checksum of 440 MB, against sha512sum", ["sha512sum"], 1 / 1.3),
        Row("checksum of 40 x 100 MB, 2 threads against 1", of_many(2), of_many(1), 1 / 1.9, runs=2, prepare=make_many),
    ]


def trace_file_row(file, name):
    """A name that its file traces: checked by both sides, with the inputs that the file writes."""
    path = ROOT / "testdata" / "source" / file
    return Row(
        f"trace, {path.name}:{name}",
        [BERTJIT, "trace", f"{path}:{name}", "-o", OUT / "ours.pt", "--threads", "1"],
        [PEER_PYTHON, PEERS / "trace_file.py", path, name, OUT / "theirs.pt"],
        time_aim=1 / 5,
        memory_aim=1 / 2,
    )


def rows():
    small = OUT / "1kB.bin"
    small.write_bytes(bytes(range(256)) * 4)
    return [
        trace_row("trace, BERT-base size", bert_base()),
        trace_row("trace, MiniLM", MINILM),
        verify_row("verify, BERT-base size", bert_base()),
        verify_row("verify, MiniLM", MINILM),
        trace_file_row("mixing/trace_cell.py", "traced_cell"),
        trace_file_row("mixing/rnn_loop.py", "traced"),
        *checksum_rows(small),
    ]


@dataclass
class ForwardRow:
    """One model at one shape, eager and traced: steady-state seconds a batch, loading left out."""

    name: str
    source: Path
    batch: int
    seq: int
    rounds: int = 2
    runs: int = 5
    measured: dict = field(default_factory=dict)

    def measure(self):
        """A few processes of each side in turn; each gives the seconds of several runs."""
        module = OUT / "forward.pt"
        run_once([BERTJIT, "trace", self.source, "-o", module, "--threads", "1"])
        samples = {"ours": {"eager": [], "torchscript": []}, "theirs": {"eager": [], "torchscript": []}}
        shape = ["--batch", str(self.batch), "--seq", str(self.seq), "--threads", "1", "--runs", str(self.runs)]
        for _ in range(self.rounds):
            ours = output_of([BERTJIT, "bench", self.source, module, *shape, "--format", "json"])
            for row in ours["rows"]:
                samples["ours"][row["kind"]] += row["runs_s"]
            theirs = output_of([PEER_PYTHON, PEERS / "forward.py", self.source, self.batch, self.seq, self.runs])
            for kind, seconds in theirs.items():
                samples["theirs"][kind] += seconds
        for kind in ("eager", "torchscript"):
            medians = {side: statistics.median(values[kind]) for side, values in samples.items()}
            fastest = {side: min(values[kind]) for side, values in samples.items()}
            self.measured[kind] = {
                "ours_s": medians["ours"],
                "theirs_s": medians["theirs"],
                "ratio": medians["ours"] / medians["theirs"],
                "ratio_of_fastest": fastest["ours"] / fastest["theirs"],
            }


def output_of(command):
    words = [str(word) for word in command]
    environment = dict(os.environ, OMP_NUM_THREADS="1", TRANSFORMERS_VERBOSITY="error")
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: exit {done.returncode} from: {shlex.join(words)}\n{done.stderr}")
    return json.loads(done.stdout)


def forward_rows():
    return [
        ForwardRow("forward 8x128, BERT-base size", bert_base(), 8, 128),
        ForwardRow("forward 8x128, MiniLM", MINILM, 8, 128, runs=10),
    ]


def forward_lines(row):
    for kind, values in row.measured.items():
        yield (
            f"| {row.name}, {kind} | {values['ours_s'] * 1e3:.1f} ms | {values['theirs_s'] * 1e3:.1f} ms | "
            f"{values['ratio']:.3f} | <= 1: {verdict(values['ratio'], 1)} | fastest runs: "
            f"{values['ratio_of_fastest']:.3f} | | |"
        )


def text_lines():
    """All pairs of MRPC, a tab between the texts; where it is absent, as many of random words."""
    path = OUT / "lines.txt"
    sources = [SHARED / "data" / "mrpc" / f"{part}.tsv" for part in ("train", "dev", "test")]
    if all(source.exists() for source in sources):
        rows = [row for source in sources for row in source.read_text(encoding="utf-8-sig").split("\n")[1:-1]]
        lines = ["\t".join(row.split("\t")[3:5]) for row in rows]
    else:
        words = random.Random(0)
        lines = [
            "\t".join(
                " ".join("".join(words.choices(string.ascii_lowercase, k=words.randint(1, 9))) for _ in range(20))
                for _ in range(2)
            )
            for _ in range(5800)
        ]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@dataclass
class TokenizeRow:
    """One tokenizer on all lines: whole processes that write JSON, and tokenization.

    Our tokenization is the whole process less one that gets no line, so that it still holds the reading of lines and the
    writing of JSON. Theirs is the library's calls alone, the faster of a loop and a batch.
    """

    name: str
    tokenizer: Path
    threads: int
    measured: dict = field(default_factory=dict)

    def measure(self, runs):
        lines = text_lines()
        ours = [BERTJIT, "tokenize", "--tokenizer", self.tokenizer, "--threads", self.threads]
        theirs = [PEER_PYTHON, PEERS / "tokenize_lines.py", self.tokenizer, lines, self.threads]
        self.check_same(ours, theirs, lines)
        samples = {"ours": [], "ours_empty": [], "theirs": []}
        for _ in range(runs):
            samples["ours"].append(run_once(ours, lines)[0])
            samples["ours_empty"].append(run_once(ours)[0])
            samples["theirs"].append(run_once(theirs)[0])
        alone = output_of([*theirs, "--time", runs])
        medians = {side: statistics.median(values) for side, values in (samples | alone).items()}
        tokenization = {
            "ours_s": medians["ours"] - medians["ours_empty"],
            "theirs_one_by_one_s": medians["one_by_one_s"],
            "theirs_batch_s": medians["batch_s"],
        }
        fastest = min(medians["one_by_one_s"], medians["batch_s"])
        self.measured = {
            "whole_process": {
                "ours_s": medians["ours"],
                "theirs_s": medians["theirs"],
                "ratio": medians["ours"] / medians["theirs"],
            },
            "tokenization": tokenization | {"ratio": tokenization["ours_s"] / fastest},
        }

    def check_same(self, ours, theirs, lines):
        """Speed counts only at equal answers.

        The library's own `tokens` keep the text of an unknown token, and it always gives segments; transformers does
        neither, so both are left out.
        """
        with open(lines, "rb") as stdin:
            our_text = subprocess.run([str(word) for word in ours], stdin=stdin, capture_output=True, check=True).stdout
        their_text = subprocess.run([str(word) for word in theirs], capture_output=True, check=True).stdout
        keys = ("input_ids", "attention_mask")
        pairs = list(zip(our_text.splitlines(), their_text.splitlines(), strict=True))
        for number, (our_line, their_line) in enumerate(pairs, 1):
            our_answer, their_answer = json.loads(our_line), json.loads(their_line)
            if any(our_answer[key] != their_answer[key] for key in keys):
                raise SystemExit(f"bench: {self.name}: line {number} of {lines} is tokenized differently")


def tokenize_rows():
    """WordPiece, byte-level BPE and unigram, on one thread and on all."""
    folders = [SHARED / "fixtures" / name for name in ("tok-bert-uncased", "tok-roberta-bpe", "tok-xlm-roberta")]
    folders = [folder for folder in folders if folder.exists()] or [ROOT / "testdata" / "tiny-bert"]
    counts = sorted({1, os.cpu_count()})
    return [
        TokenizeRow(f"tokenize, {folder.name}, {count} thread{'s' * (count > 1)}", folder, count)
        for folder in folders
        for count in counts
    ]


def tokenize_lines(row):
    whole, alone = row.measured["whole_process"], row.measured["tokenization"]
    theirs = min(alone["theirs_one_by_one_s"], alone["theirs_batch_s"])
    for what, ours_s, theirs_s, ratio in (
        ("whole process", whole["ours_s"], whole["theirs_s"], whole["ratio"]),
        ("tokenization", alone["ours_s"], theirs, alone["ratio"]),
    ):
        yield (
            f"| {row.name}: {what} | {ours_s * 1e3:.1f} ms | {theirs_s * 1e3:.1f} ms | {ratio:.3f} | "
            f"<= 1: {verdict(ratio, 1)} | | | |"
        )


def networks(only):
    """Rows of bench_networks.py, printed as they are measured."""
    tools = Tools(BERTJIT, PEER_PYTHON, PEERS, OUT / "networks", MINILM, MRPC, output_of)
    rows = [row for row in network_rows(tools) if only in row.name] if MINILM.exists() and MRPC.exists() else []
    if rows:
        prepare(tools)
    for row in rows:
        row.measure()
        print("\n".join(network_lines(row, verdict)), flush=True)
    for line in longest_lines(rows, verdict):
        print(line)
    return rows


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
        f"<= {row.time_aim:.3g}: {verdict(time_ratio, row.time_aim)}",
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
    forward = [row for row in forward_rows() if options.only in row.name and row.source.exists()]
    for row in forward:
        row.measure()
        print("\n".join(forward_lines(row)), flush=True)
    tokenize = [row for row in tokenize_rows() if options.only in row.name]
    for row in tokenize:
        row.measure(options.runs)
        print("\n".join(tokenize_lines(row)), flush=True)
    compared = networks(options.only)
    document = {
        "schema": "bertjit.bench_script/1",
        "environment": {"machine": platform.machine(), "system": platform.platform(), "cores": os.cpu_count()},
        "runs": options.runs,
        "rows": [to_json(row) for row in measured],
        "forward": [{"name": row.name} | row.measured for row in forward],
        "tokenize": [{"name": row.name} | row.measured for row in tokenize],
        "networks": [{"name": row.name} | row.measured for row in compared],
    }
    (OUT / "bench.json").write_text(json.dumps(document, indent=2) + "\n")


main()
