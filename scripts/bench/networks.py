"""Networks on one thread: in ours, in torch, in onnxruntime and in CTranslate2, float32 and int8.

Each side is a process of its own that loads, warms up and times several runs; sides take turns, so that a slow spell of
the machine meets all of them, and medians are over all runs of a side. All get the same ids. On the pairs of MRPC the
logits are compared too, with ours in float32: speed counts only at like answers.
"""

import json
import math
import os
import random
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from measure import (
    BERTJIT,
    MINILM,
    MRPC,
    OUT,
    PEER_PYTHON,
    PEERS,
    Figure,
    Row,
    Side,
    bert_base,
    json_of,
    run_once,
    text_of,
)

BATCH, LENGTH = 8, 128
ENGINES = ("onnxruntime", "ctranslate2")
NETWORKS = OUT / "networks"


# --- Against torch ---


def forward(name, source, runs_of_one, _):
    """Eager and traced, steady state: a few processes of each side in turn, each with several runs."""
    checkpoint, module = source(), OUT / "forward.pt"
    run_once([BERTJIT, "trace", checkpoint, "-o", module, "--threads", 1])
    kinds = ("eager", "torchscript")
    samples = {kind: (Side([]), Side([])) for kind in kinds}
    shape = ["--batch", BATCH, "--seq", LENGTH, "--threads", 1, "--runs", runs_of_one]
    for _ in range(2):
        for row in json_of([BERTJIT, "bench", checkpoint, module, *shape, "--format", "json"])["rows"]:
            samples[row["kind"]][0].seconds += row["runs_s"]
        theirs = json_of([PEER_PYTHON, PEERS / "forward.py", checkpoint, BATCH, LENGTH, runs_of_one])
        for kind in kinds:
            samples[kind][1].seconds += theirs[kind]
    return [Figure(f"{name}, {kind}", "torch in Python", *samples[kind], aim=1) for kind in kinds]


# --- Against onnxruntime and CTranslate2 ---


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
    Work("8x128", BATCH, str(LENGTH), runs=10, rounds=4),
    Work("408 pairs padded to 128", 408, str(LENGTH), runs=1, rounds=2),
    Work("408 pairs padded to the longest", 408, "longest", runs=1, rounds=3),
]


