"""Runs a BERT classifier of export_networks.py over encoded texts, one thread.

    classify.py ENGINE SOURCE FOLDER ENCODINGS BATCH PADDING RUNS  ->  {"seconds": [...], "logits": [[...], ...]}

ENGINE is onnxruntime-float32, onnxruntime-int8, ctranslate2-float32 or ctranslate2-int8. ENCODINGS holds JSON lines as
`bertjit tokenize` writes them. PADDING is a length, or "longest": texts sorted by length, each batch as long as its
longest. A run is the whole loop over all texts, making batches and collecting logits too; one that is not counted comes
first. CTranslate2 leaves padding out by itself, with any PADDING.
"""

import json
import sys
import time
from pathlib import Path

import numpy

engine, source, folder, encodings, batch, padding, runs = sys.argv[1:]
folder, batch, runs = Path(folder), int(batch), int(runs)
kind, dtype = engine.split("-")


def onnxruntime_network():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / f"{dtype}.onnx", options, providers=["CPUExecutionProvider"])

    def run(ids, lengths, segments):
        mask = (numpy.arange(ids.shape[1]) < lengths[:, None]).astype(numpy.int64)
        return session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments})[0]

    return run


def ctranslate2_network():
    import ctranslate2
    from safetensors.numpy import load_file

    weights = load_file(Path(source) / "model.safetensors")
    weight, bias = weights["classifier.weight"], weights["classifier.bias"]
    encoder = ctranslate2.Encoder(str(folder / engine), compute_type=dtype, intra_threads=1, inter_threads=1)

    def run(ids, lengths, segments):
        view = ctranslate2.StorageView.from_array
        answer = encoder.forward_batch(
            view(ids.astype(numpy.int32)),
            lengths=view(lengths.astype(numpy.int32)),
            token_type_ids=segments.tolist(),
        )
        return numpy.array(answer.pooler_output) @ weight.T + bias

    return run


def batches(texts):
    order = list(range(len(texts)))
    if padding == "longest":
        order.sort(key=lambda row: len(texts[row]["input_ids"]))
    return [order[begin : begin + batch] for begin in range(0, len(order), batch)]


def padded(texts, rows, key):
    length = max(len(texts[row]["input_ids"]) for row in rows) if padding == "longest" else int(padding)
    array = numpy.zeros((len(rows), length), numpy.int64)
    for place, row in enumerate(rows):
        array[place, : len(texts[row][key])] = texts[row][key]
    return array


def loop(network, texts):
    logits = [None] * len(texts)
    for rows in batches(texts):
        lengths = numpy.array([len(texts[row]["input_ids"]) for row in rows])
        answers = network(padded(texts, rows, "input_ids"), lengths, padded(texts, rows, "token_type_ids"))
        for row, answer in zip(rows, answers, strict=True):
            logits[row] = answer.tolist()
    return logits


network = onnxruntime_network() if kind == "onnxruntime" else ctranslate2_network()
texts = [json.loads(line) for line in Path(encodings).read_text(encoding="utf-8").splitlines()]
logits = loop(network, texts)
seconds = []
for _ in range(runs):
    begin = time.perf_counter()
    loop(network, texts)
    seconds.append(time.perf_counter() - begin)
print(json.dumps({"seconds": seconds, "logits": logits}))
