"""Makes everything under testdata/ but its README: tiny models, what transformers computes on them, broken twins.

    scripts/setup.sh --peers && .deps/peers/bin/python scripts/make_testdata.py

Reference: transformers 4.57.6, torch 2.13.0 on the CPU, one thread, eager attention. Weights and inputs come from
numpy's PCG64 with fixed seeds, so they are the same bytes everywhere; the outputs in golden/ are float32 results whose
last bits depend on the CPU.
"""

import json
import os
import shutil
import string
import struct
import zipfile
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy
import testdata_checkpoints
import testdata_generation
import testdata_glue
import testdata_models
import testdata_tokenizers
import torch
import transformers
from safetensors.numpy import load_file, save
from transformers import BertConfig, BertTokenizerFast

TESTDATA = Path(__file__).resolve().parent.parent / "testdata"

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """who was jim henson puppet the an and is are of to in on it he she they we you not no yes this that
with for from at by as or but be has had one two three model text word token trace check file same other""".split()
ENDINGS = ["##eer", "##ing", "##ed", "##er", "##ly", "##es"]
# Every printable ASCII character is a token by itself, letters and digits also inside a word: no ASCII text is unknown.
VOCABULARY = (
    SPECIAL_TOKENS
    + list(string.punctuation)
    + list(string.digits + string.ascii_lowercase)
    + ["##" + character for character in string.digits + string.ascii_lowercase]
    + WORDS
    + ENDINGS
)

TINY = dict(
    vocab_size=len(VOCABULARY),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=64,
    attn_implementation="eager",
)
# folder: class, seed, how it is saved, arguments of the class, arguments of the configuration
MODELS = {
    "tiny-bert": ("BertModel", 1, "safetensors", {}, {}),
    "tiny-bert-nopool": ("BertModel", 2, "safetensors", {"add_pooling_layer": False}, {}),
    "tiny-bert-mlm": ("BertForMaskedLM", 3, "safetensors", {}, {}),
    "tiny-bert-pretraining": ("BertForPreTraining", 4, "safetensors", {}, {}),
    "tiny-bert-seqcls": ("BertForSequenceClassification", 5, "pickle", {}, {"num_labels": 2}),
}

# [batch, length], tokens that are not padding in each row; set c gives only input_ids.
INPUT_SETS = {"a": ((2, 11), (11, 7)), "b": ((3, 19), (13, 19, 2)), "c": ((1, 6), (6,))}

TEXTS = [
    "",
    " \t\n ",
    "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]",
    "Who was Jim Henson?",
    "It's the SAME file -- (checked 3 times), isn't it?",
    "unbelievable tracings retraced",
    "[MASK] was a [MASK]eer[SEP]",
    "[mask] [UNK][PAD] [CLS",
    "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m e\u0301 \u0130stanbul stra\u00dfe",
    "the \u6a21\u578b text\u3002\uff1f",
    "tab\tnew\nline\u00a0nbsp\u200bzero\u00adsoft\u0000nul\ufffd",
    "\u2018quoted\u2019 \u2013 dash \u2026 \u20ac5 \U0001f600",
    "x" * 100,
    "x" * 101,
    string.printable,
    "the model and the text and the word and the token and the trace and the check and the file and the same again",
]
# text, text_pair, max_length, padding, truncation
TOKENIZATIONS = (
    [(text, None, None, False, False) for text in TEXTS]
    + [("Who was Jim Henson ?", "Jim Henson was a puppeteer", None, False, False), ("one", "", None, False, False)]
    + [("one two", "three", 12, "max_length", False), (TEXTS[-1], None, 10, False, "longest_first")]
    + [(TEXTS[-1], TEXTS[3], 12, "max_length", mode) for mode in ("longest_first", "only_first")]
    + [(TEXTS[3], TEXTS[-1], 12, "max_length", mode) for mode in ("longest_first", "only_second")]
)


def fresh_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def draw(rng, name, shape):
    """Far from the usual initialisation and biases included, so that a wrong or missing term shows."""
    values = 0.2 * rng.standard_normal(shape, dtype=numpy.float32)
    return values + numpy.float32(1) if name.endswith("LayerNorm.weight") else values


def randomise(model, seed):
    rng = numpy.random.Generator(numpy.random.PCG64(seed))
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.copy_(torch.from_numpy(draw(rng, name, tuple(parameter.shape))))


