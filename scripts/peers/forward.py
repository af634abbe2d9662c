"""What `bertjit bench` is compared with: a checkpoint in transformers, eager and traced, on ids of one shape.

    forward.py SOURCE BATCH SEQ RUNS  ->  {"eager": [seconds, ...], "torchscript": [seconds, ...]}

The inputs are bertjit's: random ids, every second row padded in its second half. Eager and traced take turns; three runs
of each come before those that count.
"""

import json
import sys
import time

import torch
import transformers

source = sys.argv[1]
batch, seq, runs = map(int, sys.argv[2:])
torch.set_num_threads(1)
torch.manual_seed(0)

config = transformers.AutoConfig.from_pretrained(source)
model = getattr(transformers, config.architectures[0]).from_pretrained(source, torchscript=True).eval()
ids = torch.randint(config.vocab_size, (batch, seq))
mask = torch.ones_like(ids)
mask[1::2, (seq + 1) // 2 :] = 0
inputs = [ids, mask]
if getattr(config, "type_vocab_size", 0) > 1:
    segments = torch.zeros_like(ids)
    segments[:, (seq + 1) // 2 :] = 1
    inputs.append(segments)
traced = torch.jit.trace(model, inputs)

seconds = {"eager": [], "torchscript": []}
with torch.inference_mode():
    for run in range(runs + 3):
        for kind, network in (("eager", model), ("torchscript", traced)):
            begin = time.perf_counter()
            network(*inputs)
            if run >= 3:
                seconds[kind].append(time.perf_counter() - begin)
print(json.dumps(seconds))
