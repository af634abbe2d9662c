"""What `bertjit trace FILE.py:NAME` replaces: running the file, whose torch.jit.trace makes NAME, and saving that.

    trace_file.py FILE.py NAME OUT.pt
"""

import runpy
import sys

import torch

file, name, out = sys.argv[1:]
torch.manual_seed(0)
torch.jit.save(runpy.run_path(file)[name], out)
