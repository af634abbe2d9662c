# torch/_tensor.py: methods of tensors that are written in Python there.
import torch


def norm(self, p="fro", dim=None, keepdim=False, dtype=None):
    return torch.functional.norm(self, p, dim, keepdim, dtype=dtype)


def split(self, split_size, dim=0):
    return torch.functional.split(self, split_size, dim)


def stft(
    self,
    n_fft,
    hop_length=None,
    win_length=None,
    window=None,
    center=True,
    pad_mode="reflect",
    normalized=False,
    onesided=None,
    return_complex=None,
    align_to_window=None,
):
    return torch.functional.stft(
        self,
        n_fft,
        hop_length,
        win_length,
        window,
        center,
        pad_mode,
        normalized,
        onesided,
        return_complex,
        align_to_window,
    )


def unique(self, sorted=True, return_inverse=False, return_counts=False, dim=None):
    return torch.functional.unique(self, sorted, return_inverse, return_counts, dim)


def new_tensor(self, data, dtype=None):
    if dtype is None:
        return torch.tensor(data, dtype=self.dtype)
    return torch.tensor(data, dtype=dtype)


def bool(self):
    return self.to(torch.bool)


def nelement(self):
    return self.numel()
