#!/usr/bin/env python3
"""Makes the corpora that fuzzing starts from, out of testdata/: scripts/fuzz_seeds.py FOLDER.

FOLDER gets one folder a target. Files larger than 64 KiB, the longest input of scripts/fuzz.sh, are left out. Beside
what testdata/ has stand a few inputs of great depth, which a fuzzer does not come to byte by byte.
"""

import pathlib
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "testdata"
MAX_SIZE = 1 << 16

# Each target's files, by patterns under testdata/.
PATTERNS = {
    "checksum_list": ["fuzz/checksum_list*"],
    "claims": ["fuzz/claims*"],
    "code": ["source/**/*.py", "fuzz/code*"],
    "config": ["**/config.json", "guide-config.json", "fuzz/config*"],
    "input_spec": ["fuzz/input_spec*"],
    "npz": ["**/*.npz", "**/*.npy", "fuzz/npz*"],
    "pickle": ["**/*.pkl", "container/*.bin", "broken/**/*.bin", "fuzz/pickle*"],
    "python_text": ["source/**/*.py", "fuzz/python_text*"],
    "pytorch_bin": ["container/*.bin", "stored/**/*.bin", "broken/**/*.bin", "fuzz/pytorch_bin*"],
    "request": ["tok-wordpiece-parts/*.jsonl", "fuzz/request*"],
    "safetensors": ["container/*.safetensors", "broken/**/*.safetensors", "stored/*/*.safetensors",
                    "fuzz/safetensors*"],
    "scan": ["container/*.*", "torchscript/*.pt", "fuzz/*"],
    "sentencepiece": ["tok-*/*.model", "tok-*/*.spm", "fuzz/sentencepiece*"],
    "shards": ["**/*.index.json", "fuzz/shards*"],
    "tokenizer_files": ["fuzz/tokenizer_files*"],
    "tokenizer_json": ["**/tokenizer.json", "fuzz/tokenizer_json*"],
    "torchscript": ["torchscript/*.pt", "container/*.pt", "fuzz/torchscript*"],
    "tsv": ["glue/**/*.tsv", "fuzz/tsv*"],
    "zip": ["container/*.npz", "container/*.bin", "container/*.pt", "torchscript/*.pt", "fuzz/zip*"],
    "zoo_lines": ["fuzz/zoo_lines*"],
}

DIGEST = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
         "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"  # of no bytes, FIPS 180-4

TOKENIZER_FILES = ["vocab.txt", "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
                   "special_tokens_map.json", "added_tokens.json", "config.json"]


def texts():
    """Seeds in our own words, (target, bytes)."""
    yield "checksum_list", f"{DIGEST}  empty\n{DIGEST} *binary\n\\{DIGEST}  a\\nb\\\\c\n# comment\n".encode()
    yield "checksum_list", f"SHA512 (a (b) = c) = {DIGEST}\n\\SHA512 (a\\nb) = {DIGEST}\r\n".encode()
    yield "checksum_list", f"{DIGEST} reversed\n{DIGEST}  usual\n".encode()
    yield "claims", (b'{"schema": "bertjit.claims/1", "architecture": "bert", "head": "BertModel", "inputs": ["input_ids"],'
                     b' "outputs": ["last_hidden_state", "hidden_states.0"], "dtype": "float32", "dynamic_batch": true,'
                     b' "dynamic_length": false, "attn_implementation": "sdpa", "source_sha512": "' + DIGEST.encode() + b'"}')
    yield "code", (b"class Model(Module):\n  __parameters__ = [\"weight\", ]\n  __buffers__ = []\n  weight : Tensor\n"
                   b"  training : bool\n  fc : __torch__.torch.nn.modules.linear.___torch_mangle_7.Linear\n"
                   b"  def forward(self: __torch__.Model,\n    x: Tensor) -> Tensor:\n    weight = self.weight\n"
                   b"    if bool(x):\n      _0 = torch.linear(x, weight, CONSTANTS.c0)\n    else:\n"
                   b"      _0 = ops.prim.NumToTensor(torch.size(x, 1))\n    return annotate(Tensor, _0)\n"
                   b"  def __setstate__(self: __torch__.Model,\n    state: Tuple[int]) -> NoneType:\n    return None\n")
    for spec in ["x=[[101, 7592, 102]]", "rand:3x4x5", "ones:2x7:float32", "randint(0,100):2x7", "1x7", "(1, [2.5, nan])",
                 '{"k": [1, 2]:int32, 3: \'a\\n\'}', "None", "-9223372036854775808", "1e400", "[[1, 2], [3, 4]]:int32",
                 "[rand:2, zeros:1x0:bool, [true]]"]:
        yield "input_spec", spec.encode()
    yield "request", b'{"text": "a [MASK]", "text_pair": null, "max_length": 8, "padding": "max_length"}\na\tb\r\nc'
    yield "request", b'{"text": "\\ud800", "truncation": "only_first", "max_length": -1, "padding": true}'
    yield "zoo_lines", b'{"name": "a", "module": "a.pt", "source": "./a", "werror": true}\n{"module": "b", "input": {"x": [1]}}'
    yield "zoo_lines", b"2/5"
    yield "zoo_lines", (b'{"schema":"bertjit.verify-list/1","bertjit":"0.1.0","list":{"sha512":"' + DIGEST.encode() +
                        b'","jobs":2,"flags":["--rtol=1"]},"index":1,"name":"a","key":null,"files":{"a.pt":"00","b":null},'
                        b'"arguments":["verify","--","a.pt"],"verdict":"fail","exit_code":1,"error":null,"report":{"blamed":"s",'
                        b'"checks":[{"id":"s","verdict":"fail","summary":"x","where":"w","advice":"","evidence":{"seconds":1}}]},'
                        b'"run":{"shard":"1/2","host":"h","started":"t","seconds":0.5,"hashing_seconds":0,'
                        b'"peak_memory_bytes":1,"stamps":{"a.pt":[1,2,3,4]}}}')


