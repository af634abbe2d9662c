#!/usr/bin/env python3
"""Computes bertjit's meaning digests as docs/formats/digests.md defines them, with nothing but Python.

    meaning_digest.py content|weights|code PATH [--stream]

Written from that page, not from bertjit's code: lib/digest's tests hold the two against each other. It reads TorchScript
files, .safetensors, pytorch_model.bin in zip form, and Hugging Face directories. Nothing that a pickle names is
imported or called. CRCs are checked by zipfile.
"""
import argparse
import hashlib
import json
import math
import os
import pickle
import re
import struct
import zipfile

STORAGES = {
    "FloatStorage": ("float32", 4), "DoubleStorage": ("float64", 8), "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1), "BoolStorage": ("bool", 1),
    "QInt8Storage": ("qint8", 1), "QUInt8Storage": ("quint8", 1), "QInt32Storage": ("qint32", 4),
    "ComplexFloatStorage": ("complex64", 8), "ComplexDoubleStorage": ("complex128", 16),
}  # fmt: skip
SAFETENSORS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
WEIGHTS = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"]
MODEL_FILES = [
    "added_tokens.json", "config.json", "generation_config.json", "merges.txt", "sentencepiece.bpe.model",
    "source.spm", "special_tokens_map.json", "spiece.model", "spm.model", "target.spm", "tokenizer.json",
    "tokenizer_config.json", "vocab.json", "vocab.txt",
]  # fmt: skip
MADE = ["embeddings.position_ids", "embeddings.token_type_ids"]
TIED = [
    "predictions.decoder.weight", "predictions.decoder.bias", "lm_head.decoder.weight", "lm_head.decoder.bias",
    "lm_head.weight", "vocab_projector.weight", "generator_lm_head.weight", "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
]  # fmt: skip


# Words


def sha512(data):
    return hashlib.sha512(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data).hexdigest()


