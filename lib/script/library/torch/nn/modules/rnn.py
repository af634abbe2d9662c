# Recurrent networks: whole sequences, and single steps. Packed sequences are left out.
import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor
from torch.nn import init


class RNNBase(torch.nn.Module):
    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size"
    ]

    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None
    ):
        super().__init__()
        if hidden_size <= 0 or num_layers <= 0:
            raise ValueError("hidden_size and num_layers must be greater than zero")
        if proj_size < 0 or proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gates = 1
        if mode == "LSTM":
            gates = 4
        elif mode == "GRU":
            gates = 3
        weights = []
        for layer in range(num_layers):
            directions = ["", "_reverse"] if bidirectional else [""]
            for suffix in directions:
                real_hidden = proj_size if proj_size > 0 else hidden_size
                width = input_size if layer == 0 else real_hidden * len(directions)
                end = "_l" + str(layer) + suffix
                names = ["weight_ih" + end, "weight_hh" + end]
                shapes = [[gates * hidden_size, width], [gates * hidden_size, real_hidden]]
                if bias:
                    names = names + ["bias_ih" + end, "bias_hh" + end]
                    shapes = shapes + [[gates * hidden_size], [gates * hidden_size]]
                if proj_size > 0:
                    names = names + ["weight_hr" + end]
                    shapes = shapes + [[proj_size, hidden_size]]
                for i in range(len(names)):
                    weight = torch.nn.Parameter(torch.empty(shapes[i], device=device, dtype=dtype))
                    self.register_parameter(names[i], weight)
                    weights.append(weight)
        self._flat_weights = weights
        bound = 1.0 / math.sqrt(hidden_size)
        for weight in weights:
            init.uniform_(weight, -bound, bound)

    # [layers * directions, batch, width] of zeros.
    def _zeros(self, input: Tensor, batch: int, width: int) -> Tensor:
        directions = 2 if self.bidirectional else 1
        return torch.zeros(self.num_layers * directions, batch, width, dtype=input.dtype, device=input.device)


class RNN(RNNBase):
    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None
    ):
        if nonlinearity == "tanh":
            mode = "RNN_TANH"
        elif nonlinearity == "relu":
            mode = "RNN_RELU"
        else:
            raise ValueError("Unknown nonlinearity '" + nonlinearity + "'. Select from 'tanh' or 'relu'.")
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            if hx is not None:
                hx = hx.unsqueeze(1)
        if hx is None:
            hx = self._zeros(input, input.size(0 if self.batch_first else 1), self.hidden_size)
        if self.mode == "RNN_TANH":
            result = torch.rnn_tanh(
                input,
                hx,
                self._flat_weights,
                self.bias,
                self.num_layers,
                self.dropout,
                self.training,
                self.bidirectional,
                self.batch_first
            )
        else:
            result = torch.rnn_relu(
                input,
                hx,
                self._flat_weights,
                self.bias,
                self.num_layers,
                self.dropout,
                self.training,
                self.bidirectional,
                self.batch_first
            )
        output = result[0]
        hidden = result[1]
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), hidden.squeeze(1)
        return output, hidden


class LSTM(RNNBase):
    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None
    ):
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype
        )

    def forward(
        self, input: Tensor, hx: Optional[Tuple[Tensor, Tensor]] = None
    ) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            width = self.proj_size if self.proj_size > 0 else self.hidden_size
            batch = input.size(0 if self.batch_first else 1)
            hidden = self._zeros(input, batch, width)
            cell = self._zeros(input, batch, self.hidden_size)
        else:
            hidden, cell = hx
            if not batched:
                hidden = hidden.unsqueeze(1)
                cell = cell.unsqueeze(1)
        output, hidden, cell = torch.lstm(
            input,
            [hidden, cell],
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            self.batch_first
        )
        if not batched:
            output = output.squeeze(0 if self.batch_first else 1)
            hidden = hidden.squeeze(1)
            cell = cell.squeeze(1)
        return output, (hidden, cell)


class GRU(RNNBase):
    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None
    ):
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            if hx is not None:
                hx = hx.unsqueeze(1)
        if hx is None:
            hx = self._zeros(input, input.size(0 if self.batch_first else 1), self.hidden_size)
        output, hidden = torch.gru(
            input,
            hx,
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            self.batch_first
        )
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), hidden.squeeze(1)
        return output, hidden


class RNNCellBase(torch.nn.Module):
    __constants__ = ["input_size", "hidden_size", "bias"]
    bias_ih: Optional[Tensor]
    bias_hh: Optional[Tensor]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = torch.nn.Parameter(torch.empty([rows, input_size], device=device, dtype=dtype))
        self.weight_hh = torch.nn.Parameter(torch.empty([rows, hidden_size], device=device, dtype=dtype))
        if bias:
            self.bias_ih = torch.nn.Parameter(torch.empty([rows], device=device, dtype=dtype))
            self.bias_hh = torch.nn.Parameter(torch.empty([rows], device=device, dtype=dtype))
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        bound = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0
        init.uniform_(self.weight_ih, -bound, bound)
        init.uniform_(self.weight_hh, -bound, bound)
        if bias:
            init.uniform_(self.bias_ih, -bound, bound)
            init.uniform_(self.bias_hh, -bound, bound)


class RNNCell(RNNCellBase):
    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tensor:
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            hx = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
        elif not batched:
            hx = hx.unsqueeze(0)
        if self.nonlinearity == "tanh":
            result = torch.rnn_tanh_cell(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        elif self.nonlinearity == "relu":
            result = torch.rnn_relu_cell(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        else:
            raise RuntimeError("Unknown nonlinearity: " + self.nonlinearity)
        if not batched:
            result = result.squeeze(0)
        return result


class LSTMCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Optional[Tuple[Tensor, Tensor]] = None) -> Tuple[Tensor, Tensor]:
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            zeros = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            hidden = zeros
            cell = zeros
        else:
            hidden, cell = hx
            if not batched:
                hidden = hidden.unsqueeze(0)
                cell = cell.unsqueeze(0)
        result = torch.lstm_cell(
            input, [hidden, cell], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        )
        if not batched:
            return result[0].squeeze(0), result[1].squeeze(0)
        return result


class GRUCell(RNNCellBase):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Optional[Tensor] = None) -> Tensor:
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            hx = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
        elif not batched:
            hx = hx.unsqueeze(0)
        result = torch.gru_cell(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        if not batched:
            result = result.squeeze(0)
        return result
