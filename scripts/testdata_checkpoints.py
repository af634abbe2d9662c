"""Makes testdata/stored/ (one tiny BertModel stored in every way a checkpoint is), golden/stored.npz, and the indexes of
testdata/broken/. Called by make_testdata.py, after the checkpoint `broken/intact` is there.

Reference: transformers 4.57.6, torch 2.13.0 on the CPU, one thread, eager attention.
"""

import json
import shutil

import numpy
import torch
from safetensors.torch import load_file, save_file
from transformers import BertModel

INDEX = "model.safetensors.index.json"
FIRST_SHARD, SECOND_SHARD = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
BIAS = "pooler.dense.bias"


def load(source, dtype):
    return BertModel.from_pretrained(source, dtype=dtype, attn_implementation="eager").eval()


def save_pretrained(source, target, dtype, safe, shard_size="1GB"):
    load(source, dtype).save_pretrained(target, safe_serialization=safe, max_shard_size=shard_size)


def new_folder(source, target):
    target.mkdir(parents=True)
    shutil.copy(source / "config.json", target)


def save_safetensors(source, target, change):
    new_folder(source, target)
    tensors = {name: change(name, tensor) for name, tensor in load_file(source / "model.safetensors").items()}
    save_file(tensors, target / "model.safetensors", {"format": "pt"})


def save_bin(source, target, content, old_form=False):
    new_folder(source, target)
    state = content(load_file(source / "model.safetensors"))
    torch.save(state, target / "pytorch_model.bin", _use_new_zipfile_serialization=not old_form)


def first_release(tensors):
    """As Google's first checkpoints were converted: gamma and beta, the prefix of a head's file, a buffer of positions."""
    renamed = {
        "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in tensors.items()
    }
    return renamed | {"bert.embeddings.position_ids": torch.arange(16).unsqueeze(0)}


def make_stored(source, stored):
    shutil.rmtree(stored, ignore_errors=True)
    half, brain, single = torch.float16, torch.bfloat16, torch.float32
    save_pretrained(source, stored / "float16", half, safe=True)
    save_pretrained(source, stored / "bfloat16", brain, safe=True)
    save_pretrained(source, stored / "sharded", single, safe=True, shard_size="2KB")
    save_pretrained(source, stored / "bfloat16-sharded", brain, safe=True, shard_size="1KB")
    save_pretrained(source, stored / "sharded-bin", single, safe=False, shard_size="2KB")
    save_pretrained(source, stored / "float16-sharded-bin", half, safe=False, shard_size="1KB")
    save_pretrained(source, stored / "float16-bin", half, safe=False)
    save_bin(source, stored / "bfloat16-old-bin", lambda t: {n: v.to(brain) for n, v in t.items()}, old_form=True)
    save_bin(source, stored / "first-release", first_release, old_form=True)
    save_bin(source, stored / "data-parallel", lambda t: {"module." + name: value for name, value in t.items()})
    save_bin(source, stored / "training", lambda t: {"epoch": 3, "state_dict": t})
    save_safetensors(source, stored / "float64", lambda name, tensor: tensor.double())
    save_safetensors(
        source, stored / "mixed", lambda name, tensor: tensor.half() if name.startswith("embeddings") else tensor
    )
    for path in stored.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def make_golden(source, stored, target):
    """What transformers answers for one batch: weights as stored, in float32 after rounding, and in the dtype itself."""
    mask = numpy.ones((2, 9), numpy.int64)
    mask[1, 6:] = 0
    inputs = {
        "input_ids": numpy.array([[2, 5, 6, 7, 8, 9, 3, 10, 3], [2, 11, 12, 3, 5, 3, 0, 0, 0]]),
        "attention_mask": mask,
        "token_type_ids": numpy.array([[0] * 7 + [1] * 2, [0] * 4 + [1] * 2 + [0] * 3]),
    }
    arrays = dict(inputs)
    batch = {name: torch.from_numpy(value) for name, value in inputs.items()}
    for label, folder, dtype in (
        ("float32", source, torch.float32),
        ("float16", stored / "float16", torch.float32),
        ("bfloat16", stored / "bfloat16", torch.float32),
        ("float16-native", stored / "float16", torch.float16),
        ("bfloat16-native", stored / "bfloat16", torch.bfloat16),
    ):
        with torch.no_grad():
            answer = load(folder, dtype)(**batch)
        for name in ("last_hidden_state", "pooler_output"):
            arrays[f"{label}.{name}"] = answer[name].float().numpy()
    numpy.savez(target, **arrays)


# Indexes that lie. Each folder is `intact` in two shards with one fault.


def shard(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    half = sorted(tensors)[: len(tensors) // 2]
    save_file({name: tensors[name] for name in half}, folder / FIRST_SHARD, {"format": "pt"})
    save_file({name: tensors[name] for name in tensors if name not in half}, folder / SECOND_SHARD, {"format": "pt"})
    weight_map = {name: FIRST_SHARD if name in half else SECOND_SHARD for name in sorted(tensors)}
    write_index(folder, {"metadata": {"total_size": 3184}, "weight_map": weight_map})


def write_index(folder, index):
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")


def change_index(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index)
    write_index(folder, index)


def put_into_both(folder):
    tensors = load_file(folder / FIRST_SHARD)
    tensors[BIAS] = load_file(folder / SECOND_SHARD)[BIAS]
    save_file(tensors, folder / FIRST_SHARD, {"format": "pt"})


def list_twice(folder):
    text = (folder / INDEX).read_text()
    (folder / INDEX).write_text(text.replace('"weight_map": {', '"weight_map": {"' + BIAS + f'": "{FIRST_SHARD}",'))


INDEX_FAULTS = {
    "index_lists_absent_shard": lambda folder: (folder / SECOND_SHARD).unlink(),
    "index_lists_absent_tensor": lambda folder: change_index(
        folder, lambda index: index["weight_map"].update({"pooler.extra": SECOND_SHARD})
    ),
    "index_lists_tensor_twice": list_twice,
    "index_leaves_folder": lambda folder: change_index(
        folder, lambda index: index["weight_map"].update({BIAS: "../intact/model.safetensors"})
    ),
    "index_misses_tensor": lambda folder: change_index(folder, lambda index: index["weight_map"].pop(BIAS)),
    "index_not_json": lambda folder: (folder / INDEX).write_text('{"weight_map": '),
    "index_shard_name_too_long": lambda folder: change_index(
        folder, lambda index: index["weight_map"].update({BIAS: "s" * 256})
    ),
    "index_shard_not_text": lambda folder: change_index(folder, lambda index: index["weight_map"].update({BIAS: 2})),
    "index_without_map": lambda folder: change_index(folder, lambda index: index.pop("weight_map")),
    "tensor_in_two_shards": put_into_both,
}


def make_broken_indexes(broken):
    for fault, make_fault in INDEX_FAULTS.items():
        shutil.rmtree(broken / fault, ignore_errors=True)
        shutil.copytree(broken / "intact", broken / fault)
        shard(broken / fault)
        make_fault(broken / fault)
        for path in (broken / fault).iterdir():
            path.chmod(0o644)


def make(testdata):
    intact, stored = testdata / "broken" / "intact", testdata / "stored"
    make_stored(intact, stored)
    make_golden(intact, stored, testdata / "golden" / "stored.npz")
    make_broken_indexes(testdata / "broken")