def write_vocabulary(folder, vocabulary):
    """vocab.txt and the settings; no tokenizer.json, which says the same at ten times the size."""
    path = folder / "vocab.txt"
    path.write_text("".join(token + "\n" for token in vocabulary))
    settings = {
        "cls_token": "[CLS]",
        "do_lower_case": True,
        "mask_token": "[MASK]",
        "model_max_length": 64,
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
        "unk_token": "[UNK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def save_model(model, folder, saved_as):
    model.save_pretrained(folder, safe_serialization=saved_as == "safetensors")
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors' writer leaves the file to its owner alone


def make_model(name):
    class_name, seed, saved_as, class_arguments, config_arguments = MODELS[name]
    config = BertConfig(**TINY, **config_arguments)
    model = getattr(transformers, class_name)(config, **class_arguments).eval()
    randomise(model, seed)
    folder = fresh_folder(TESTDATA / name)
    save_model(model, folder, saved_as)
    write_vocabulary(folder, VOCABULARY)
    return model


def make_inputs(set_name, rng):
    """Rows as a tokenizer makes them: [CLS] words [SEP], two segments, then padding."""
    shape, lengths = INPUT_SETS[set_name]
    ids = rng.integers(len(SPECIAL_TOKENS), len(VOCABULARY), shape)
    mask = numpy.zeros(shape, numpy.int64)
    segments = numpy.zeros(shape, numpy.int64)
    for row, length in enumerate(lengths):
        ids[row, 0] = SPECIAL_TOKENS.index("[CLS]")
        ids[row, length - 1] = SPECIAL_TOKENS.index("[SEP]")
        ids[row, length:] = SPECIAL_TOKENS.index("[PAD]")
        mask[row, :length] = 1
        segments[row, (length + 1) // 2 : length] = 1
    if set_name == "c":
        return {"input_ids": ids}
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}


def make_golden(name, model):
    arrays = {}
    rng = numpy.random.Generator(numpy.random.PCG64(100))
    for set_name in INPUT_SETS:
        inputs = make_inputs(set_name, rng)
        with torch.no_grad():
            outputs = model(**{key: torch.from_numpy(value) for key, value in inputs.items()}, return_dict=True)
        arrays |= {f"{set_name}.{key}": value for key, value in inputs.items()}
        arrays |= {f"{set_name}.out.{key}": value.numpy() for key, value in outputs.items()}
    numpy.savez(TESTDATA / "golden" / f"{name}.npz", **arrays)


def make_tokenization(folder):
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    lines = []
    for text, pair, max_length, padding, truncation in TOKENIZATIONS:
        case = dict(text=text, text_pair=pair, max_length=max_length, padding=padding, truncation=truncation)
        answer = tokenizer(text, pair, max_length=max_length, padding=padding, truncation=truncation)
        tokens = tokenizer.convert_ids_to_tokens(answer["input_ids"])
        lines.append(json.dumps(case | dict(answer) | {"tokens": tokens}) + "\n")
    (TESTDATA / "golden" / "tokenization.jsonl").write_text("".join(lines))


def make_guide_config():
    """The configuration that the Hugging Face TorchScript guide builds, as transformers saves it."""
    config = BertConfig(
        vocab_size=32000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072
    )
    config.architectures = ["BertModel"]
    config.to_json_file(TESTDATA / "guide-config.json")


# Broken files: each folder is `intact` with one fault, the one in its name.


def replace_header(path, change):
    """Rewrites the JSON header of a safetensors file, its data untouched."""
    contents = path.read_bytes()
    (length,) = struct.unpack("<Q", contents[:8])
    header = json.loads(contents[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + contents[8 + length :])


def change_tensors(path, change):
    tensors = load_file(path)
    change(tensors)
    path.write_bytes(save(tensors, {"format": "pt"}))


def change_config(path, **entries):
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | entries, indent=2, sort_keys=True) + "\n")


def change_bytes(path, change):
    path.write_bytes(change(path.read_bytes()))


def stored_pickle(path, pickle):
    """A minimal torch.save archive around one pickle: stored records, no compression."""
    path.parent.joinpath("model.safetensors").unlink()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), pickle)
        archive.writestr(zipfile.ZipInfo("archive/version"), "3\n")


BIAS = "pooler.dense.bias"
WEIGHT = "pooler.dense.weight"

