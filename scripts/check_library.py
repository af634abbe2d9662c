"""Compares the layers and functions of lib/script/library with PyTorch's own.

The library's files are ordinary Python, so they run here as they are, with their own torch.nn in place of PyTorch's. For
each class: the arguments of forward, the parameters after torch.manual_seed(0), names and order of the state dict,
outputs in eval and training mode; that torch.jit.script compiles it; that torch.jit.trace records the same operators.
For each function: outputs. Prints what differs and how much was compared; exit code 1 if anything differs.

    python scripts/check_library.py [--torchvision]
"""

import argparse
import builtins
import inspect
import pathlib
import sys
import types
import warnings

import torch

LIBRARY = pathlib.Path(__file__).resolve().parent.parent / "lib" / "script" / "library"


class Library:
    """The library's packages, each a module that falls back on PyTorch's own where the library has no file."""

    def __init__(self):
        self.modules = {}
        self.torch = self._package("torch", torch)

    def _package(self, name, real):
        module = types.ModuleType(name)
        # Operators that Python hides in torch._C._nn are torch's in TorchScript.
        module.__dict__.update({k: v for k, v in vars(torch._C._nn).items() if not k.startswith("__")})
        module.__dict__.update({k: v for k, v in vars(real).items() if not k.startswith("__")})
        self.modules[name] = module
        return module

    def load(self, name):
        if name in self.modules:
            return self.modules[name]
        parent, _, last = name.rpartition(".")
        if parent:
            self.load(parent)
            if name in self.modules:
                return self.modules[name]
        path = LIBRARY / pathlib.Path(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        module = types.ModuleType(name)
        self.modules[name] = module
        if parent:
            setattr(self.modules[parent], last, module)
        if name == "torch.nn":
            module.Module, module.Parameter = torch.nn.Module, torch.nn.Parameter
        if name == "torch.nn.functional":
            self._operators(module)
        if path.exists():
            self._execute(module, path)
        # The containers' constructors are bertjit's own.
        if name == "torch.nn":
            for container in ("Sequential", "ModuleList", "ModuleDict", "ParameterList"):
                setattr(module, container, getattr(torch.nn, container))
        return module

    def _execute(self, module, path):
        module.__file__ = str(path)
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        alias = "bertjit_library." + module.__name__
        sys.modules[alias] = module
        module.__dict__["__name__"] = alias
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)

    def _operators(self, module):
        """What torch.nn.functional lacks in the library are operators of the same name."""
        for name in dir(torch.nn.functional):
            value = getattr(self.torch, name, None)
            if inspect.isbuiltin(value):
                setattr(module, name, value)

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        own = name.split(".")[0] in ("torch", "torchvision") and not name.startswith(("torch._", "torch.jit"))
        if not own:
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = self.load(name)
        for attribute in fromlist or ():
            if not hasattr(module, attribute):
                self.load(name + "." + attribute)
        return module if fromlist else self.modules[name.split(".")[0]]


def same(expected, actual):
    """Equal in kind, shape, dtype and every bit; nested."""
    if isinstance(expected, torch.Tensor):
        return (
            isinstance(actual, torch.Tensor)
            and expected.dtype == actual.dtype
            and torch.equal(torch.nan_to_num(expected), torch.nan_to_num(actual))
        )
    if isinstance(expected, (tuple, list)):
        return len(expected) == len(actual) and all(same(e, a) for e, a in zip(expected, actual))
    return expected == actual


def close(expected, actual):
    """The same but for rounding: the executor of compiled code may join matrix products."""
    if isinstance(expected, torch.Tensor) and expected.is_floating_point():
        return expected.dtype == actual.dtype and torch.allclose(expected, actual, 1e-5, 1e-6, equal_nan=True)
    if isinstance(expected, (tuple, list)):
        return len(expected) == len(actual) and all(close(e, a) for e, a in zip(expected, actual))
    return same(expected, actual)


def operators(traced):
    """Names of the operators of a trace, in order, without constants and the bookkeeping of sizes.

    PyTorch divides a traced size by div(…, "trunc"), `//` is floor_divide: the same for sizes.
    """
    skipped = ("prim::Constant", "prim::GetAttr", "prim::ListConstruct", "prim::TupleConstruct", "prim::NumToTensor")
    skipped += ("aten::Int", "aten::detach", "prim::ListUnpack", "prim::TupleUnpack")
    kinds = [node.kind() for node in traced.inlined_graph.nodes() if node.kind() not in skipped]
    return ["aten::div" if kind == "aten::floor_divide" else kind for kind in kinds]


