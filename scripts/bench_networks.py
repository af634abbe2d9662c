"""Rows of bench.py: one classifier in bertjit, onnxruntime and CTranslate2, float32 and int8, one thread.

Each side is a process of its own that loads, warms up and times several runs; sides take turns, so that a slow spell of
the machine meets all of them, and medians are over all runs of a side. All get the same ids. On the pairs of MRPC the
logits are compared too, with ours in float32: speed counts only at like answers.
"""

import json
import math
import random
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BATCH, LENGTH = 8, 128
LONGEST_AIM = 1 / 2
ENGINES = ("onnxruntime", "ctranslate2")


@dataclass
class Tools:
    """Where things are, and how bench.py runs a command that prints one JSON document."""

    bertjit: Path
    python: Path
    peers: Path
    out: Path
    source: Path  # the checkpoint
    data: Path  # dev.tsv of MRPC
    output_of: Callable


@dataclass
class Kind:
    """A file of ours, what the peers have beside it, and the greatest ratio to onnxruntime's time that we aim for."""

    name: str
    file: str
    dtype: str
    aim: float


KINDS = [
    Kind("float32", "plain", "float32", 1.05),
    Kind("float32 --fuse", "fused", "float32", 1.05),
    Kind("int8 per channel", "channel", "int8", 1.1),
    Kind("int8 per token", "token", "int8", 1.1),
]


@dataclass
class Work:
    """What is run: `rows` texts, in `name`'s words. Of MRPC, `padding` is a length or "longest"."""

    name: str
    rows: int
    padding: str
    runs: int
    rounds: int


WORKS = [
    Work("1x128", 1, str(LENGTH), runs=30, rounds=5),
    Work("8x128", 8, str(LENGTH), runs=10, rounds=4),
    Work("the 408 pairs of MRPC, padded to 128", 408, str(LENGTH), runs=1, rounds=2),
    Work("the 408 pairs of MRPC, padded to the longest", 408, "longest", runs=1, rounds=3),
]


def prepare(tools):
    """Exports the networks of all sides, and writes what they read."""
    tools.out.mkdir(parents=True, exist_ok=True)
    if not (tools.out / "ctranslate2-int8" / "model.bin").exists():
        run([tools.python, tools.peers / "export_networks.py", tools.source, tools.out])
    for name, options in (("plain", []), ("fused", ["--fuse"])):
        run([tools.bertjit, "trace", tools.source, "-o", tools.out / f"{name}.pt", "--threads", "1", *options])
    schemes = {"channel": ["per-channel", "--reduce-range", "off"], "token": ["per-token"]}
    for name, options in schemes.items():
        command = ["quantize", tools.out / "plain.pt", "-o", tools.out / f"{name}.pt", "--embeddings", "int8"]
        run([tools.bertjit, *command, "--threads", "1", "--scheme", *options])
    expected = [tools.out / "plain.pt", *padded_to(tools, "longest"), "--logits", tools.out / "expected-logits.json"]
    run([tools.bertjit, "eval", *expected, "--quiet"])
    ids = random.Random(0)
    for rows in (1, BATCH):
        texts = [[ids.randrange(1000, 30000) for _ in range(LENGTH)] for _ in range(rows)]
        segments = [[int(place >= LENGTH // 2) for place in range(LENGTH)]] * rows
        batch = {"input_ids": texts, "attention_mask": [[1] * LENGTH] * rows, "token_type_ids": segments}
        (tools.out / f"{rows}.json").write_text(json.dumps(batch))
        lines = [{key: batch[key][row] for key in batch} for row in range(rows)]
        write_lines(tools.out / f"{rows}.jsonl", lines)
    pairs = [line.split("\t")[3:5] for line in tools.data.read_text(encoding="utf-8-sig").split("\n")[1:] if line]
    texts = "".join(json.dumps({"text": pair[0], "text_pair": pair[1]}) + "\n" for pair in pairs)
    tokenize = ["tokenize", "--tokenizer", tools.source, "--jsonl", "--truncation", "true", "--max-length", LENGTH]
    (tools.out / "408.jsonl").write_text(run([tools.bertjit, *tokenize], texts))


def padded_to(tools, padding):
    """The flags of `eval` for the pairs of MRPC."""
    flags = ["--tokenizer", tools.source, "--task", "mrpc", "--data", tools.data, "--batch-size", BATCH, "--threads", 1]
    return [*flags, "--padding", "longest" if padding == "longest" else "max", "--max-seq-length", LENGTH]


def run(command, text=""):
    words = [str(word) for word in command]
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: exit {done.returncode} from: {' '.join(words)}\n{done.stderr}")
    return done.stdout


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))


@dataclass
class NetworkRow:
    """One kind on one work."""

    tools: Tools
    kind: Kind
    work: Work
    measured: dict = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.tools.source.name} {self.kind.name}, {self.work.name}"

    def measure(self):
        samples, logits = {"bertjit": [], **{engine: [] for engine in ENGINES}}, {}
        for _ in range(self.work.rounds):
            for side, seconds in samples.items():
                answer = self.ours() if side == "bertjit" else self.theirs(side)
                seconds += answer["seconds"]
                logits[side] = answer["logits"]
        medians = {side: statistics.median(seconds) for side, seconds in samples.items()}
        self.measured = {
            "seconds": medians,
            "ratio": {engine: medians["bertjit"] / medians[engine] for engine in ENGINES},
            "size_bytes": {side: self.size_of(side) for side in samples},
        }
        if logits["bertjit"] is not None:
            expected = read_logits(self.tools.out / "expected-logits.json")
            self.measured["against_float32"] = {side: likeness(expected, answer) for side, answer in logits.items()}

    def ours(self):
        out, work = self.tools.out, self.work
        module = out / f"{self.kind.file}.pt"
        if work.rows <= BATCH:
            command = ["bench", module, "--inputs", out / f"{work.rows}.json", "--threads", 1, "--runs", work.runs]
            rows = self.tools.output_of([self.tools.bertjit, *command, "--format", "json"])["rows"]
            return {"seconds": rows[0]["runs_s"], "logits": None}
        written = out / f"{self.kind.file}-logits.json"
        files = ["--logits", written, "--format", "json", "--quiet"]
        command = [self.tools.bertjit, "eval", module, *padded_to(self.tools, work.padding), *files]
        answer = self.tools.output_of(command)
        seconds = [timing["seconds"] for timing in answer["data"][0]["models"][0]["timings"]]
        return {"seconds": seconds, "logits": read_logits(written)}

    def theirs(self, engine):
        out, work = self.tools.out, self.work
        what = [f"{engine}-{self.kind.dtype}", self.tools.source, out, out / f"{work.rows}.jsonl"]
        return self.tools.output_of(
            [self.tools.python, self.tools.peers / "classify.py", *what, BATCH, work.padding, work.runs]
        )

    def size_of(self, side):
        out = self.tools.out
        files = {
            "bertjit": out / f"{self.kind.file}.pt",
            "onnxruntime": out / f"{self.kind.dtype}.onnx",
            "ctranslate2": out / f"ctranslate2-{self.kind.dtype}" / "model.bin",
        }
        return files[side].stat().st_size


