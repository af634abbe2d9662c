"""Puts a BERT classifier into the forms that onnxruntime and CTranslate2 run, with each one's own int8.

    export_networks.py SOURCE FOLDER
      ->  FOLDER/float32.onnx, FOLDER/int8.onnx, FOLDER/ctranslate2-float32, FOLDER/ctranslate2-int8

The int8 of onnxruntime is quantize_dynamic as it comes, with qint8 weights: quint8, its other choice, took 1.8 times as
long on a CPU with AVX-512 VNNI. CTranslate2 has no classifier: its encoder ends with the pooler, and classify.py adds
the last layer.
"""

import sys
from pathlib import Path

import ctranslate2
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic

source, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
# onnxruntime knows the attention that transformers writes out, and puts its own in place.
model = transformers.AutoModelForSequenceClassification.from_pretrained(source, attn_implementation="eager").eval()
names = ["input_ids", "attention_mask", "token_type_ids"]
ids = torch.randint(model.config.vocab_size, (2, 16))
torch.onnx.export(
    model,
    (ids, torch.ones_like(ids), torch.zeros_like(ids)),
    folder / "float32.onnx",
    dynamo=False,
    opset_version=17,
    input_names=names,
    output_names=["logits"],
    dynamic_axes={name: {0: "batch", 1: "seq"} for name in names},
)
quantize_dynamic(folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8)

encoder = folder / "encoder"
model.base_model.save_pretrained(encoder)
transformers.AutoTokenizer.from_pretrained(source).save_pretrained(encoder)
converter = ctranslate2.converters.TransformersConverter(str(encoder))
for dtype in ("float32", "int8"):
    converter.convert(str(folder / f"ctranslate2-{dtype}"), quantization=dtype, force=True)