X = torch.linspace(-3, 3, 24)
IMAGE = torch.linspace(-2, 2, 2 * 4 * 6 * 6).sin().reshape(2, 4, 6, 6)
SEQUENCE = torch.linspace(-2, 2, 5 * 3 * 8).sin().reshape(5, 3, 8)
IDS = torch.tensor([[1, 2, 3], [4, 0, 1]])
VOLUME = IMAGE.reshape(1, 2, 4, 6, 6)
INDICES = torch.tensor([0, 3, 4, 7]).expand(5, 3, 4)
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
CAUSAL = torch.ones(5, 5).triu(1).bool()
CLASSES = torch.tensor([1, 0, 3, 2])
LOGITS = torch.linspace(-2, 2, 16).reshape(4, 4).sin()
GRID = torch.linspace(-1.5, 1.5, 2 * 3 * 5 * 2).sin().reshape(2, 3, 5, 2)

# Class, arguments, keyword arguments, inputs.
CLASSES_CHECKED = [
    ("Identity", (), {}, (X,)),
    ("Linear", (8, 5), {}, (SEQUENCE,)),
    ("Linear", (8, 5), {"bias": False, "dtype": torch.float64}, (SEQUENCE.double(),)),
    ("Bilinear", (8, 8, 3), {}, (SEQUENCE, SEQUENCE + 1)),
    ("Conv1d", (3, 6, 3), {"padding": 1, "stride": 2}, (SEQUENCE,)),
    ("Conv1d", (3, 6, 3), {"padding": "same"}, (SEQUENCE,)),
    ("Conv2d", (4, 6, 3), {}, (IMAGE,)),
    ("Conv2d", (4, 6, (3, 1)), {"padding": (1, 0), "groups": 2, "bias": False, "dilation": 2}, (IMAGE,)),
    ("Conv2d", (4, 6, 3), {"padding": 2, "padding_mode": "circular"}, (IMAGE,)),
    ("Conv3d", (2, 3, 2), {}, (IMAGE.reshape(1, 2, 4, 6, 6),)),
    ("ConvTranspose1d", (3, 4, 3), {"stride": 2, "output_padding": 1}, (SEQUENCE,)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1}, (IMAGE,)),
    ("BatchNorm1d", (8,), {}, (SEQUENCE[:, 0],)),
    ("BatchNorm1d", (3,), {"affine": False}, (SEQUENCE,)),
    ("BatchNorm2d", (4,), {}, (IMAGE,)),
    ("BatchNorm2d", (4,), {"momentum": None}, (IMAGE,)),
    ("BatchNorm2d", (4,), {"track_running_stats": False}, (IMAGE,)),
    ("BatchNorm3d", (2,), {}, (IMAGE.reshape(1, 2, 4, 6, 6),)),
    ("InstanceNorm1d", (3,), {}, (SEQUENCE,)),
    ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, (IMAGE,)),
    ("LayerNorm", (8,), {}, (SEQUENCE,)),
    ("LayerNorm", ((3, 8),), {"bias": False}, (SEQUENCE,)),
    ("LayerNorm", (8,), {"elementwise_affine": False, "eps": 1e-3}, (SEQUENCE,)),
    ("GroupNorm", (2, 4), {}, (IMAGE,)),
    ("RMSNorm", (8,), {}, (SEQUENCE,)),
    ("RMSNorm", ([8],), {"eps": 1e-6}, (SEQUENCE,)),
    ("LocalResponseNorm", (3,), {}, (IMAGE,)),
    ("Embedding", (5, 4), {}, (IDS,)),
    ("Embedding", (5, 4), {"padding_idx": -1}, (IDS,)),
    ("Embedding", (5, 4), {"max_norm": 1.0}, (IDS,)),
    ("EmbeddingBag", (5, 4), {}, (IDS,)),
    ("EmbeddingBag", (5, 4), {"mode": "sum"}, (IDS.reshape(-1), torch.tensor([0, 4]))),
    ("Dropout", (), {}, (X,)),
    ("Dropout", (0.3,), {"inplace": True}, (X,)),
    ("Dropout1d", (), {}, (SEQUENCE,)),
    ("Dropout2d", (), {}, (IMAGE,)),
    ("AlphaDropout", (), {}, (X,)),
    ("Dropout3d", (), {}, (VOLUME,)),
    ("FeatureAlphaDropout", (), {}, (IMAGE,)),
    ("ReLU", (), {}, (X,)),
    ("ReLU", (True,), {}, (X,)),
    ("ReLU6", (), {}, (X,)),
    ("Hardtanh", (-2.0, 1.5), {}, (X,)),
    ("ELU", (0.5,), {}, (X,)),
    ("CELU", (), {}, (X,)),
    ("SELU", (), {}, (X,)),
    ("LeakyReLU", (0.2,), {}, (X,)),
    ("PReLU", (), {}, (X,)),
    ("PReLU", (4,), {"init": 0.1}, (IMAGE,)),
    ("GELU", (), {}, (X,)),
    ("GELU", (), {"approximate": "tanh"}, (X,)),
    ("GLU", (), {}, (X,)),
    ("SiLU", (), {}, (X,)),
    ("Mish", (), {}, (X,)),
    ("Hardswish", (), {}, (X,)),
    ("Hardsigmoid", (), {}, (X,)),
    ("Softplus", (), {"beta": 2}, (X,)),
    ("Threshold", (0.1, 20.0), {}, (X,)),
    ("Hardshrink", (), {}, (X,)),
    ("Softshrink", (), {}, (X,)),
    ("Tanh", (), {}, (X,)),
    ("Sigmoid", (), {}, (X,)),
    ("LogSigmoid", (), {}, (X,)),
    ("Softsign", (), {}, (X,)),
    ("Tanhshrink", (), {}, (X,)),
    ("Softmax", (-1,), {}, (SEQUENCE,)),
    ("Softmax", (), {"dim": 0}, (SEQUENCE,)),
    ("LogSoftmax", (2,), {}, (SEQUENCE,)),
    ("Softmin", (1,), {}, (SEQUENCE,)),
    ("MaxPool1d", (2,), {}, (SEQUENCE,)),
    ("MaxPool2d", (2,), {"stride": 1, "padding": 1}, (IMAGE,)),
    ("MaxPool2d", ((3, 2),), {"ceil_mode": True}, (IMAGE,)),
    ("MaxPool3d", (2,), {}, (IMAGE,)),
    ("AvgPool1d", (2,), {}, (SEQUENCE,)),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, (IMAGE,)),
    ("AdaptiveAvgPool1d", (3,), {}, (SEQUENCE,)),
    ("AdaptiveAvgPool2d", ((2, 3),), {}, (IMAGE,)),
    ("AdaptiveAvgPool2d", (1,), {}, (IMAGE,)),
    ("AdaptiveMaxPool1d", (3,), {}, (SEQUENCE,)),
    ("AdaptiveMaxPool2d", (2,), {}, (IMAGE,)),
    ("AvgPool3d", (2,), {"stride": 1}, (VOLUME,)),
    ("AdaptiveAvgPool3d", (2,), {}, (VOLUME,)),
    ("AdaptiveMaxPool3d", ((1, 2, 3),), {}, (VOLUME,)),
    ("AdaptiveMaxPool2d", (2,), {"return_indices": True}, (IMAGE,)),
    ("MaxPool1d", (2,), {"return_indices": True}, (SEQUENCE,)),
    ("MaxPool2d", (2,), {"return_indices": True, "padding": 1}, (IMAGE,)),
    ("MaxPool3d", (2,), {"return_indices": True}, (IMAGE,)),
    ("MaxUnpool1d", (2,), {}, (SEQUENCE[..., :4], INDICES)),
    ("MaxUnpool2d", ((2, 1),), {}, (IMAGE[..., :3, :], torch.arange(18).reshape(3, 6).expand(2, 4, 3, 6) * 2)),
    ("LPPool1d", (2, 2), {}, (SEQUENCE,)),
    ("LPPool1d", (float("inf"), 2), {"stride": 1}, (SEQUENCE,)),
    ("LPPool2d", (1.5, (2, 3)), {"ceil_mode": True}, (IMAGE.abs(),)),
    ("Flatten", (), {}, (IMAGE,)),
    ("Unflatten", (1, (2, 2)), {}, (IMAGE,)),
    ("ConstantPad1d", (1, 3.5), {}, (SEQUENCE,)),
    ("ConstantPad2d", ((1, 2, 0, 1), 3.5), {}, (IMAGE,)),
    ("ZeroPad1d", ((1, 2),), {}, (SEQUENCE,)),
    ("ZeroPad2d", (1,), {}, (IMAGE,)),
    ("ReflectionPad1d", (2,), {}, (SEQUENCE,)),
    ("ReflectionPad2d", (2,), {}, (IMAGE,)),
    ("ReplicationPad2d", ((1, 0, 2, 1),), {}, (IMAGE,)),
    ("PixelShuffle", (2,), {}, (IMAGE,)),
    ("Upsample", (), {"scale_factor": 2}, (IMAGE,)),
    ("Upsample", ((9, 7),), {"mode": "bilinear"}, (IMAGE,)),
    ("Upsample", (), {"scale_factor": 2.0}, (SEQUENCE,)),
    ("Upsample", (), {"scale_factor": (2, 1.5), "mode": "bicubic", "align_corners": True}, (IMAGE,)),
    ("Upsample", (), {"scale_factor": 1.5, "mode": "linear"}, (SEQUENCE,)),
    ("Upsample", (4,), {"mode": "trilinear"}, (VOLUME,)),
    ("UpsamplingNearest2d", (), {"scale_factor": 3}, (IMAGE,)),
    ("UpsamplingBilinear2d", ((9, 7),), {}, (IMAGE,)),
    ("CosineSimilarity", (), {}, (IMAGE, IMAGE + 1)),
    ("PairwiseDistance", (), {"p": 1.0}, (LOGITS, LOGITS + 1)),
    ("L1Loss", (), {}, (LOGITS, LOGITS + 1)),
    ("MSELoss", (), {"reduction": "sum"}, (LOGITS, LOGITS + 1)),
    ("SmoothL1Loss", (), {"reduction": "none"}, (LOGITS, LOGITS + 1)),
    ("NLLLoss", (), {}, (LOGITS, CLASSES)),
    ("CrossEntropyLoss", (), {}, (LOGITS, CLASSES)),
    ("CrossEntropyLoss", (), {"weight": torch.ones(4) * 2, "label_smoothing": 0.1}, (LOGITS, CLASSES)),
    ("BCELoss", (), {}, (LOGITS.sigmoid(), LOGITS.abs().clamp(0, 1))),
    ("BCEWithLogitsLoss", (), {"pos_weight": torch.ones(4) * 3}, (LOGITS, LOGITS.abs().clamp(0, 1))),
    ("KLDivLoss", (), {"reduction": "batchmean"}, (LOGITS, LOGITS.abs())),
    ("HuberLoss", (), {"delta": 0.5}, (LOGITS, LOGITS + 1)),
    ("PoissonNLLLoss", (), {"full": True}, (LOGITS, LOGITS.abs())),
    ("GaussianNLLLoss", (), {"full": True}, (LOGITS, LOGITS + 1, LOGITS.abs())),
    ("GaussianNLLLoss", (), {"reduction": "none"}, (LOGITS, LOGITS + 1, LOGITS[0].abs())),
    ("HingeEmbeddingLoss", (0.5,), {}, (LOGITS, LOGITS.sign())),
    ("MarginRankingLoss", (), {"reduction": "sum"}, (LOGITS, LOGITS + 1, LOGITS.sign())),
    ("CosineEmbeddingLoss", (0.1,), {}, (LOGITS, LOGITS + 1, LOGITS[0].sign())),
    ("SoftMarginLoss", (), {}, (LOGITS, LOGITS.sign())),
    ("MultiLabelMarginLoss", (), {}, (LOGITS, torch.tensor([[3, 0, -1, 1]]).expand(4, 4))),
    ("MultiLabelSoftMarginLoss", (torch.ones(4) * 2,), {}, (LOGITS, LOGITS.gt(0).float())),
    ("MultiMarginLoss", (2,), {}, (LOGITS, CLASSES)),
    ("TripletMarginLoss", (), {"swap": True}, (LOGITS, LOGITS + 1, LOGITS - 2)),
    ("CTCLoss", (), {}, (SEQUENCE.log_softmax(2), IDS[0].expand(3, 3) % 8, torch.tensor([5, 5, 4]), torch.tensor([3, 2, 1]))),
    ("RNN", (8, 4), {}, (SEQUENCE,)),
    ("RNN", (8, 4, 2), {"nonlinearity": "relu", "batch_first": True}, (SEQUENCE, torch.ones(2, 5, 4))),
    ("LSTM", (8, 4), {}, (SEQUENCE,)),
    ("LSTM", (8, 4), {"num_layers": 2, "bidirectional": True, "batch_first": True, "proj_size": 3}, (SEQUENCE,)),
    ("LSTM", (8, 4), {"bias": False}, (SEQUENCE, (torch.ones(1, 3, 4), torch.ones(1, 3, 4)))),
    ("LSTM", (8, 4), {}, (SEQUENCE[:, 0],)),
    ("GRU", (8, 4), {"bidirectional": True}, (SEQUENCE,)),
    ("GRU", (8, 4), {}, (SEQUENCE[:, 0], torch.ones(1, 4))),
    ("RNNCell", (8, 4), {}, (SEQUENCE[0],)),
    ("RNNCell", (8, 4), {"nonlinearity": "relu", "bias": False}, (SEQUENCE[0], torch.ones(3, 4))),
    ("LSTMCell", (8, 4), {}, (SEQUENCE[0],)),
    ("LSTMCell", (8, 4), {}, (SEQUENCE[0, 0], (torch.ones(4), torch.ones(4)))),
    ("GRUCell", (8, 4), {}, (SEQUENCE[0], torch.ones(3, 4))),
    ("MultiheadAttention", (8, 2), {}, (SEQUENCE, SEQUENCE, SEQUENCE)),
    ("MultiheadAttention", (8, 2), {"batch_first": True}, (SEQUENCE, SEQUENCE + 1, SEQUENCE + 1)),
    ("MultiheadAttention", (8, 4), {"bias": False}, (SEQUENCE[:, 0], SEQUENCE[:, 1], SEQUENCE[:, 2])),
    ("MultiheadAttention", (8, 2), {}, (SEQUENCE, SEQUENCE + 1, SEQUENCE + 1, PADDING)),
    ("MultiheadAttention", (8, 2), {"batch_first": True}, (SEQUENCE, SEQUENCE, SEQUENCE, None, False, CAUSAL[:3, :3])),
    ("MultiheadAttention", (8, 2), {}, (SEQUENCE, SEQUENCE, SEQUENCE, PADDING, True, CAUSAL, False)),
    ("MultiheadAttention", (8, 2), {}, (SEQUENCE, SEQUENCE, SEQUENCE, None, False, CAUSAL.expand(6, 5, 5))),
    ("MultiheadAttention", (8, 2), {"kdim": 4, "vdim": 6}, (SEQUENCE, SEQUENCE[..., :4], SEQUENCE[..., :6])),
    (
        "MultiheadAttention",
        (8, 2),
        {"add_bias_kv": True, "add_zero_attn": True},
        (SEQUENCE, SEQUENCE, SEQUENCE, PADDING, True, CAUSAL),
    ),
    ("TransformerDecoderLayer", (8, 2, 16), {}, (SEQUENCE, SEQUENCE + 1)),
    (
        "TransformerDecoderLayer",
        (8, 2, 16),
        {"activation": "gelu", "norm_first": True, "batch_first": True, "bias": False},
        (SEQUENCE, SEQUENCE[:, :2], CAUSAL[:3, :3], None, None, torch.zeros(5, 2).bool()),
    ),
    ("Transformer", (8, 2, 1, 2, 16), {}, (SEQUENCE, SEQUENCE[:3])),
    ("TransformerEncoderLayer", (8, 2, 16), {"activation": torch.nn.GELU()}, (SEQUENCE, CAUSAL, PADDING)),
    ("TransformerEncoderLayer", (8, 2, 16), {}, (SEQUENCE,)),
    (
        "TransformerEncoderLayer",
        (8, 2, 16),
        {"activation": "gelu", "norm_first": True, "batch_first": True, "dropout": 0.0},
        (SEQUENCE,),
    ),
]

