"""Makes testdata/glue/: made-up files in GLUE's form, and what transformers answers (see make_testdata.py).

The files are read by transformers' own processors (data/processors/glue.py: columns by position, "\\t" without
quoting, order of labels; for RoBERTa on MNLI with neutral and entailment swapped, as its scripts do).
Metrics follow the published formulas, written out below: scikit-learn's f1_score and matthews_corrcoef, scipy's
pearsonr and spearmanr; those of scikit-learn 1.9.1 and scipy 1.17.1 are equal on these files.
"""

import json
import math
import shutil
import warnings

import numpy
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    glue_processors,
)

ROWS = 21  # two batches of eight, and five
SUBJECTS = "the old tracer|a small model|our checker|the next file|one word|her puppet|this list|a long test".split("|")
VERBS = "follows|reads|keeps|does not read|copies|finds|has lost|names".split("|")
OBJECTS = 'every token|the "second file|a shape of two|"its own name"|nothing|10 % of it|the sum, twice|a mask'
OBJECTS = OBJECTS.split("|")
ENDS = [".", " ?", "", " .", ' "', " again.", " and again, until the end of the list is reached."]

MNLI_LABELS = ["contradiction", "entailment", "neutral"]
ENTAILMENT = ["entailment", "not_entailment"]
MNLI_HEADER = (
    "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse "
    "sentence1 sentence2 label1 label2 label3 label4 label5 gold_label"
).split()
# task: folder, header of labelled files, labels, columns of a row
TASKS = {
    "cola": ("CoLA", None, ["0", "1"], lambda i, a, b, y: ["made", y, "" if y == "1" else "*", a]),
    "sst-2": ("SST-2", ["sentence", "label"], ["0", "1"], lambda i, a, b, y: [a, y]),
    "mrpc": (
        "MRPC",
        ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"],
        ["0", "1"],
        lambda i, a, b, y: [y, f"{700 + i}", f"{900 + i}", a, b],
    ),
    "sts-b": (
        "STS-B",
        "index genre filename year old_index source1 source2 sentence1 sentence2 score".split(),
        None,
        lambda i, a, b, y: [str(i), "made", "up", "2026", str(i), "none", "none", a, b, y],
    ),
    "qqp": (
        "QQP",
        "id qid1 qid2 question1 question2 is_duplicate".split(),
        ["0", "1"],
        lambda i, a, b, y: [str(i), str(2 * i), str(2 * i + 1), a, b, y],
    ),
    "mnli": (
        "MNLI",
        MNLI_HEADER,
        MNLI_LABELS,
        lambda i, a, b, y: [str(i), "p", "q", "made", *4 * ["( )"], a, b, *6 * [y]],
    ),
    "qnli": ("QNLI", ["index", "question", "sentence", "label"], ENTAILMENT, lambda i, a, b, y: [str(i), a, b, y]),
    "rte": ("RTE", ["index", "sentence1", "sentence2", "label"], ENTAILMENT, lambda i, a, b, y: [str(i), a, b, y]),
    "wnli": ("WNLI", ["index", "sentence1", "sentence2", "label"], ["0", "1"], lambda i, a, b, y: [str(i), a, b, y]),
}
MARKED = {"mrpc", "rte"}  # begin with a byte-order mark
CRLF = {"sst-2", "rte"}

# Each is a whole checkpoint in testdata/glue/. folder: class, labels, task whose answers its bias is set by
MODELS = {
    "two": (BertForSequenceClassification, BertConfig, 2, "mrpc"),
    "three": (BertForSequenceClassification, BertConfig, 3, "mnli"),
    "three-roberta": (RobertaForSequenceClassification, RobertaConfig, 3, "mnli"),
}
TINY = dict(
    vocab_size=61,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=64,
    pad_token_id=0,
    type_vocab_size=2,
)

# task, model, tokenizer, max_seq_length
CASES = [
    ("cola", "glue/two", "glue/two", 24),
    ("sst-2", "glue/two", "glue/two", 60),
    ("mrpc", "glue/two", "glue/two", 48),
    ("qqp", "glue/two", "glue/two", 20),
    ("qnli", "glue/two", "glue/two", 60),
    ("rte", "glue/two", "glue/two", 60),
    ("wnli", "glue/two", "glue/two", 60),
    ("mnli", "glue/three", "glue/three", 60),
    ("mnli-mm", "glue/three", "glue/three", 60),
    ("mnli", "glue/three-roberta", "glue/three-roberta", 60),
    ("mnli-mm", "glue/three-roberta", "glue/three-roberta", 60),
    ("sts-b", "family/bert-regression", "glue/two", 32),
    ("mnli", "family/distilbert-seqcls", "glue/two", 32),
]


def sentence(random):
    words = [str(random.choice(part)) for part in (SUBJECTS, VERBS, OBJECTS)]
    return " ".join(words) + str(random.choice(ENDS))


def labels_of(random, labels):
    if labels is None:
        return f"{random.integers(0, 51) / 10:.3f}"
    return labels[int(random.integers(0, len(labels)))]


def write_split(path, task, random, unlabelled=False):
    _, header, labels, row = TASKS[task]
    lines = [] if header is None else [header]
    for i in range(ROWS):
        first, second = sentence(random), sentence(random)
        lines.append(row(i, first, second, labels_of(random, labels)))
    if unlabelled:
        lines = [["index", "#1 ID", "#2 ID", "#1 String", "#2 String"], *lines[1:]]
        for i, line in enumerate(lines[1:]):
            line[0] = str(i)
    end = "\r\n" if task in CRLF else "\n"
    text = "".join("\t".join(line) + end for line in lines)
    path.write_bytes((b"\xef\xbb\xbf" if task in MARKED else b"") + text.encode())


