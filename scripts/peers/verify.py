"""What `bertjit verify --only grad-mode,roundtrip,check-inputs` replaces: the experiment of seed 000 as one would script it.

    verify.py TRACED.pt SOURCE SHAPE...

Loads the file; runs it with grad, without, without once more, and after a round trip; saves it twice and
compares the SHA-512; traces the checkpoint again and compares trace, file and network on inputs of each SHAPE ("2x7").
Exits 1 at the first difference.
"""

import hashlib
import os
import sys
import tempfile

import torch
import transformers

traced, source, *shapes = sys.argv[1:]
torch.set_num_threads(1)
config = transformers.AutoConfig.from_pretrained(source)
generator = torch.Generator().manual_seed(0)


def inputs(shape):
    rows, length = map(int, shape.split("x"))
    ids = torch.randint(0, config.vocab_size, (rows, length), generator=generator)
    return ids, torch.ones_like(ids), torch.zeros_like(ids)


def outputs(model, values):
    answer = model(*values)
    return [answer] if isinstance(answer, torch.Tensor) else list(answer)


def demand(condition, what):
    if not condition:
        sys.exit(what)


module = torch.jit.load(traced)
example = inputs("1x14")
with_grad = outputs(module, example)
demand(all(tensor.grad_fn is not None for tensor in with_grad), "no grad_fn")
with torch.no_grad():
    without_grad = outputs(module, example)
    once_more = outputs(module, example)  # not in inference mode: a module that ran with gradients refuses it
for tensor, *others in zip(with_grad, without_grad, once_more):
    demand(all(torch.equal(tensor, other) for other in others), "runs differ")

digests = []
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "again.pt")
    for with_gradients in (True, False):
        with torch.set_grad_enabled(with_gradients):
            torch.jit.save(module, path)
        with open(path, "rb") as file:
            digests.append(hashlib.file_digest(file, "sha512").hexdigest())
    again = torch.jit.load(path)
    with torch.no_grad():
        for left, right in zip(without_grad, outputs(again, example)):
            demand(torch.equal(left, right), "outputs changed in the round trip")
demand(len(set(digests)) == 1, "saves differ")

model_class = getattr(transformers, config.architectures[0])
model = model_class.from_pretrained(source, torchscript=True)
model.eval()
with torch.no_grad():
    for shape in shapes:
        values = inputs(shape)
        expected = outputs(model, values)
        retraced = torch.jit.trace(model, values, check_trace=False)
        for other in (outputs(module, values), outputs(retraced, values)):
            for left, right in zip(expected, other):
                torch.testing.assert_close(right, left, rtol=1.3e-6, atol=2e-5)