# Function, inputs, keyword arguments.
FUNCTIONS_CHECKED = [
    ("relu", (X,), {}),
    ("softmax", (SEQUENCE, -1), {"dtype": torch.float64}),
    ("log_softmax", (SEQUENCE, 1), {}),
    ("dropout", (X,), {"p": 0.25}),
    ("dropout", (X, 0.5, False), {}),
    ("normalize", (SEQUENCE,), {"dim": -1}),
    ("normalize", (SEQUENCE,), {"p": 1.0}),
    ("embedding", (IDS, LOGITS.repeat(2, 1)), {}),
    ("layer_norm", (SEQUENCE, (8,)), {}),
    ("layer_norm", (SEQUENCE, (3, 8), torch.ones(3, 8), torch.ones(3, 8)), {"eps": 1e-12}),
    ("group_norm", (IMAGE, 2), {}),
    ("batch_norm", (IMAGE, torch.zeros(4), torch.ones(4)), {}),
    ("batch_norm", (IMAGE, torch.zeros(4), torch.ones(4)), {"training": True}),
    ("instance_norm", (IMAGE,), {}),
    ("max_pool1d", (SEQUENCE, 2), {}),
    ("max_pool2d", (IMAGE, 2), {"stride": 1}),
    ("adaptive_avg_pool2d", (IMAGE, (2, 1)), {}),
    ("adaptive_max_pool2d", (IMAGE, 3), {}),
    ("cross_entropy", (LOGITS, CLASSES), {}),
    ("cross_entropy", (LOGITS, CLASSES), {"reduction": "none"}),
    ("nll_loss", (LOGITS, CLASSES), {}),
    ("mse_loss", (LOGITS, LOGITS + 2), {}),
    ("smooth_l1_loss", (LOGITS, LOGITS + 2), {"beta": 3.0}),
    ("binary_cross_entropy_with_logits", (LOGITS, LOGITS.abs().clamp(0, 1)), {}),
    ("kl_div", (LOGITS, LOGITS.abs()), {"reduction": "sum"}),
    ("unfold", (IMAGE, 2), {"stride": 2}),
    ("fold", (torch.ones(2, 16, 9), 6, 2), {"stride": 2}),
    ("logsigmoid", (X,), {}),
    ("softsign", (X,), {}),
    ("hardtanh", (X,), {}),
    ("rrelu", (X,), {}),
    ("gumbel_softmax", (LOGITS,), {"tau": 0.5}),
    ("gumbel_softmax", (LOGITS,), {"hard": True, "dim": 0}),
    ("huber_loss", (LOGITS, LOGITS + 2), {"weight": LOGITS.abs()}),
    ("mse_loss", (LOGITS, LOGITS + 2), {"weight": LOGITS.abs()}),
    ("l1_loss", (LOGITS, LOGITS + 2), {"weight": LOGITS.abs(), "reduction": "sum"}),
    ("smooth_l1_loss", (LOGITS, LOGITS + 2), {"beta": 0.0}),
    ("lp_pool1d", (SEQUENCE, 2.0, 2), {}),
    ("lp_pool2d", (IMAGE.abs(), 3.0, 2), {"stride": 1}),
    ("max_pool2d", (IMAGE, 2), {"return_indices": True}),
    ("adaptive_avg_pool2d", (IMAGE, (None, 2)), {}),
    ("adaptive_avg_pool3d", (VOLUME, (2, None, 3)), {}),
    ("adaptive_max_pool2d", (IMAGE, (3, None)), {"return_indices": True}),
    ("grid_sample", (IMAGE, GRID), {"align_corners": False}),
    ("grid_sample", (IMAGE, GRID), {"mode": "nearest", "padding_mode": "reflection", "align_corners": True}),
    ("affine_grid", (torch.linspace(-1, 1, 12).reshape(2, 2, 3), [2, 4, 5, 3]), {"align_corners": False}),
    ("upsample", (IMAGE,), {"scale_factor": 2}),
    ("dropout3d", (VOLUME,), {}),
] + [
    ("interpolate", (x,), {"mode": mode, **size})
    for x, modes, sizes in (
        (SEQUENCE, ("nearest", "nearest-exact", "area", "linear"), (5, (5,))),
        (IMAGE, ("nearest", "nearest-exact", "area", "bilinear", "bicubic"), (5, (5, 3))),
        (VOLUME, ("nearest", "nearest-exact", "area", "trilinear"), (5, (5, 3, 7))),
    )
    for mode in modes
    for size in [{"size": size} for size in sizes]
    + [{"scale_factor": 2}, {"scale_factor": 1.5}, {"scale_factor": [1.5] * (x.dim() - 2)}]
    + [{"scale_factor": 1.3, "recompute_scale_factor": True}]
]

