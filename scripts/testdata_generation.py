"""Makes testdata/family/<encoder-decoder>/generated.json: what transformers' generate() answers (see make_testdata.py).

A case is a set of io.npz and what it changes in config.json and generation_config.json; the answer is
generate(num_beams=1, do_sample=False) of a model loaded from a folder with these files.
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy
import torch
import transformers

MODELS = ("marian-mt", "marian-mt-two-vocabularies")
# Ids that the tiny models choose without rules are banned or forced, so that a rule that is not followed shows.
CASES = [
    {"set": "a"},
    {"set": "b", "max_new_tokens": 6},
    {"set": "c", "max_new_tokens": 31},
    {"set": "c", "generation_config": {"max_length": 12}},
    {"set": "a", "generation_config": {"max_new_tokens": 5, "forced_eos_token_id": 0}},
    {"set": "b", "generation_config": {"forced_bos_token_id": 9, "suppress_tokens": [47, 28], "max_length": 9}},
    {"set": "a", "ban": 1, "generation_config": {"max_length": 9, "pad_token_id": 7}},
    {"set": "a", "ban": 2, "generation_config": {"max_length": 9}},
    {"set": "b", "repeats": False, "generation_config": {"max_length": 20}},
    {"set": "b", "end": 3, "generation_config": {"max_length": 12, "pad_token_id": 7}},
    {"set": "b", "end": 3, "generation_config": {"max_length": 12, "min_length": 6, "pad_token_id": 7}},
    {"set": "b", "end": 3, "generation_config": {"max_length": 12, "min_new_tokens": 4}},
    {"set": "a", "config": {"max_length": 8}},
    {"set": "a", "config": {"max_length": 8}, "generation_config": {"max_length": 11, "forced_eos_token_id": 5}},
    {
        "set": "a",
        "config": {"max_length": 8},
        "generation_config": {"max_length": 11, "forced_eos_token_id": 5, "_from_model_config": True},
    },
    {"set": "a", "generation_config": {"max_length": 11, "_from_model_config": True}},
]


def write_case(folder, case):
    """Folder with the files of a case. The settings are written as they are: no class of transformers sees them."""
    config = json.loads((folder / "config.json").read_text()) | case.get("config", {})
    (folder / "config.json").write_text(json.dumps(config))
    if "generation_config" in case:
        start = {"decoder_start_token_id": config["decoder_start_token_id"], "pad_token_id": config["pad_token_id"]}
        settings = start | {"eos_token_id": 0} | case["generation_config"]
        case["generation_config"] = settings
        (folder / "generation_config.json").write_text(json.dumps(settings))


def generate(source, case):
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        shutil.copytree(source, folder)
        write_case(folder, case)
        model = transformers.MarianMTModel.from_pretrained(folder, attn_implementation="eager").eval()
        with numpy.load(source / "io.npz") as io:
            names = [n for n in ("input_ids", "attention_mask") if f"{case['set']}.{n}" in io]
            inputs = {name: torch.from_numpy(io[f"{case['set']}.{name}"]) for name in names}
        limit = {"max_new_tokens": case["max_new_tokens"]} if "max_new_tokens" in case else {}
        with torch.no_grad():
            return model.generate(**inputs, **limit, num_beams=1, do_sample=False).tolist()


def free_choice(source, case, place):
    """What is chosen `place` tokens after the start where no rule forbids it, and what comes before that."""
    settings = {"max_length": 9}
    free = generate(source, {"set": case["set"], "generation_config": settings})
    return free[0][place], free[0][place - 1]


def make_case(source, case):
    case = json.loads(json.dumps(case))
    settings = case.get("generation_config")
    if "ban" in case:  # alone, and only after another
        chosen, before = free_choice(source, case, case["ban"])
        settings["bad_words_ids"] = [[chosen]] if case.pop("ban") == 1 else [[before, chosen], [before, 5, 6]]
    if not case.pop("repeats", True):  # no token twice in a row, so that each choice depends on all before it
        settings["bad_words_ids"] = [[i, i] for i in range(51)]
    if "end" in case:
        settings["eos_token_id"] = [free_choice(source, case, case.pop("end"))[0], 0]
    case["ids"] = generate(source, case)
    return case


def make(testdata):
    transformers.logging.set_verbosity_error()
    for name in MODELS:
        folder = testdata / "family" / name
        cases = [make_case(folder, case) for case in CASES]
        lines = ",\n".join(" " + json.dumps(case) for case in cases)
        (folder / "generated.json").write_text(f"[\n{lines}\n]\n")