def deep():
    """Nested as far as the size allows."""
    many = 30000
    for target in ["config", "claims", "request", "shards", "tokenizer_json", "zoo_lines"]:
        yield target, b"[" * many + b"]" * many
        yield target, b'{"a":' * 9000 + b"1" + b"}" * 9000
    yield "config", b'{"architectures": ' + b"[" * many + b"]" * many + b"}"
    yield "claims", b'{"inputs": ' + b"[" * many + b"]" * many + b"}"
    yield "request", b'{"text": ' + b"[" * many + b"]" * many + b"}"
    yield "tokenizer_json", b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "normalizer": ' + \
        b'{"type": "Sequence", "normalizers": [' * 1500 + b"]}" * 1500 + b"}"
    for target in ["code", "python_text"]:
        yield target, b"x = " + b"(" * many + b")" * many
        yield target, b"x = " + b"[" * 190 + b"1" + b"]" * 190
        yield target, b"".join(b" " * i + b"if x:\n" for i in range(300))
        yield target, b"x = " + b"not " * 15000 + b"y"
        yield target, b"x = " + b"-" * many + b"y"
        yield target, b"x = " + b"lambda:" * 9000 + b"y"
        yield target, b"def f(x):\n  return f'" + b"{f\"" * 3000
        yield target, b"x = a" + b" if b else c" * 5000
        yield target, b"x = a" + b" < b" * 15000
    yield "input_spec", b"[" * many + b"]" * many
    yield "pickle", b"\x80\x02" + b"N" + b"\x85" * many + b"."  # tuples of one
    yield "pickle", b"\x80\x02" + b"](" * 15000 + b"e" * 15000 + b"."  # lists in lists
    yield "pickle", b"\x80\x02N" + b"Q" * many + b"."  # persistent ids of persistent ids
    yield "pickle", b"\x80\x02" + b"(" * many + b"."
    header = b"{'descr': " + b"(" * 20000 + b")" * 20000 + b"}\n"
    yield "npz", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    header = b'{"a": ' + b"[" * 20000 + b"]" * 20000 + b"}"
    yield "safetensors", struct.pack("<Q", len(header)) + header


def folders():
    """The text files of a tokenizer's folder as one input; tools/fuzz/tokenizer_files.cpp says how."""
    for folder in sorted({path.parent for path in DATA.glob("**/tokenizer_config.json")}):
        parts = [(name, folder / name) for name in TOKENIZER_FILES if (folder / name).exists()]
        yield "tokenizer_files", b"\0".join(name.encode() + b"\n" + path.read_bytes() for name, path in parts)
        without_json = [(name, path) for name, path in parts if name != "tokenizer.json"]
        yield "tokenizer_files", b"\0".join(name.encode() + b"\n" + path.read_bytes() for name, path in without_json)


def records():
    """What lies in archives: pickles, code, arrays."""
    kinds = {".pkl": "pickle", ".debug_pkl": "pickle", ".py": "code", ".npy": "npz"}
    archives = [path for pattern in ["container/*.*", "torchscript/*.pt"] for path in DATA.glob(pattern)]
    for path in sorted(path for path in archives if zipfile.is_zipfile(path)):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if pathlib.Path(name).suffix in kinds:
                    yield kinds[pathlib.Path(name).suffix], archive.read(name)


def main():
    out = pathlib.Path(sys.argv[1])
    for target, patterns in PATTERNS.items():
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        seeds = {path.read_bytes() for pattern in patterns for path in DATA.glob(pattern) if path.is_file()}
        seeds |= {data for made in (texts, deep, folders, records) for name, data in made() if name == target}
        kept = sorted(data for data in seeds if len(data) <= MAX_SIZE)
        for i, data in enumerate(kept):
            (folder / f"seed-{i:03}").write_bytes(data)
        if not kept:
            sys.exit(f"{target}: no seeds")


main()
