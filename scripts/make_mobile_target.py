#!/usr/bin/env python3
"""Writes the operators of PyTorch Mobile's lite interpreter into lib/target/profiles/mobile.json.

    pip download --no-deps --platform macosx_11_0_arm64 --python-version 3.11 --only-binary=:all: torch==2.1.0
    scripts/make_mobile_target.py torch-2.1.0-cp311-none-macosx_11_0_arm64.whl

2.1.0 is the last release of pytorch_android_lite and LibTorch-Lite. The wheel for another arm64 system holds what both
are built from: native_functions.yaml, which says where each operator of ATen has a kernel (one for the CPU, or one that
is made of others, counts), and the schemas of the operators that the interpreter and quantization register, as texts
of the library. Left out are gradients, oneDNN's, and what only the full interpreter registers
(torch/csrc/jit/runtime/register_prim_ops_fulljit.cpp).
"""
import json
import pathlib
import re
import sys
import zipfile

PROFILE = pathlib.Path(__file__).parent.parent / "lib/target/profiles/mobile.json"
KERNELS = {"CPU", "QuantizedCPU", "SparseCPU", "CompositeImplicitAutograd", "CompositeExplicitAutograd",
           "CompositeExplicitAutogradNonFunctional"}
FULL_INTERPRETER = {"aten::grad", "aten::backward", "aten::save", "aten::percentFormat", "aten::manual_seed",
                    "aten::cuda"}
LEFT_OUT = re.compile(r"aten::(_foreach_|_fused_|_test_|_use_cudnn|_?cudnn_|_?miopen_|_?mps_|_?mkldnn_|to_mkldnn|_cuda_)"
                      r"|_backward|_jvp$|_copy$")
SCHEMA = re.compile(rb"((?:aten|quantized|prepacked)::[A-Za-z_0-9]+)(?:\.[A-Za-z0-9_]+)?\(")


def aten_operators(yaml):
    """Names with a kernel; yaml is a list of "- func:" entries, each perhaps with a block "dispatch:"."""
    for entry in re.split(r"^- func: ", yaml, flags=re.MULTILINE)[1:]:
        name = re.match(r"\w+", entry)[0]
        block = re.search(r"^  dispatch:\n((?:    .*\n)+)", entry, re.MULTILINE)
        keys = {key.strip() for line in re.findall(r"^    ([\w, ]+):", block[1] if block else "", re.MULTILINE)
                for key in line.split(",")}
        if not block or keys & KERNELS or "structured_delegate" in entry:
            yield "aten::" + name


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        yaml = wheel.read("torchgen/packaged/ATen/native/native_functions.yaml").decode()
        library = wheel.read("torch/lib/libtorch_cpu.dylib")
    without_kernel = {"aten::" + name for name in re.findall(r"^- func: (\w+)", yaml, re.MULTILINE)}
    names = set(aten_operators(yaml))
    without_kernel -= names
    names |= {schema.decode() for schema in SCHEMA.findall(library)} | {"aten::warn"}  # an instruction of its own
    names = {name for name in names - without_kernel - FULL_INTERPRETER if not LEFT_OUT.search(name)}
    profile = json.loads(PROFILE.read_text())
    profile["operators"]["known"] = sorted(names | {"prim::*"})
    PROFILE.write_text(json.dumps(profile, indent=2, ensure_ascii=False) + "\n")
    print(len(names), "operators")


if __name__ == "__main__":
    main()
