"""Makes a BERT-base-size checkpoint with random weights for the benchmark: make_bert_base.py VOCAB.txt FOLDER."""

import shutil
import sys

import torch
from transformers import BertConfig, BertModel

vocabulary, folder = sys.argv[1:]
torch.manual_seed(0)
config = BertConfig(
    vocab_size=32000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072
)
BertModel(config).save_pretrained(folder)
shutil.copy(vocabulary, f"{folder}/vocab.txt")
