# torch.nn: the layers under their short names.
from torch.nn import functional, init
from torch.nn.modules.activation import CELU, ELU, GELU, GLU, SELU, Hardshrink, Hardsigmoid, Hardswish, Hardtanh
from torch.nn.modules.activation import LeakyReLU, LogSigmoid, LogSoftmax, Mish, MultiheadAttention, PReLU, ReLU, ReLU6
from torch.nn.modules.activation import Sigmoid, SiLU, Softmax, Softmin, Softplus, Softshrink, Softsign, Tanh
from torch.nn.modules.activation import Tanhshrink, Threshold
from torch.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from torch.nn.modules.container import ModuleDict, ModuleList, ParameterList, Sequential
from torch.nn.modules.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d
from torch.nn.modules.distance import CosineSimilarity, PairwiseDistance
from torch.nn.modules.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from torch.nn.modules.flatten import Flatten, Unflatten
from torch.nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d
from torch.nn.modules.linear import Bilinear, Identity, Linear
from torch.nn.modules.loss import BCELoss, BCEWithLogitsLoss, CTCLoss, CosineEmbeddingLoss, CrossEntropyLoss
from torch.nn.modules.loss import GaussianNLLLoss, HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss, MarginRankingLoss
from torch.nn.modules.loss import MSELoss, MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss, NLLLoss
from torch.nn.modules.loss import PoissonNLLLoss, SmoothL1Loss, SoftMarginLoss, TripletMarginLoss
from torch.nn.modules.normalization import GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from torch.nn.modules.padding import ConstantPad1d, ConstantPad2d, ReflectionPad1d, ReflectionPad2d, ReplicationPad2d
from torch.nn.modules.padding import ZeroPad1d, ZeroPad2d
from torch.nn.modules.pixelshuffle import PixelShuffle
from torch.nn.modules.pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d
from torch.nn.modules.pooling import AdaptiveMaxPool2d, AdaptiveMaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d
from torch.nn.modules.pooling import LPPool2d, MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d, MaxUnpool2d
from torch.nn.modules.rnn import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from torch.nn.modules.sparse import Embedding, EmbeddingBag
from torch.nn.modules.transformer import Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder
from torch.nn.modules.transformer import TransformerEncoderLayer
from torch.nn.modules.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d