@cache
def prepare():
    """Exports the networks of all sides, and writes what they read."""
    NETWORKS.mkdir(parents=True, exist_ok=True)
    if not (NETWORKS / "ctranslate2-int8" / "model.bin").exists():
        text_of([PEER_PYTHON, PEERS / "export_networks.py", MINILM, NETWORKS])
    for name, options in (("plain", []), ("fused", ["--fuse"])):
        text_of([BERTJIT, "trace", MINILM, "-o", NETWORKS / f"{name}.pt", "--threads", 1, *options])
    schemes = {"channel": ["per-channel", "--reduce-range", "off"], "token": ["per-token"]}
    for name, options in schemes.items():
        command = ["quantize", NETWORKS / "plain.pt", "-o", NETWORKS / f"{name}.pt", "--embeddings", "int8"]
        text_of([BERTJIT, *command, "--threads", 1, "--scheme", *options])
    expected = [NETWORKS / "plain.pt", *padded_to("longest"), "--logits", NETWORKS / "expected-logits.json"]
    text_of([BERTJIT, "eval", *expected, "--quiet"])
    ids = random.Random(0)
    for rows in (1, BATCH):
        texts = [[ids.randrange(1000, 30000) for _ in range(LENGTH)] for _ in range(rows)]
        segments = [[int(place >= LENGTH // 2) for place in range(LENGTH)]] * rows
        batch = {"input_ids": texts, "attention_mask": [[1] * LENGTH] * rows, "token_type_ids": segments}
        (NETWORKS / f"{rows}.json").write_text(json.dumps(batch))
        write_lines(NETWORKS / f"{rows}.jsonl", [{key: batch[key][row] for key in batch} for row in range(rows)])
    pairs = [line.split("\t")[3:5] for line in MRPC.read_text(encoding="utf-8-sig").split("\n")[1:] if line]
    texts = "".join(json.dumps({"text": pair[0], "text_pair": pair[1]}) + "\n" for pair in pairs)
    tokenize = ["tokenize", "--tokenizer", MINILM, "--jsonl", "--truncation", "true", "--max-length", LENGTH]
    (NETWORKS / "408.jsonl").write_text(text_of([BERTJIT, *tokenize], texts))


def padded_to(padding, threads=1):
    """The flags of `eval` for the pairs of MRPC."""
    flags = ["--tokenizer", MINILM, "--task", "mrpc", "--data", MRPC, "--batch-size", BATCH, "--threads", threads]
    return [*flags, "--padding", "longest" if padding == "longest" else "max", "--max-seq-length", LENGTH]


def write_lines(path, documents):
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))


def classify(name, kind, work, _):
    """One kind on one work: a figure for each engine."""
    prepare()
    sides, logits = {side: Side([], size_bytes=size_of(side, kind)) for side in ("bertjit", *ENGINES)}, {}
    for _ in range(work.rounds):
        for side, samples in sides.items():
            answer = ours(kind, work) if side == "bertjit" else theirs(side, kind, work)
            samples.seconds += answer["seconds"]
            logits[side] = answer["logits"]
    figures = []
    for engine in ENGINES:
        aim = kind.aim if engine == "onnxruntime" else None
        note = ""
        if logits["bertjit"] is not None:
            expected = read_logits(NETWORKS / "expected-logits.json")
            note = likeness(expected, logits["bertjit"], logits[engine])
        figures.append(Figure(name, engine, sides["bertjit"], sides[engine], aim, note=note))
    return figures


def ours(kind, work):
    module = NETWORKS / f"{kind.file}.pt"
    if work.rows <= BATCH:
        command = ["bench", module, "--inputs", NETWORKS / f"{work.rows}.json", "--threads", 1, "--runs", work.runs]
        rows = json_of([BERTJIT, *command, "--format", "json"])["rows"]
        return {"seconds": rows[0]["runs_s"], "logits": None}
    written = NETWORKS / f"{kind.file}-logits.json"
    answer = evaluate(module, [*padded_to(work.padding), "--logits", written])
    return {"seconds": [timing["seconds"] for timing in answer["timings"]], "logits": read_logits(written)}


def evaluate(module, flags):
    """What `eval` says of one model."""
    answer = json_of([BERTJIT, "eval", module, *flags, "--format", "json", "--quiet"])
    return answer["data"][0]["models"][0]


def theirs(engine, kind, work):
    what = [f"{engine}-{kind.dtype}", MINILM, NETWORKS, NETWORKS / f"{work.rows}.jsonl"]
    return json_of([PEER_PYTHON, PEERS / "classify.py", *what, BATCH, work.padding, work.runs])


def size_of(side, kind):
    files = {
        "bertjit": NETWORKS / f"{kind.file}.pt",
        "onnxruntime": NETWORKS / f"{kind.dtype}.onnx",
        "ctranslate2": NETWORKS / f"ctranslate2-{kind.dtype}" / "model.bin",
    }
    return files[side].stat().st_size


def read_logits(path):
    return [row["logits"] for row in json.loads(Path(path).read_text())["answers"][0]["rows"]]


def likeness(expected, our_logits, their_logits):
    """How many answers are others than float32's, and how far logits are from its on average, of both sides."""
    changed, moved = [], []
    for logits in (our_logits, their_logits):
        pairs = list(zip(expected, logits, strict=True))
        differences = [abs(a - b) for left, right in pairs for a, b in zip(left, right, strict=True)]
        changed.append(str(sum(left.index(max(left)) != right.index(max(right)) for left, right in pairs)))
        moved.append(f"{math.fsum(differences) / len(differences):.1e}")
    return f"answers changed {' / '.join(changed)}; logits moved by {' / '.join(moved)} on average"


# --- Against ourselves: what int8 and less padding gain ---


def int8_gain(name, make_float32, limit, threads, _):
    """The two files on the first rows of MRPC. The scheme is the plainest, of torch's own quantize_dynamic."""
    float32, int8 = NETWORKS / f"{name}.pt", NETWORKS / f"{name}-int8.pt"
    NETWORKS.mkdir(parents=True, exist_ok=True)
    text_of([*make_float32(), "-o", float32, "--no-check", "--quiet"])
    text_of([BERTJIT, "quantize", float32, "-o", int8, "--scheme", "per-tensor", "--quiet"])
    sides = [Side([], size_bytes=path.stat().st_size) for path in (int8, float32)]
    for _ in range(3):
        for side, module in zip(sides, (int8, float32), strict=True):
            answer = evaluate(module, [*padded_to("max", threads), "--limit", limit])
            side.seconds += [timing["seconds"] for timing in answer["timings"]]
    words = f"{limit} pairs, {threads} thread{'s' * (threads > 1)}"
    return [Figure(f"int8 per tensor, {name}, {words}", "the same in float32", *sides, aim=1 / 1.7)]


def bert_base_classifier():
    """As large as the original, with random weights: 438 MB."""
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": 30522}
    path = NETWORKS / "bert-base-classifier.json"
    path.write_text(json.dumps(config | {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}))
    return [BERTJIT, "trace", path, "--init", "random"]


def padding_gain(kind, _):
    prepare()
    sides = [Side([]), Side([])]
    for _ in range(2):
        for side, padding in zip(sides, ("longest", "max"), strict=True):
            answer = evaluate(NETWORKS / f"{kind.file}.pt", padded_to(padding))
            side.seconds += [timing["seconds"] for timing in answer["timings"]]
    return [Figure(f"eval of 408 pairs, {kind.name}, --padding longest", "--padding max", *sides, aim=1 / 2)]


def rows():
    needs = [MINILM, MRPC]
    shape = f"forward {BATCH}x{LENGTH}"
    base, minilm = f"{shape}, BERT-base size", f"{shape}, MiniLM"
    classifiers = {f"MiniLM {kind.name}, {work.name}": (kind, work) for work in WORKS for kind in KINDS}
    models = {
        "MiniLM": (lambda: [BERTJIT, "trace", MINILM], 408),
        "BERT-base size": (bert_base_classifier, 64),
    }
    threads = sorted({1, os.cpu_count()})
    return [
        Row(base, partial(forward, base, bert_base, 5)),
        Row(minilm, partial(forward, minilm, lambda: MINILM, 10), [MINILM]),
        *(Row(name, partial(classify, name, *which), needs) for name, which in classifiers.items()),
        *(
            Row(f"int8 per tensor, {name}", partial(int8_gain, name, *model, count), needs)
            for name, model in models.items()
            for count in threads
        ),
        *(Row(f"--padding longest, {kind.name}", partial(padding_gain, kind), needs) for kind in KINDS),
    ]