WEIGHT_FAULTS = {
    "empty_file": lambda path: change_bytes(path, lambda contents: b""),
    "truncated_header": lambda path: change_bytes(path, lambda contents: contents[:200]),
    "truncated_data": lambda path: change_bytes(path, lambda contents: contents[:-16]),
    "header_length_past_end": lambda path: change_bytes(path, lambda contents: b"\xff" * 7 + b"\x7f" + contents[8:]),
    "header_not_json": lambda path: change_bytes(path, lambda contents: contents[:8] + b"[" + contents[9:]),
    "header_number_overflows": lambda path: change_bytes(
        path, lambda contents: contents.replace(b'"shape":[8,8]', b'"shape":9e999')
    ),
    "overlapping_offsets": lambda path: replace_header(
        path, lambda header: header[BIAS].update(data_offsets=[0, 4 * header[BIAS]["shape"][0]])
    ),
    "tensor_past_end": lambda path: replace_header(
        path, lambda header: header[WEIGHT].update(data_offsets=[2**40, 2**40 + 256])
    ),
    "reversed_offsets": lambda path: replace_header(path, lambda header: header[BIAS]["data_offsets"].reverse()),
    "shape_disagrees_with_offsets": lambda path: replace_header(path, lambda header: header[WEIGHT].update(shape=[8, 9])),
    "shape_overflows": lambda path: replace_header(
        path, lambda header: header[WEIGHT].update(shape=[2**32, 2**32 + 1, 64])
    ),
    "negative_dimension": lambda path: replace_header(path, lambda header: header[WEIGHT].update(shape=[-8, -8])),
    "unknown_dtype": lambda path: replace_header(path, lambda header: header[WEIGHT].update(dtype="F99")),
    "missing_tensor": lambda path: change_tensors(path, lambda tensors: tensors.pop(BIAS)),
    "wrong_shape": lambda path: change_tensors(path, lambda tensors: tensors.update({BIAS: tensors[BIAS][:-1].copy()})),
    "extra_tensor": lambda path: change_tensors(
        path, lambda tensors: tensors.update({"encoder.layer.7.output.dense.bias": tensors[BIAS].copy()})
    ),
    "nan_weight": lambda path: change_tensors(path, lambda tensors: tensors[WEIGHT].__setitem__((3, 5), numpy.nan)),
    "no_weights": Path.unlink,
    # The shell command `exit` does no harm; a safe reader refuses the import of the function itself.
    "unsafe_pickle": lambda path: stored_pickle(
        path.with_name("pytorch_model.bin"), b"cposix\nsystem\n(X\x04\x00\x00\x00exittR."
    ),
    "truncated_pickle": lambda path: stored_pickle(path.with_name("pytorch_model.bin"), b"\x80\x02}q\x00X\xff\x00"),
}
CONFIG_FAULTS = {
    "no_config": Path.unlink,
    "bad_json_config": lambda path: change_bytes(path, lambda contents: contents[:-20]),
    "unknown_model_type": lambda path: change_config(path, model_type="telepathy", architectures=["TelepathyModel"]),
    "unknown_activation": lambda path: change_config(path, hidden_act="sigh"),
    "heads_do_not_divide_hidden_size": lambda path: change_config(path, num_attention_heads=3),
    "config_vocab_size_disagrees": lambda path: change_config(path, vocab_size=30),
}
VOCABULARY_FAULTS = {
    "no_vocab": Path.unlink,
    "bad_utf8_vocab": lambda path: change_bytes(path, lambda contents: contents.replace(b"henson", b"h\xffnson")),
    "vocab_without_unk": lambda path: change_bytes(path, lambda contents: contents.replace(b"[UNK]", b"unk")),
}


def make_intact(folder):
    """One layer of hidden size 8 and a few words: 6 kB, since every broken twin repeats it."""
    vocabulary = SPECIAL_TOKENS + "who was jim henson ? a puppet ##eer".split()
    config = BertConfig(
        **TINY
        | dict(
            vocab_size=len(vocabulary),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            max_position_embeddings=16,
        )
    )
    model = transformers.BertModel(config).eval()
    randomise(model, 6)
    fresh_folder(folder)
    save_model(model, folder, "safetensors")
    write_vocabulary(folder, vocabulary)


def make_broken():
    broken = fresh_folder(TESTDATA / "broken")
    make_intact(broken / "intact")
    for file_name, faults in (
        ("model.safetensors", WEIGHT_FAULTS),
        ("config.json", CONFIG_FAULTS),
        ("vocab.txt", VOCABULARY_FAULTS),
    ):
        for fault, make_fault in faults.items():
            shutil.copytree(broken / "intact", broken / fault)
            make_fault(broken / fault / file_name)


def main():
    torch.set_num_threads(1)
    fresh_folder(TESTDATA / "golden")
    for name in MODELS:
        make_golden(name, make_model(name))
    make_tokenization(TESTDATA / "tiny-bert")
    make_guide_config()
    make_broken()
    testdata_checkpoints.make(TESTDATA)
    shutil.rmtree(TESTDATA / "family", ignore_errors=True)
    testdata_models.make(TESTDATA)
    testdata_generation.make(TESTDATA)
    testdata_tokenizers.make(TESTDATA)
    testdata_glue.make(TESTDATA)


main()
