"""What bertjit's `tokenize` replaces: the Rust tokenizers library behind transformers' fast tokenizers.

    tokenize_lines.py TOKENIZER LINES THREADS           the lines (a tab splits a pair) as JSON lines on stdout
    tokenize_lines.py TOKENIZER LINES THREADS --time N  seconds of the library alone, N times, as one JSON document

With THREADS = 1 the library's parallelism is off. --time leaves out loading, reading and writing: `one_by_one_s` is a
loop of encode(), `batch_s` one encode_batch() of all lines.
"""

import json
import os
import sys
import time
from pathlib import Path

folder, lines, threads = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == "1" else "true"
os.environ["RAYON_NUM_THREADS"] = threads

BATCH = 1000


def load():
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    else:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def read():
    with open(lines, encoding="utf-8", newline="\n") as file:
        text = file.read()
    return [tuple(line.split("\t")) if "\t" in line else line for line in text.split("\n")[:-1]]


def write(tokenizer, inputs):
    for begin in range(0, len(inputs), BATCH):
        for encoding in tokenizer.encode_batch(inputs[begin : begin + BATCH]):
            answer = {
                "tokens": encoding.tokens,
                "input_ids": encoding.ids,
                "token_type_ids": encoding.type_ids,
                "attention_mask": encoding.attention_mask,
            }
            sys.stdout.write(json.dumps(answer) + "\n")


def seconds(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def one_by_one(tokenizer, inputs):
    for texts in inputs:
        if isinstance(texts, tuple):
            tokenizer.encode(*texts)
        else:
            tokenizer.encode(texts)


def main():
    tokenizer = load()
    inputs = read()
    if sys.argv[4:5] != ["--time"]:
        write(tokenizer, inputs)
        return
    tokenizer.encode_batch(inputs)  # fills the library's cache of words
    times = {"one_by_one_s": [], "batch_s": []}
    for _ in range(int(sys.argv[5])):
        times["one_by_one_s"].append(seconds(lambda: one_by_one(tokenizer, inputs)))
        times["batch_s"].append(seconds(lambda: tokenizer.encode_batch(inputs)))
    print(json.dumps(times))


main()
