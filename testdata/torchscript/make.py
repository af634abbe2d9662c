"""Writes the files of this folder with torch 2.13: one module, and twins that differ from it in one respect.

    python make.py        (needs torch)

What differs between a file and `module.pt` or `traced.pt` is said beside each; lib/container and lib/digest test it.
"""
import os
import pathlib
import sys
import types
import warnings
import zipfile

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
warnings.filterwarnings("ignore")


class Leaf(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4)
        self.bias = nn.Parameter(torch.tensor([0.5, -1.0]))

    def forward(self, x):
        return torch.nn.functional.linear(x, self.weight, self.bias)


class Kinds(nn.Module):
    """One attribute of every kind."""

    def __init__(self):
        super().__init__()
        self.first = Leaf()
        self.second = Leaf()
        self.register_buffer("ids", torch.tensor([101, 7592, 102]))
        self.register_buffer("scratch", torch.tensor([True, False]), persistent=False)
        self.plain = torch.tensor([1.5, -2.0], dtype=torch.float16)
        self.flag, self.number, self.ratio, self.z, self.name = True, 5, 0.1, 1 - 2j, "a\\b c\n"
        self.device = torch.device("cpu")
        self.sizes, self.scales, self.names, self.flags = [1, -2], [0.5, 2.0], ["a", "b"], [True, False]
        self.tensors = [torch.tensor([1.0]), torch.tensor([2])]
        self.pair = (7, "seven", None)
        self.table = {"one": 1, "two": 2}
        self.by_number = {1: torch.tensor([3.0])}

    def forward(self, x):
        if self.flag:
            x = self.first(x) * self.ratio + self.number
        return x + self.second.bias


class Pair(nn.Module):
    """Two leaves with one weight; traced, each gets a class of its own."""

    def __init__(self):
        super().__init__()
        self.left = Leaf()
        self.right = Leaf()
        self.right.weight = self.left.weight

    def forward(self, x):
        return self.left(x) + self.right(x) * torch.tensor([2.0, 3.0])


class Quantized(nn.Module):
    def __init__(self, scale=0.25):
        super().__init__()
        values = torch.arange(12, dtype=torch.float32).reshape(4, 3) / 4
        self.register_buffer("tensorwise", torch.quantize_per_tensor(values, scale, 3, torch.qint8))
        self.register_buffer(
            "channelwise",
            torch.quantize_per_channel(values, torch.tensor([0.25, 0.5, 1.0, 2.0], dtype=torch.float64),
                                       torch.tensor([0, 1, 2, 3]), 0, torch.quint8),
        )
        packed = torch.quantize_per_tensor(values, 0.5, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(packed, torch.tensor([1.0, 2.0, 3.0, 4.0]))

    def forward(self, x):
        y = self.tensorwise.dequantize() + self.channelwise.dequantize()
        return torch.ops.quantized.linear_dynamic(x, self.packed, True) + y.sum()


def name_files_relatively():
    """Debug records name the files of a trace's call stack: those of torch without the folder it is installed in."""
    for owner in (nn.Module, torch.jit._trace):
        for function in vars(owner).values():
            if isinstance(function, types.FunctionType):
                name = function.__code__.co_filename
                function.__code__ = function.__code__.replace(co_filename=name[name.rfind("torch/"):])


def traced(module, x=None, **options):
    # torch.jit.trace mangles by what the process has traced before: a unit of its own for each.
    torch._C._jit_clear_class_registry()
    torch.jit._state._python_cu = torch._C.CompilationUnit()
    return torch.jit.trace(module.eval(), torch.ones(1, 3) if x is None else x, **options)


def edited(model, edit):
    with torch.no_grad():
        edit(model)
    return model


def moved_leaf():
    """Leaf, from the same source on other lines of another file."""
    source = "\n" * 7 + "def forward(self, x):\n    return torch.nn.functional.linear(x, self.weight, self.bias)\n"
    scope = {"torch": torch}
    exec(compile(source, "elsewhere.py", "exec"), scope)
    return scope["forward"]


def rezip(source, target, order=1, method=zipfile.ZIP_STORED, leave_out=""):
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w", method) as after:
        for info in before.infolist()[::order]:
            if not leave_out or leave_out not in info.filename:
                after.writestr(zipfile.ZipInfo(info.filename), before.read(info), method)


def write_scripted():
    torch.jit.script(Kinds()).save("module.pt")


def write_traced():
    pair = traced(Pair())
    pair.save("traced.pt")
    pair.save("renamed.pt")
    torch.jit.load("traced.pt").save("resaved.pt")
    pair._save_for_lite_interpreter("traced.ptl")
    os.rename("traced.ptl", "lite.pt")
    pair.save("extra.pt", _extra_files={"note.txt": "a note"})
    rezip("traced.pt", "reordered.pt", order=-1)
    rezip("traced.pt", "compressed.pt", method=zipfile.ZIP_DEFLATED)
    rezip("traced.pt", "stripped.pt", leave_out=".debug_pkl")

    traced(Pair())
    torch.jit.trace(Pair().eval(), torch.ones(1, 3)).save("mangled.pt")
    traced(Pair(), torch.zeros(4, 3)).save("other_example.pt")
    forward, Leaf.forward = Leaf.forward, moved_leaf()
    traced(Pair()).save("moved_lines.pt")
    Leaf.forward = forward

    untied = torch.jit.load("traced.pt")
    untied.right._c.setattr("weight", untied.left.weight.clone().detach().requires_grad_())
    untied.save("untied.pt")
    frozen = Pair()
    frozen.left.bias.requires_grad_(False)
    traced(frozen).save("no_grad.pt")
    traced(edited(Pair(), lambda m: m.left.bias.copy_(torch.tensor([0.5, -1.0000001])))).save("one_bit.pt")
    traced(Pair().double(), torch.ones(1, 3).double()).save("double.pt")
    training = traced(Pair())
    training.train()
    training.save("training.pt")
    strided = Pair()
    strided.left.weight.data = strided.left.weight.data.t().contiguous().t()
    traced(strided).save("strided.pt")
    wrapped = nn.Module()
    wrapped.inner = Pair()
    wrapped.forward = types.MethodType(lambda self, x: self.inner(x), wrapped)
    traced(wrapped).save("wrapped.pt")

    Pair.forward = lambda self, x: self.left(x) + self.right(x) * torch.tensor([2.0, 4.0])
    traced(Pair()).save("other_constant.pt")
    Pair.forward = lambda self, x: self.left(x) - self.right(x) * torch.tensor([2.0, 3.0])
    traced(Pair()).save("other_code.pt")


def write_quantized():
    torch.jit.script(Quantized()).save("quantized.pt")
    torch.jit.script(Quantized(scale=0.5)).save("other_scale.pt")


if __name__ == "__main__" and os.path.isabs(__file__):
    # Once more, by a relative name: no file shall hold a path of the machine that wrote it.
    os.chdir(HERE)
    os.execv(sys.executable, [sys.executable, "-c", "import runpy; runpy.run_path('make.py', run_name='__main__')"])
elif __name__ == "__main__":
    name_files_relatively()
    write_scripted()
    write_traced()
    write_quantized()
