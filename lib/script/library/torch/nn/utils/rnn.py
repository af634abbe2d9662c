# Sequences of several lengths. Packed ones are left out: a trace would keep the example's batch sizes.
from typing import List

import torch
from torch import Tensor


# One tensor, [longest, batch, …] or [batch, longest, …], of sequences [length, …].
def pad_sequence(
    sequences: List[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    if torch.jit.is_scripting():
        return torch.pad_sequence(sequences, batch_first, padding_value, padding_side)
    else:
        if isinstance(sequences, torch.Tensor):
            return torch.pad_sequence(sequences.unbind(0), batch_first, padding_value, padding_side)
        else:
            return torch.pad_sequence(sequences, batch_first, padding_value, padding_side)