INITIALISERS = [
    ("uniform_", {"a": -2.0, "b": 3.0}),
    ("normal_", {"mean": 1.0, "std": 2.0}),
    ("trunc_normal_", {"std": 0.02}),
    ("trunc_normal_", {"mean": 0.5, "std": 1.0, "a": -0.5, "b": 1.0}),
    ("constant_", {"val": 0.25}),
    ("ones_", {}),
    ("zeros_", {}),
    ("eye_", {}),
    ("xavier_uniform_", {"gain": 1.5}),
    ("xavier_normal_", {}),
    ("kaiming_uniform_", {"a": 1.0}),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("orthogonal_", {}),
]


def copies(inputs):
    return [x.clone() if isinstance(x, torch.Tensor) else tuple(copies(x)) if isinstance(x, tuple) else x for x in inputs]


class Called(torch.nn.Module):
    """A call with what cannot be an input of a trace (numbers, None) written in."""

    def __init__(self, called, inputs, keywords=None):
        super().__init__()
        self.called, self.keywords = called, keywords or {}
        self.fixed = [None if self._traceable(x) else (x,) for x in inputs]

    @staticmethod
    def _traceable(x):
        return isinstance(x, (torch.Tensor, tuple)) and not (isinstance(x, tuple) and not isinstance(x[0], torch.Tensor))

    def forward(self, *tensors):
        given = iter(tensors)
        result = self.called(*[next(given) if x is None else x[0] for x in self.fixed], **self.keywords)
        return tuple(x for x in result if x is not None) if isinstance(result, tuple) else result