def read_logits(path):
    return [row["logits"] for row in json.loads(path.read_text())["answers"][0]["rows"]]


def likeness(expected, actual):
    """How far logits are from others, and how many answers differ."""
    pairs = list(zip(expected, actual, strict=True))
    differences = [abs(a - b) for left, right in pairs for a, b in zip(left, right, strict=True)]
    return {
        "max_abs_difference": max(differences),
        "mean_abs_difference": math.fsum(differences) / len(differences),
        "changed": sum(left.index(max(left)) != right.index(max(right)) for left, right in pairs),
    }


def network_rows(tools):
    return [NetworkRow(tools, kind, work) for work in WORKS for kind in KINDS]


def network_lines(row, verdict):
    """A line of the table for each engine: ours, theirs, ratio, aim, sizes, likeness of both sides."""
    measured = row.measured
    for engine, ratio in measured["ratio"].items():
        aim = row.kind.aim
        sizes = "{:.1f} / {:.1f} MB".format(*(measured["size_bytes"][side] / 1e6 for side in ("bertjit", engine)))
        likeness_cells = [""]
        if "against_float32" in measured:
            sides = [measured["against_float32"][side] for side in ("bertjit", engine)]
            likeness_cells = [
                "answers changed {} / {}".format(*(side["changed"] for side in sides)),
                "logits moved by up to {:.1e} / {:.1e}".format(*(side["max_abs_difference"] for side in sides)),
            ]
        cells = [
            f"{row.name}, against {engine}",
            f"{measured['seconds']['bertjit'] * 1e3:.1f} ms",
            f"{measured['seconds'][engine] * 1e3:.1f} ms",
            f"{ratio:.3f}",
            f"<= {aim:g}: {verdict(ratio, aim)}" if engine == "onnxruntime" else "",
            sizes,
            *likeness_cells,
        ]
        yield "| " + " | ".join(cells + [""] * (8 - len(cells))) + " |"


def longest_lines(rows, verdict):
    """What `--padding longest` gains over `max`, in ours."""
    seconds = {(row.kind.name, row.work.padding, row.work.rows): row.measured["seconds"]["bertjit"] for row in rows}
    for kind in KINDS:
        longest, padded = (seconds.get((kind.name, padding, 408)) for padding in ("longest", str(LENGTH)))
        if longest and padded:
            ratio = longest / padded
            yield (
                f"| eval {kind.name}, --padding longest against max | {longest * 1e3:.0f} ms | {padded * 1e3:.0f} ms | "
                f"{ratio:.3f} | <= {LONGEST_AIM:g}: {verdict(ratio, LONGEST_AIM)} | | | |"
            )
