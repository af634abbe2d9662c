# Calls of torch.nn and torch.nn.functional in the forms in which people write them.
import torch
import torch.nn as nn
import torch.nn.functional as F


class MaskedEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=F.gelu)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, x, padding):
        return self.encoder(x, src_key_padding_mask=padding)


class MaskedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation=nn.GELU())

    def forward(self, x, mask, padding):
        return self.layer(x, src_key_padding_mask=padding, src_mask=mask)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 1)

    def forward(self, x, memory, padding):
        mask = nn.Transformer.generate_square_subsequent_mask(4)
        return self.decoder(x, memory, tgt_mask=mask, memory_key_padding_mask=padding)


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x, memory):
        return self.attention(x, memory, memory)


class WideAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 4, kdim=4, vdim=6, add_bias_kv=True, add_zero_attn=True)

    def forward(self, x, key, value, mask):
        return self.attention(x, key, value, attn_mask=mask, average_attn_weights=False)


masked_encoder = MaskedEncoder().eval()
masked_layer = MaskedLayer().eval()
decoder = Decoder().eval()
cross_attention = CrossAttention()
wide_attention = WideAttention()
transformer = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()


def enlarged(x):
    return F.interpolate(x, scale_factor=2), F.interpolate(x, scale_factor=(2, 1.5), mode="bicubic")


def enlarged_lines(x):
    return F.interpolate(x, scale_factor=2.0, mode="linear", align_corners=True), F.upsample(x, size=5)


def resized(x):
    return F.interpolate(x, size=(3, 7), mode="bilinear"), F.interpolate(x, 5, mode="area")


def padded(x):
    return F.pad(x, (1, 1, 2, 0), "constant", 0), F.pad(x, (1, 2)), F.pad(x, [2, 1], mode="reflect")


def places_of_largest(x):
    largest, places = F.max_pool2d(x, 2, return_indices=True)
    return largest, places, F.adaptive_max_pool2d(x, (None, 2), return_indices=True)[1]


def adaptive(x):
    return F.adaptive_avg_pool2d(x, (None, 2)), F.adaptive_avg_pool2d(x, 1)


def power_averages(x):
    return F.lp_pool1d(x, 2, 2), F.lp_pool1d(x, float("inf"), 2, stride=1)


def turned(x, theta):
    grid = F.affine_grid(theta, x.size(), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def losses(x, y):
    return (
        F.huber_loss(x, y, delta=0.5),
        F.poisson_nll_loss(x, y),
        F.gaussian_nll_loss(x, y, y.abs() + 1, full=True),
        F.margin_ranking_loss(x, y, y.sign()),
        F.cosine_embedding_loss(x, y, y[:, 0].sign(), margin=0.5),
        F.triplet_margin_loss(x, y, y + 1),
        F.soft_margin_loss(x, y.sign(), reduction="none"),
        F.smooth_l1_loss(x, y, beta=0.5, reduction="sum"),
    )


def unit_rows(x):
    return F.normalize(x, dim=-1), F.normalize(x, p=1.0, dim=0)


def side_by_side(x, y):
    return nn.utils.rnn.pad_sequence([x, y], batch_first=True, padding_value=0.5)
