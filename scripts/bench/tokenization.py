"""Tokenizers on all pairs of MRPC, against the tokenizers library of Hugging Face."""

import json
import os
import random
import string
import subprocess
from functools import partial

from measure import BERTJIT, OUT, PEER_PYTHON, PEERS, ROOT, SHARED, Figure, Row, Side, json_of, run_once

LIBRARY = "tokenizers"


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


def check_same(name, ours, theirs, lines):
    """Speed counts only at equal answers.

    The library's own `tokens` keep the text of an unknown token, and it always gives segments; transformers does
    neither, so both are left out.
    """
    with open(lines, "rb") as stdin:
        our_text = subprocess.run([str(word) for word in ours], stdin=stdin, capture_output=True, check=True).stdout
    their_text = subprocess.run([str(word) for word in theirs], capture_output=True, check=True).stdout
    pairs = list(zip(our_text.splitlines(), their_text.splitlines(), strict=True))
    for number, (our_line, their_line) in enumerate(pairs, 1):
        our_answer, their_answer = json.loads(our_line), json.loads(their_line)
        if any(our_answer[key] != their_answer[key] for key in ("input_ids", "attention_mask")):
            raise SystemExit(f"bench: {name}: line {number} of {lines} is tokenized differently")


def measure(name, folder, threads, runs):
    """Whole processes that write JSON, and tokenization alone.

    Our tokenization is the whole process less one that gets no line, so that it still holds the reading of lines and the
    writing of JSON. Theirs is the library's calls alone, the faster of a loop and a batch.
    """
    lines = text_lines()
    ours = [BERTJIT, "tokenize", "--tokenizer", folder, "--threads", threads]
    theirs = [PEER_PYTHON, PEERS / "tokenize_lines.py", folder, lines, threads]
    check_same(name, ours, theirs, lines)
    whole, empty, their_whole = [], [], []
    for _ in range(runs):
        whole.append(run_once(ours, lines)[0])
        empty.append(run_once(ours)[0])
        their_whole.append(run_once(theirs)[0])
    alone = [all_ - nothing for all_, nothing in zip(whole, empty, strict=True)]
    answer = json_of([*theirs, "--time", runs])
    fastest = min(Side(answer["one_by_one_s"]), Side(answer["batch_s"]), key=lambda side: side.median)
    return [
        Figure(f"{name}: whole process", LIBRARY, Side(whole), Side(their_whole), aim=1),
        Figure(f"{name}: tokenization", LIBRARY, Side(alone), fastest, aim=1),
    ]


def rows():
    """WordPiece, byte-level BPE and unigram, on one thread and on all."""
    folders = [SHARED / "fixtures" / name for name in ("tok-bert-uncased", "tok-roberta-bpe", "tok-xlm-roberta")]
    folders = [folder for folder in folders if folder.exists()] or [ROOT / "testdata" / "tiny-bert"]
    counts = sorted({1, os.cpu_count()})
    names = {
        f"tokenize, {folder.name}, {count} thread{'s' * (count > 1)}": (folder, count)
        for folder in folders
        for count in counts
    }
    return [Row(name, partial(measure, name, *which)) for name, which in names.items()]