def traced(called, inputs):
    given = [x for x, fixed in zip(copies(inputs), called.fixed) if fixed is None]
    return torch.jit.trace(called.eval(), given, check_trace=False)


def made(kind, arguments, keywords):
    torch.manual_seed(0)
    return kind(*arguments, **keywords)


def check_class(library, name, arguments, keywords, inputs):
    """What differs between the library's class and PyTorch's, each in a few words."""
    wrong = []
    ours = made(getattr(library.load("torch.nn"), name), arguments, keywords)
    theirs = made(getattr(torch.nn, name), arguments, keywords)
    if torch.rand(1).item() != (made(getattr(torch.nn, name), arguments, keywords), torch.rand(1).item())[1]:
        wrong.append("draws another count of random numbers")
    expected, actual = theirs.state_dict(), ours.state_dict()
    if list(expected) != list(actual):
        wrong.append(f"state dict {list(actual)} instead of {list(expected)}")
    elif not all(same(expected[key], actual[key]) for key in expected):
        wrong.append("parameters begin otherwise")
    if [k for k, _ in theirs.named_parameters()] != [k for k, _ in ours.named_parameters()]:
        wrong.append("other parameters")
    if list(inspect.signature(ours.forward).parameters) != list(inspect.signature(theirs.forward).parameters):
        wrong.append("other arguments of forward")
    for training in (False, True):
        theirs.train(training), ours.train(training)
        torch.manual_seed(1)
        wanted = theirs(*copies(inputs))
        torch.manual_seed(1)
        if not same(wanted, ours(*copies(inputs))):
            wrong.append(f"outputs, training={training}")
    if not all(same(a, b) for a, b in zip(theirs.state_dict().values(), ours.state_dict().values())):
        wrong.append("running statistics")
    ours.eval(), theirs.eval()
    scripted = torch.jit.script(ours)
    if not close(theirs(*copies(inputs)), scripted(*copies(inputs))):
        wrong.append("outputs, scripted")
    if name.startswith("MaxUnpool"):
        return wrong  # PyTorch's own cannot be traced
    a, b = (operators(traced(Called(module, inputs), inputs)) for module in (theirs, ours))
    if a != b:
        wrong.append(f"trace {b} instead of {a}")
    return wrong


