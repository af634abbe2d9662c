# Normalisation over each channel of each example (Ulyanov, Vedaldi and Lempitsky, 2016).
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase


class _InstanceNorm(_NormBase):
    def __init__(
        self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        from_input = self.training or not self.track_running_stats
        momentum = 0.0
        if self.momentum is not None:
            momentum = self.momentum
        return F.instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, from_input, momentum, self.eps
        )

    def forward(self, input: Tensor) -> Tensor:
        without_batch = self._get_no_batch_dim()
        if input.dim() == without_batch:
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        if input.dim() != without_batch + 1:
            raise ValueError("expected " + str(without_batch) + "D or " + str(without_batch + 1) + "D input")
        return self._apply_instance_norm(input)


class InstanceNorm1d(_InstanceNorm):
    def _get_no_batch_dim(self) -> int:
        return 2


class InstanceNorm2d(_InstanceNorm):
    def _get_no_batch_dim(self) -> int:
        return 3