def make_files(root):
    for number, task in enumerate(TASKS):
        random = numpy.random.Generator(numpy.random.PCG64(500 + number))
        folder = root / TASKS[task][0]
        folder.mkdir()
        for name in ("dev_matched", "dev_mismatched") if task == "mnli" else ("dev",):
            write_split(folder / f"{name}.tsv", task, random)
    write_split(root / "MRPC" / "test.tsv", "mrpc", numpy.random.Generator(numpy.random.PCG64(600)), unlabelled=True)


def write_tokenizer(folder):
    """Every letter is a token."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters), *'."?,']
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in tokens))
    config = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def make_model(testdata, name, seed):
    """Random weights; the classifier's bias puts the middle of the task's logits at 0, so that answers differ."""
    model_class, config_class, labels, task = MODELS[name]
    folder = testdata / "glue" / name
    model = model_class(config_class(**TINY, num_labels=labels)).eval()
    random = numpy.random.Generator(numpy.random.PCG64(seed))
    with torch.no_grad():
        for key, value in sorted(model.state_dict().items()):
            if value.is_floating_point():
                centre = 1.0 if key.endswith("LayerNorm.weight") else 0.0
                value.copy_(torch.from_numpy(centre + 0.6 * random.standard_normal(value.shape)))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    middle = numpy.median(numpy.array(run(testdata, task, f"glue/{name}", f"glue/{name}", 48)[1]), axis=0)
    biases = ("classifier.bias", "classifier.out_proj.bias")
    bias = next(value for key, value in model.named_parameters() if key in biases)
    with torch.no_grad():
        bias -= torch.from_numpy(middle.round(2))
    model.save_pretrained(folder)


def ratio(part, whole):
    return part / whole if whole else 0.0


def pearson(x, y):
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / math.sqrt((x * x).sum() * (y * y).sum()))


def ranks(values):
    """Average ranks, as scipy.stats.rankdata."""
    return numpy.array([((values < v).sum() + (values <= v).sum() + 1) / 2 for v in values])


def matthews(labels, answers):
    """R_k of Gorodkin (2004), from the confusion's sums."""
    classes = sorted(set(labels) | set(answers))
    n = len(labels)
    right = sum(y == p for y, p in zip(labels, answers))
    t = [labels.count(c) for c in classes]
    p = [answers.count(c) for c in classes]
    numerator = right * n - sum(a * b for a, b in zip(t, p))
    return ratio(numerator, math.sqrt((n * n - sum(a * a for a in t)) * (n * n - sum(a * a for a in p))))


def metrics(task, labels, answers):
    """Named as by glue_compute_metrics."""
    if task == "sts-b":
        x, y = numpy.array(answers), numpy.array(labels)
        linear, ranked = pearson(x, y), pearson(ranks(x), ranks(y))
        return {"pearson": linear, "spearmanr": ranked, "corr": (linear + ranked) / 2}
    if task == "cola":
        return {"mcc": matthews(labels, answers)}
    accuracy = sum(y == p for y, p in zip(labels, answers)) / len(labels)
    if task in ("mrpc", "qqp"):
        true = sum(y == p == 1 for y, p in zip(labels, answers))
        f1 = ratio(2 * true, labels.count(1) + answers.count(1))
        return {"acc": accuracy, "f1": f1, "acc_and_f1": (accuracy + f1) / 2}
    return {f"{task}/acc" if task.startswith("mnli") else "acc": accuracy}


def run(testdata, task, model_name, tokenizer_name, max_length):
    """Examples, logits, type of model."""
    model = AutoModelForSequenceClassification.from_pretrained(testdata / model_name, attn_implementation="eager")
    model.eval()
    examples = glue_processors[task]().get_dev_examples(testdata / "glue" / TASKS[task.removesuffix("-mm")][0])
    pairs = [example.text_b for example in examples]
    inputs = AutoTokenizer.from_pretrained(testdata / tokenizer_name)(
        [example.text_a for example in examples],
        None if pairs[0] is None else pairs,
        max_length=max_length,
        padding="max_length",
        truncation=True,
        return_tensors="pt",
    )
    if model.config.model_type == "distilbert":
        inputs.pop("token_type_ids")
    with torch.no_grad():
        return examples, model(**inputs).logits.tolist(), model.config.model_type


def answer(testdata, task, model_name, tokenizer_name, max_length):
    examples, logits, model_type = run(testdata, task, model_name, tokenizer_name, max_length)
    label_list = glue_processors[task]().get_labels()
    if task.startswith("mnli") and model_type == "roberta":
        label_list[1], label_list[2] = label_list[2], label_list[1]
    folder = TASKS[task.removesuffix("-mm")][0]
    if task == "sts-b":
        labels, answers = [float(example.label) for example in examples], [row[0] for row in logits]
    else:
        labels = [label_list.index(example.label) for example in examples]
        answers = [row.index(max(row)) for row in logits]
    return {
        "task": task,
        "model": model_name,
        "tokenizer": tokenizer_name,
        "max_seq_length": max_length,
        "file": folder + {"mnli": "/dev_matched.tsv", "mnli-mm": "/dev_mismatched.tsv"}.get(task, "/dev.tsv"),
        "metrics": metrics(task, labels, answers),
        "labels": label_list if task != "sts-b" else [],
        "answers": [] if task == "sts-b" else [label_list[a] for a in answers],
        "logits": [[float(f"{value:.9g}") for value in row] for row in logits],
    }


def make(testdata):
    root = testdata / "glue"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    make_files(root)
    warnings.simplefilter("ignore", FutureWarning)
    for seed, name in enumerate(MODELS):
        make_model(testdata, name, 700 + seed)
    cases = [answer(testdata, *case) for case in CASES]
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (root / "reference.json").write_text(f"[\n{lines}\n]\n")