def check_function(library, name, inputs, keywords):
    ours, theirs = getattr(library.load("torch.nn.functional"), name), getattr(torch.nn.functional, name)
    torch.manual_seed(1)
    wanted = theirs(*copies(inputs), **keywords)
    torch.manual_seed(1)
    wrong = [] if same(wanted, ours(*copies(inputs), **keywords)) else ["outputs"]
    if "recompute_scale_factor" in keywords or (keywords.get("mode") == "area" and "scale_factor" in keywords):
        return wrong  # sizes times a factor: bertjit computes them from traced sizes in operators of its own
    a, b = (operators(traced(Called(function, inputs, keywords), inputs)) for function in (theirs, ours))
    if a != b:
        wrong.append(f"trace {b} instead of {a}")
    return wrong


def check_initialiser(library, name, keywords):
    ours, theirs = getattr(library.load("torch.nn.init"), name), getattr(torch.nn.init, name)
    wrong = []
    for shape in ([5, 7], [7, 5]):
        torch.manual_seed(3)
        wanted = theirs(torch.empty(shape), **keywords)
        torch.manual_seed(3)
        if not same(wanted, ours(torch.empty(shape), **keywords)):
            wrong.append(f"of {shape}")
    return wrong


def check_encoder(library):
    """nn.TransformerEncoder, whose argument is a layer."""
    stacks = []
    for nn in (torch.nn, library.load("torch.nn")):
        torch.manual_seed(0)
        stacks.append(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, norm=nn.LayerNorm(8)).eval())
    theirs, ours = stacks
    expected, actual = theirs.state_dict(), ours.state_dict()
    wrong = [] if list(expected) == list(actual) and all(same(expected[k], actual[k]) for k in expected) else ["state"]
    masks = {"mask": torch.ones(5, 5).triu(1).bool(), "src_key_padding_mask": torch.zeros(3, 5).bool()}
    masks["src_key_padding_mask"][1, 3:] = True
    if not same(theirs(SEQUENCE, **masks), ours(SEQUENCE, **masks)):
        wrong.append("outputs")
    inputs = {"src": SEQUENCE, **masks}
    a = operators(torch.jit.trace(theirs, example_kwarg_inputs=inputs, check_trace=False))
    b = operators(torch.jit.trace(ours, example_kwarg_inputs=inputs, check_trace=False))
    if a != b:
        wrong.append(f"trace {b} instead of {a}")
    torch.jit.script(ours)
    return wrong


