# torch.nn.utils, as far as networks call it while they run.
from torch.nn.utils import rnn
