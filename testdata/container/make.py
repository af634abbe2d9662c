"""Writes the files of this folder with the reference libraries: numpy 2.4, torch 2.13, safetensors 0.8.

    python make.py        (needs numpy, torch, safetensors; the old forms hold addresses, os_system.bin its date)

The values are repeated in lib/container/*_test.cpp.
"""
import collections
import os
import pathlib
import pickle
import warnings
import zipfile

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
warnings.filterwarnings("ignore")


def write_numpy():
    ids = np.array([[101, 7592, 102], [101, -5, 0]], np.int64)
    grid = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    arrays = {
        "ids": ids, "grid": grid, "fortran": np.asfortranarray(grid), "half": np.array([1.5, -2], np.float16),
        "double": np.array(0.1), "i32": np.array([7], np.int32), "i16": np.array([-7], np.int16),
        "i8": np.array([-1], np.int8), "u8": np.array([255], np.uint8), "mask": np.array([True, False]),
        "empty": np.zeros((0, 4), np.float32),
    }
    np.savez(HERE / "arrays.npz", **arrays)
    np.savez_compressed(HERE / "arrays_compressed.npz", **arrays)
    np.save(HERE / "fortran.npy", np.asfortranarray(grid))
    np.lib.format.write_array(open(HERE / "version2.npy", "wb"), grid, version=(2, 0))
    np.lib.format.write_array(open(HERE / "version3.npy", "wb"), grid, version=(3, 0))
    np.save(HERE / "big_endian.npy", grid.astype(">f4"))
    np.save(HERE / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(HERE / "structured.npy", np.zeros(1, [("x", "<f4")]))
    save_file({k: v for k, v in arrays.items() if k != "fortran"}, HERE / "arrays.safetensors",
              metadata={"format": "pt"})


def state_dict():
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
    state = collections.OrderedDict(
        weight=base, tied=base, transposed=base.t(), row=base[1], expanded=torch.tensor([2.5]).expand(3),
        parameter=torch.nn.Parameter(torch.tensor([1.0, -1.0])), half=torch.tensor([1.5, -2], dtype=torch.float16),
        bf16=torch.tensor([1.5, -2], dtype=torch.bfloat16), double=torch.tensor(0.1, dtype=torch.float64),
        ids=torch.tensor([[101, 7592, 102], [101, -5, 0]]), i32=torch.tensor([7], dtype=torch.int32),
        i16=torch.tensor([-7], dtype=torch.int16), i8=torch.tensor([-1], dtype=torch.int8),
        u8=torch.tensor([255], dtype=torch.uint8), mask=torch.tensor([True, False]), empty=torch.zeros(0, 4))
    state._metadata = {"": {"version": 1}}
    return state


def write_torch():
    os.chdir(HERE)  # the archive's root folder is the file's stem
    torch.save(state_dict(), "zip_form.bin")
    torch.save(state_dict(), "old_form.bin", _use_new_zipfile_serialization=False)
    small = {"x": torch.tensor([1.0, 2.0])}
    torch.save({"epoch": 3, "loss": 0.5, "name": "run", "tags": {1, 2}, "raw": b"\x00\xff", "size": torch.Size([2]),
                "dtype": torch.float32, "none": None, "big": 1 << 70, "list": [1, (2, 3)], "state_dict": small},
               "training.bin")
    torch.save({"model": small, "raw": b"\x00\xff", "tags": {1, 2}}, "protocol4.bin", pickle_protocol=4)
    torch.save(small, "protocol4_old_form.bin", pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.save({"x": torch.zeros(3, dtype=torch.uint16)}, "uint16.bin")
    torch.save({"x": torch.zeros(3, dtype=torch.complex64)}, "complex64.bin")
    torch.save([torch.zeros(1)], "list.bin")

    class Run:
        def __reduce__(self):
            return os.system, ("echo executed > executed.txt",)

    with zipfile.ZipFile("os_system.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"x": Run()}, protocol=2))
        archive.writestr("archive/version", "3\n")
    torch.jit.save(torch.jit.script(torch.nn.Identity()), "scripted.pt")


def write_wrapped():
    """What state dicts hold beside plain tensors, each protocol that torch.save can be asked for, and other tensors."""
    os.chdir(HERE)
    values = torch.tensor([1.0, 2.0])
    tagged = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    tagged.note = "an attribute"  # pickled as _rebuild_parameter_with_state
    marked = torch.tensor([5.0])
    marked.note = "an attribute"  # pickled as _rebuild_from_type_v2
    torch.save({"plain": values, "parameter": torch.nn.Parameter(values), "tagged": tagged, "marked": marked,
                "epoch": 3, "name": "run", "optimizer": {"step": torch.tensor(1)}, "version": None},
               "wrapped.bin")
    for protocol in (3, 5):
        torch.save({"x": values, "raw": b"\x00\xff", "array": bytearray(b"ab"), "big": 1 << 3000, "tags": {1}},
                   f"protocol{protocol}.bin", pickle_protocol=protocol)
    torch.save({"x": torch.eye(2).to_sparse()}, "sparse.bin")
    torch.save({"x": torch.quantize_per_tensor(values, 0.1, 0, torch.qint8)}, "quantized.bin")
    torch.save({"x": torch.zeros(2, device="meta")}, "meta.bin")
    torch.save({"x": values.to(torch.float8_e4m3fn)}, "float8.bin")
    torch.save({"x": values.untyped_storage()}, "storage.bin")
    torch.save(torch.nn.Linear(1, 1), "whole_module.bin")
    with open("plain_pickle.bin", "wb") as file:  # pickle.dump in place of torch.save
        pickle.dump({"x": values}, file, protocol=2)


write_numpy()
write_torch()
write_wrapped()