def check_decoder(library):
    """nn.TransformerDecoder, whose argument is a layer."""
    stacks = []
    for nn in (torch.nn, library.load("torch.nn")):
        torch.manual_seed(0)
        layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        stacks.append(nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(8)).eval())
    theirs, ours = stacks
    expected, actual = theirs.state_dict(), ours.state_dict()
    wrong = [] if list(expected) == list(actual) and all(same(expected[k], actual[k]) for k in expected) else ["state"]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(3)
    if not same(mask, library.load("torch.nn").Transformer.generate_square_subsequent_mask(3)):
        wrong.append("generate_square_subsequent_mask")
    inputs = {"tgt": SEQUENCE, "memory": SEQUENCE + 1, "tgt_mask": mask}
    if not same(theirs(**inputs), ours(**inputs)):
        wrong.append("outputs")
    a = operators(torch.jit.trace(theirs, example_kwarg_inputs=inputs, check_trace=False))
    b = operators(torch.jit.trace(ours, example_kwarg_inputs=inputs, check_trace=False))
    if a != b:
        wrong.append(f"trace {b} instead of {a}")
    torch.jit.script(ours)
    return wrong


def check_padding(library):
    ours, theirs = library.load("torch.nn.utils.rnn").pad_sequence, torch.nn.utils.rnn.pad_sequence
    sequences = [X[:4], X[:7], X[:5]]
    wrong = []
    for keywords in ({}, {"batch_first": True, "padding_value": 2.0}, {"padding_side": "left"}):
        if not same(theirs(sequences, **keywords), ours(sequences, **keywords)):
            wrong.append(str(keywords))
    torch.jit.script(ours)
    return wrong


