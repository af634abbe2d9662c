"""What bertjit's `trace` replaces: the script of the Hugging Face TorchScript guide, for any BERT checkpoint.

    trace.py SOURCE OUT.pt

As in the guide: the sentence pair with one token masked, torchscript=True, eval(), torch.jit.trace with its own check,
torch.jit.save. One thing differs: the guide passes the segments where BertModel takes its attention mask; here a mask
of ones stands between them.
"""

import sys

import torch
import transformers

source, out = sys.argv[1:]
tokenizer = transformers.BertTokenizer.from_pretrained(source)

tokens = tokenizer.tokenize("[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]")
tokens[8] = "[MASK]"
tokens_tensor = torch.tensor([tokenizer.convert_tokens_to_ids(tokens)])
first_segment = tokens.index("[SEP]") + 1
segments_tensor = torch.tensor([[0] * first_segment + [1] * (len(tokens) - first_segment)])
mask_tensor = torch.ones_like(tokens_tensor)

config = transformers.BertConfig.from_pretrained(source)
model_class = getattr(transformers, config.architectures[0])
model = model_class.from_pretrained(source, torchscript=True)
model.eval()

traced_model = torch.jit.trace(model, [tokens_tensor, mask_tensor, segments_tensor])
torch.jit.save(traced_model, out)