def word(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(" ", "\\s") or "\\e"


def numbers(values):
    return "[" + ",".join(map(str, values)) + "]"


def double(value):
    return struct.pack(">d", value).hex()


# Tensors


class Tensor:
    """A view of a storage: key, dtype, element size, offset, shape and strides in elements."""

    def __init__(self, storage, offset, shape, strides, requires_grad=False, hooks=None, bits=None, quantizer=None):
        self.dtype, self.size, self.key, self.device = storage
        self.offset, self.shape, self.strides = offset, shape, strides
        self.requires_grad, self.quantizer, self.record, self.read = requires_grad, quantizer, None, None
        self.bits = ",".join(name for name, is_set in (bits or {}).items() if is_set)

    def is_plain(self):
        expected, step = [], 1
        for length in reversed(self.shape):
            expected.insert(0, step)
            step *= max(length, 1)
        return 0 in self.shape or all(n == 1 or s == e for n, s, e in zip(self.shape, self.strides, expected))

    def elements(self):
        """Row-major bytes."""
        storage, size = self.read(), self.size
        begin = self.offset * size
        if self.is_plain():
            return bytes(storage[begin : begin + math.prod(self.shape) * size])
        offsets = [0]
        for length, stride in zip(self.shape, self.strides):
            offsets = [offset + i * stride for offset in offsets for i in range(length)]
        return b"".join(storage[begin + o * size : begin + (o + 1) * size] for o in offsets)

    def dtype_word(self):
        bits = "+" + word(self.bits) if self.bits else ""
        if self.quantizer is None:
            return self.dtype + bits
        scheme, scales, zero_points, axis = (*self.quantizer, 0)[:4]
        values = b"".join(struct.pack("<d", v) for v in number_list(scales) + number_list(zero_points))
        return f"{self.dtype}:{word(scheme)}:{axis}:{sha512(values)}{bits}"


def number_list(value):
    if not isinstance(value, Tensor):
        return [float(value)]
    code = {"float64": "d", "float32": "f", "int64": "q", "int32": "i"}[value.dtype]
    data = value.elements()
    return [float(v) for v in struct.unpack(f"<{len(data) // value.size}{code}", data)]


# Pickles, as data


class Object:
    def __init__(self, *values):
        self.state = Typed(values[0]) if values else None  # an enum's value

    def __setstate__(self, state):
        self.state = state


class Typed:
    """A list or dict that TorchScript marked with its type."""

    def __init__(self, value, *_):
        self.value = value


class Ordered(dict):
    """A state dict has attributes."""


class Device:
    def __init__(self, text):
        self.text = text


class Reader(pickle.Unpickler):
    def __init__(self, archive, root, name, folder):
        super().__init__(archive.open(root + name))
        self.archive, self.prefix, self.folder = archive, root, folder

    def persistent_load(self, pid):
        _, storage, key, device, _ = pid
        return (*storage, key, device)

    def tensor(self, *arguments, **more):
        tensor = Tensor(*arguments, **more)
        tensor.record = self.folder + tensor.key
        tensor.read = lambda: self.archive.read(self.prefix + tensor.record)
        return tensor

    def find_class(self, module, name):
        full = module + "." + name
        if module.split(".")[0] == "__torch__":
            return type(name, (Object,), {"type": full})
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known = {
            "collections.OrderedDict": Ordered,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
            "torch._utils._rebuild_qtensor": lambda storage, offset, shape, strides, quantizer, *more: self.tensor(
                storage, offset, shape, strides, *more, quantizer=quantizer
            ),
            "torch.device": Device,
            "builtins.complex": complex,
            "torch.jit._pickle.restore_type_tag": Typed,
        }
        if full.startswith("torch.jit._pickle.build_"):
            return Typed
        if name.startswith("per_"):
            return name
        return known[full]  # KeyError: nothing else is in a file of tensors


# Values: docs/formats/digests.md, "Values"


class Node:
    def __init__(self, name, depth, kind, value=None, count=0, same=None, own=False):
        self.name, self.depth, self.kind, self.value = name, depth, kind, value
        self.count, self.same, self.own = count, same, own


def number_name(value):
    return "%.17g" % value if isinstance(value, float) else str(value)


def walk(value, name, depth, nodes, seen):
    def join(part):
        return part if name == "" else name + "." + part

    value = value.value if isinstance(value, Typed) else value
    kinds = [(bool, "bool"), (int, "int"), (float, "float"), (complex, "complex"), (str, "str"), (Device, "device"),
             (Tensor, "tensor")]  # fmt: skip
    kind = "None" if value is None else next((kind for of, kind in kinds if isinstance(value, of)), None)
    if kind:
        nodes.append(Node(name, depth, kind, value))
    elif isinstance(value, (list, tuple)):
        nodes.append(Node(name, depth, "list" if isinstance(value, list) else "tuple", count=len(value)))
        for i, item in enumerate(value):
            walk(item, join(str(i)), depth + 1, nodes, seen)
    elif isinstance(value, dict):
        nodes.append(Node(name, depth, "dict", count=2 * len(value)))
        for key, item in value.items():
            for inner in (key, item):
                walk(inner, join(number_name(key)), depth + 1, nodes, seen)
    else:
        number = len(nodes)
        same = seen.setdefault(id(value), number)
        state, own = value.state, not isinstance(value.state, dict)
        nodes.append(Node(name, depth, "object", value.type, len(state) if not own else 0, same, own and state is not None))
        if not own:
            for key, item in state.items():
                walk(item, join(key), depth + 1, nodes, seen)
        elif state is not None:
            walk(state, name, depth + 1, nodes, seen)


# Code: "Code"


def plain_name(name):
    return ".".join(part for part in name.split(".") if not re.fullmatch(r"___torch_mangle_[0-9]+", part))


class Code:
    TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*', re.S)

    def __init__(self, script):
        self.script, self.units, self.names, self.counts, self.order, self.taken = script, {}, {}, {}, [], 0
        for record in script.names:
            if record.startswith("code/") and record.endswith(".py"):
                self.split(record[len("code/") : -len(".py")].replace("/", "."), script.text(record))

    def split(self, qualifier, text):
        name = None
        for line in text.splitlines(keepends=True):
            header = re.match(r"(?:class|def) ([A-Za-z0-9_]+)", line)
            if header:
                name = qualifier + "." + header[1]
                self.units[name] = ""
            if name:
                self.units[name] += line
        for name in self.units:
            self.units[name] = self.units[name].rstrip("\n") + "\n"

    def name_of(self, name):
        if name in self.units and name not in self.names:
            plain = plain_name(name)
            before = self.counts.get(plain, 0)
            self.counts[plain] = before + 1
            self.names[name] = plain if before == 0 else f"{plain}#{before}"
            self.order.append(name)
        return self.names.get(name, name)

    def rewrite(self, match):
        token = match[0]
        constant = re.fullmatch(r"CONSTANTS\.c([0-9]+)", token)
        if constant:
            return "CONSTANTS." + sha512(self.script.constant_lines(int(constant[1]), self))
        if token.startswith("__torch__"):
            end = len(token)
            while end > 0:
                if token[:end] in self.units:
                    return self.name_of(token[:end]) + token[end:]
                end = token.rfind(".", 0, end)
        return token

    def take_named(self):
        lines = ""
        while self.taken < len(self.order):
            name = self.order[self.taken]
            self.taken += 1
            text = self.TOKEN.sub(self.rewrite, self.units[name])
            lines += f"unit {sha512(text)} {word(self.names[name])}\n"
        return lines

    def take_rest(self):
        rest = [n for n in self.units if n not in self.names]
        rest.sort(key=lambda n: (plain_name(n), re.sub(r"___torch_mangle_[0-9]*\.?", "", self.units[n]), n))
        lines = ""
        for name in rest:
            self.name_of(name)
            lines += self.take_named()
        return lines


# TorchScript files


class Script:
    def __init__(self, path):
        self.archive = zipfile.ZipFile(path)
        assert self.archive.testzip() is None
        self.root = self.archive.namelist()[0].split("/")[0] + "/"
        self.names = sorted(name[len(self.root) :] for name in self.archive.namelist())
        self.nodes, self.constants, self.first = [], [], {}
        walk(Reader(self.archive, self.root, "data.pkl", "data/").load(), "", 0, self.nodes, {})
        if "constants.pkl" in self.names:
            seen = {}
            for value in Reader(self.archive, self.root, "constants.pkl", "constants/").load():
                nodes = []
                walk(value, "", 0, nodes, seen)
                self.constants.append(nodes)
        self.tensors = [node for node in self.nodes if node.kind == "tensor"]

    def text(self, name):
        return self.archive.read(self.root + name).decode("utf-8", "surrogatepass")

    def version(self):
        return next(self.text(n).rstrip("\r\n") for n in ("version", ".data/version") if n in self.names)

    def line(self, node, number, code):
        words = {
            "None": lambda v: "-",
            "bool": str,
            "int": str,
            "float": double,
            "complex": lambda v: double(v.real) + "," + double(v.imag),
            "str": sha512,
            "device": lambda v: sha512(v.text),
            "tensor": lambda v: self.tensor_words(v, number),
            "object": lambda v: self.object_words(node, number, code),
        }
        words = words.get(node.kind, lambda v: str(node.count))(node.value)
        return f"value {node.depth} {node.kind} {words}"

    def object_words(self, node, number, code):
        same = "-" if number is None or node.same == number else str(node.same)
        return f"{word(code.name_of(node.value))} {'own' if node.own else node.count} {same}"

    def tensor_words(self, tensor, number):
        sharing = "-"
        if number is not None:
            begin = tensor.offset * tensor.size
            position = next(i for i, node in enumerate(self.tensors) if node is self.nodes[number])
            first, start = self.first.setdefault(tensor.record, (position, begin))
            sharing = "-" if first == position else f"{first}@{begin - start}"
        strides = "-" if tensor.is_plain() else numbers(tensor.strides)
        grad = "grad" if tensor.requires_grad else "-"
        words = f"{tensor.dtype_word()} {numbers(tensor.shape)} {strides} {grad} {word(tensor.device)}"
        return f"{words} {sha512(tensor.elements())} {sharing}"

    def constant_lines(self, index, code):
        return "".join(self.line(node, None, code) + "\n" for node in self.constants[index])

    def records(self):
        notes = ("data.pkl", "constants.pkl", "version", "byteorder", "mobile_debug_handles.pkl", "traced_inputs.pkl")
        folders = ("traced_inputs/", ".data/", "data/", "constants/")
        for name in self.names:
            is_code = name.startswith("code/") and name.endswith(".py")
            if not (is_code or name.endswith(".debug_pkl") or name in notes or name.startswith(folders)):
                yield name

    def stream(self, kind):
        if kind == "weights":
            return weight_lines([(n.name, n.value.dtype_word(), n.value.shape, n.value.elements()) for n in self.tensors])
        code = Code(self)
        for node in self.nodes:
            if node.kind == "object":
                code.name_of(node.value)
        stream = f"version {word(self.version())}\n" + code.take_named()
        if kind == "code":
            return stream
        stream += code.take_rest()
        stream += "".join(f"{self.line(n, i, code)} {word(n.name)}\n" for i, n in enumerate(self.nodes))
        stream += "".join(f"record {sha512(self.archive.read(self.root + n))} {word(n)}\n" for n in self.records())
        return "torchscript\n" + stream


# Tensors without code


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = []
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors.append((name, SAFETENSORS[entry["dtype"]], entry["shape"], data[8 + size + begin : 8 + size + end]))
    return tensors, metadata


def read_bin(path):
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    root = archive.namelist()[0].split("/")[0] + "/"
    state = Reader(archive, root, "data.pkl", "data/").load()
    for key in ("state_dict", "model"):
        if not any(isinstance(value, Tensor) for value in state.values()):
            state = state.get(key, state)
    found = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    return [(name, value.dtype_word(), list(value.shape), value.elements()) for name, value in found.items()], {}


def read_tensors(path):
    if path.endswith(".index.json"):
        with open(path, encoding="utf-8") as file:
            shards = json.load(file)["weight_map"]
        folder = os.path.dirname(path)
        parts = [read_tensors(os.path.join(folder, shard))[0] for shard in sorted(set(shards.values()))]
        return [tensor for part in parts for tensor in part if tensor[0] in shards], {}
    return read_safetensors(path) if path.endswith(".safetensors") else read_bin(path)


def ends_in(name, parts):
    return ("." + name).endswith("." + parts)


def is_sinusoids(dtype, shape, data):
    formats = {"float64": ("d", -22), "float32": ("f", -22), "float16": ("e", -11), "bfloat16": ("H", -8)}
    if dtype not in formats or len(shape) != 2 or 0 in shape:
        return False
    code, tolerance = formats[dtype]
    rows, columns = shape
    values = struct.unpack(f"<{rows * columns}{code}", data)
    if dtype == "bfloat16":
        values = [struct.unpack("<f", struct.pack("<I", v << 16))[0] for v in values]
    sines = (columns + 1) // 2
    for position in range(rows):
        for column in range(columns):
            half = column if column < sines else column - sines
            angle = position / 10000 ** (2 * half / columns)
            expected = math.sin(angle) if column < sines else math.cos(angle)
            if not abs(values[position * columns + column] - expected) <= 2.0**tolerance:
                return False
    return True


def weight_lines(tensors):
    entries = []
    for name, dtype, shape, data in tensors:
        for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
            if ends_in(name, old):
                name = name[: -len(old)] + new
        entries.append((name, dtype, list(shape), data, sha512(data)))

    def matches(name, list_of_parts):
        return any(ends_in(name, parts) for parts in list_of_parts)

    own = {(dtype, str(shape), digest) for name, dtype, shape, _, digest in entries if not matches(name, TIED)}
    kept = [
        (name, dtype, shape, digest)
        for name, dtype, shape, data, digest in entries
        if not matches(name, MADE)
        and not (matches(name, TIED) and (dtype, str(shape), digest) in own)
        and not (ends_in(name, "embed_positions.weight") and is_sinusoids(dtype, shape, data))
    ]
    names = [name for name, *_ in kept]
    while names and all("." in name for name in names) and len({name.split(".")[0] for name in names}) == 1:
        names = [name.split(".", 1)[1] for name in names]
    lines = sorted(zip(names, kept), key=lambda pair: pair[0].encode())
    return "".join(f"{dtype} {numbers(shape)} {digest} {word(name)}\n" for name, (_, dtype, shape, digest) in lines)


def tensor_stream(path, kind):
    is_folder, lines, weights = os.path.isdir(path), "", path
    if is_folder:
        weights = next(file for file in (os.path.join(path, name) for name in WEIGHTS) if os.path.exists(file))
    tensors, metadata = read_tensors(weights)
    if kind == "weights":
        return weight_lines(tensors)
    if is_folder:
        for name in MODEL_FILES:
            if os.path.exists(os.path.join(path, name)):
                with open(os.path.join(path, name), "rb") as file:
                    lines += f"file {sha512(file.read())} {name}\n"
    for name, dtype, shape, data in sorted(tensors, key=lambda tensor: tensor[0].encode()):
        lines += f"tensor {dtype} {numbers(shape)} {sha512(data)} {word(name)}\n"
    if not is_folder:
        lines += "".join(f"metadata {sha512(metadata[key])} {word(key)}\n" for key in sorted(metadata))
    return ("checkpoint\n" if is_folder else "tensors\n") + lines


def is_torchscript(path):
    if not os.path.isfile(path) or not zipfile.is_zipfile(path):
        return False
    return any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["content", "weights", "code"])
    parser.add_argument("path")
    parser.add_argument("--stream", action="store_true", help="print what is hashed, not its digest")
    arguments = parser.parse_args()
    kind, path = arguments.kind, arguments.path
    stream = f"bertjit.digest.{kind}/1\n"
    stream += Script(path).stream(kind) if is_torchscript(path) else tensor_stream(path, kind)
    print(stream, end="") if arguments.stream else print(sha512(stream))


if __name__ == "__main__":
    main()