# Numbers of parameters as published with the models (torchvision's documentation).
RESNETS = {"resnet18": 11689512, "resnet34": 21797672, "resnet50": 25557032, "resnet101": 44549160}


def check_resnet(library, name, with_torchvision):
    ours = made(getattr(library.load("torchvision.models"), name), (), {})
    wrong = []
    if sum(p.numel() for p in ours.parameters()) != RESNETS[name]:
        wrong.append("count of parameters")
    if with_torchvision:
        import torchvision

        theirs = made(getattr(torchvision.models, name), (), {})
        expected, actual = theirs.state_dict(), ours.state_dict()
        if list(expected) != list(actual) or not all(same(expected[k], actual[k]) for k in expected):
            wrong.append("state dict")
        image = torch.rand(1, 3, 64, 64)
        if not same(theirs.eval()(image), ours.eval()(image)):
            wrong.append("outputs")
    if name == "resnet18":
        torch.jit.script(ours)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--torchvision", action="store_true", help="compare the residual networks with torchvision's")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    library = Library()
    checks = [
        (f"nn.{name}{arguments}", lambda a=(name, arguments, keywords, inputs): check_class(library, *a))
        for name, arguments, keywords, inputs in CLASSES_CHECKED
    ]
    checks += [
        (f"nn.functional.{name}", lambda a=(name, inputs, keywords): check_function(library, *a))
        for name, inputs, keywords in FUNCTIONS_CHECKED
    ]
    checks += [(f"nn.init.{n}", lambda a=(n, k): check_initialiser(library, *a)) for n, k in INITIALISERS]
    checks += [(n, lambda n=n: check_resnet(library, n, options.torchvision)) for n in RESNETS]
    checks.append(("nn.TransformerEncoder", lambda: check_encoder(library)))
    checks.append(("nn.utils.rnn.pad_sequence", lambda: check_padding(library)))
    checks.append(("nn.TransformerDecoder", lambda: check_decoder(library)))
    failed = 0
    for label, check in checks:
        try:
            wrong = check()
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        failed += bool(wrong)
        for what in wrong:
            print(f"{label}: {what}")
    names = {row[0] for row in CLASSES_CHECKED} | {"TransformerEncoder", "TransformerDecoder", "Module", "Parameter"}
    unchecked = [n for n in vars(library.load("torch.nn")) if n[0].isupper() and n not in names]
    print(f"{len(checks)} compared, {failed} differ; bertjit makes these itself: {', '.join(sorted(unchecked))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
