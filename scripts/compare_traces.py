"""Compares traces by bertjit with what torch.jit.trace records of the same source.

    python scripts/compare_traces.py JOBS.json

JOBS.json is a list of {"source": "FILE.py:NAME", "trace": "FILE.pt", "inputs": {NAME: VALUE}}; lists of numbers are tensors
unless the function's annotation says otherwise. Prints, as JSON, {"source": {"python": [LINE], "bertjit": [LINE]}}: the
operators in order, canonically written; "error" instead where torch.jit.trace fails.

Canonical: one line an operator, with its inputs, all calls inlined. Inputs of the graph are named by their place, parameters
by their path, results by the number of the operator. Left out, because they only carry a value on: constants, lists and
tuples (written where they are used), a size made a tensor and a number again (prim::NumToTensor, aten::Int,
aten::ScalarImplicit), aten::detach and aten::lift_fresh of constants, sizes nobody uses; and what says the default in other
words: device, layout and pin_memory of new tensors, their dtype if it is float32, a slice from the beginning or to the end. A constant tensor without dimensions
is its number: Python wraps numbers that arithmetic with tensors needs, {2} for 2.
"""

import json
import math
import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import torch
from testdata_source import named_values, target_in

CARRIED = {"prim::NumToTensor", "aten::Int", "aten::ScalarImplicit", "aten::IntImplicit", "aten::FloatImplicit"}
DEFAULTS = {"device", "layout", "pin_memory"}
OF_CONSTANTS = {"aten::detach", "aten::lift_fresh", "aten::lift_fresh_copy"}


def number_text(value):
    if isinstance(value, (bool, str)) or value is None:
        return repr(value)
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.6g}"
    return str(value)


def constant_text(node):
    if not node.hasAttribute("value"):
        return "None"
    value = node.output().toIValue()
    if isinstance(value, torch.Tensor):
        if value.dim() == 0:
            return number_text(value.item())
        return f"tensor{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(number_text(entry) for entry in value) + "]"
    return number_text(value)


class Canonical:
    def __init__(self, graph):
        self.names = {}
        self.constants = set()
        self.lines = []
        inputs = [value for value in graph.inputs() if not self.is_module(value)]
        for value in graph.inputs():
            self.names[value.debugName()] = "self" if self.is_module(value) else f"input{inputs.index(value)}"
        self.block(graph, "")
        self.lines.append("return " + ", ".join(self.name(value) for value in graph.outputs()))

    @staticmethod
    def is_module(value):
        return value.type().kind() == "ClassType"

    def name(self, value):
        return self.names[value.debugName()]

    def bind(self, value, text, constant=False):
        self.names[value.debugName()] = text
        if constant:
            self.constants.add(value.debugName())

    def block(self, block, indent):
        for node in block.nodes():
            self.node(node, indent)

    def node(self, node, indent):
        kind = node.kind()
        inputs = list(node.inputs())
        outputs = list(node.outputs())
        if kind == "prim::Constant":
            self.bind(outputs[0], constant_text(node), constant=True)
        elif kind == "prim::GetAttr":
            self.bind(outputs[0], f"{self.name(inputs[0])}.{node.s('name')}")
        elif kind in CARRIED or (kind in OF_CONSTANTS and inputs[0].debugName() in self.constants):
            self.bind(outputs[0], self.name(inputs[0]), inputs[0].debugName() in self.constants)
        elif kind in ("prim::ListConstruct", "prim::TupleConstruct"):
            brackets = "[]" if kind == "prim::ListConstruct" else "()"
            self.bind(outputs[0], brackets[0] + ", ".join(self.name(value) for value in inputs) + brackets[1])
        elif kind in ("prim::ListUnpack", "prim::TupleUnpack"):
            whole = inputs[0].node()
            made = list(whole.inputs()) if whole.kind() in ("prim::ListConstruct", "prim::TupleConstruct") else None
            for i, output in enumerate(outputs):
                self.bind(output, self.name(made[i]) if made else f"{self.name(inputs[0])}[{i}]")
        elif kind == "aten::size" and not outputs[0].uses():
            self.bind(outputs[0], "unused")
        else:
            self.operator(node, kind, inputs, outputs, indent)

    def arguments(self, node, kind, inputs):
        texts = [self.name(value) for value in inputs]
        if node.schema() == "(no schema)":
            return texts
        names = [argument.name for argument in torch._C.parse_schema(node.schema()).arguments]
        if "pin_memory" in names:
            texts = [
                "None" if name in DEFAULTS or (name == "dtype" and text == "6") else text for name, text in zip(names, texts)
            ]
        elif kind == "aten::slice":
            plain = {"start": "0", "end": str(2**63 - 1)}
            texts = ["None" if plain.get(name) == text else text for name, text in zip(names, texts)]
        return texts

    def operator(self, node, kind, inputs, outputs, indent):
        number = len(self.lines)
        self.lines.append(f"{indent}{kind}(" + ", ".join(self.arguments(node, kind, inputs)) + ")")
        for i, output in enumerate(outputs):
            self.bind(output, f"%{number}" + (f".{i}" if len(outputs) > 1 else ""))
        for block in node.blocks():
            for i, value in enumerate(block.inputs()):
                self.bind(value, f"%{number}.in{i}")
            self.block(block, indent + "  ")
            self.lines.append(indent + "  -> " + ", ".join(self.name(value) for value in block.outputs()))


def canonical(module):
    return Canonical(module.inlined_graph).lines


def python_trace(source, inputs):
    target = target_in(source)
    if isinstance(target, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        return target
    torch.manual_seed(0)
    return torch.jit.trace(target, named_values(target, inputs), check_trace=False, strict=False)


def compared(job):
    result = {"bertjit": canonical(torch.jit.load(job["trace"]))}
    try:
        result["python"] = canonical(python_trace(job["source"], job["inputs"]))
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return result


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    jobs = json.loads(pathlib.Path(sys.argv[1]).read_text())
    print(json.dumps({job["source"]: compared(job) for job in jobs}, indent=1))


if __name__ == "__main__":
    main()
