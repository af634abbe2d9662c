"""Makes testdata/family/: a tiny checkpoint of every architecture and head, with what transformers computes on it.

Each folder holds config.json, model.safetensors and io.npz: three input sets and the outputs, as described in
testdata/README.md.
"""

import numpy
import torch
import transformers

VOCABULARY_SIZE = 61
PAD_AT_ONE = dict(pad_token_id=1, bos_token_id=0, eos_token_id=2, max_position_embeddings=34, type_vocab_size=1)
BERT = dict(
    hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, max_position_embeddings=32
)
ROBERTA = BERT | PAD_AT_ONE
DISTILBERT = dict(dim=8, n_layers=2, n_heads=2, hidden_dim=12, max_position_embeddings=32)
ELECTRA = BERT | dict(embedding_size=6)
ALBERT = BERT | dict(embedding_size=6, hidden_dropout_prob=0.0)
MPNET = BERT | dict(pad_token_id=1, bos_token_id=0, eos_token_id=2, max_position_embeddings=34)
DEBERTA_V3 = BERT | dict(
    relative_attention=True,
    position_buckets=8,
    norm_rel_ebd="layer_norm",
    share_att_key=True,
    pos_att_type=["p2c", "c2p"],
    position_biased_input=False,
    type_vocab_size=0,
    layer_norm_eps=1e-7,
)
MARIAN = dict(
    d_model=8,
    encoder_layers=2,
    decoder_layers=2,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=12,
    decoder_ffn_dim=12,
    max_position_embeddings=32,
    pad_token_id=VOCABULARY_SIZE - 1,
    decoder_start_token_id=VOCABULARY_SIZE - 1,
    eos_token_id=0,
    forced_eos_token_id=0,
    scale_embedding=True,
    activation_function="swish",
    use_cache=False,
)
EVERYTHING = dict(output_hidden_states=True, output_attentions=True)

# folder: class, configuration
MODELS = {
    "bert": ("BertModel", BERT | EVERYTHING),
    "bert-decoder": ("BertModel", BERT | dict(is_decoder=True, use_cache=False)),
    "bert-lmhead": ("BertLMHeadModel", BERT | dict(is_decoder=True, use_cache=False)),
    "bert-mlm-untied": ("BertForMaskedLM", BERT | dict(tie_word_embeddings=False, hidden_act="quick_gelu")),
    "bert-multiplechoice": ("BertForMultipleChoice", BERT),
    "bert-nsp": ("BertForNextSentencePrediction", BERT),
    "bert-qa": ("BertForQuestionAnswering", BERT | dict(hidden_act="mish")),
    "bert-regression": ("BertForSequenceClassification", BERT | dict(num_labels=1)),
    "bert-relative-key": ("BertModel", BERT | dict(position_embedding_type="relative_key")),
    "bert-relative-key-query": ("BertForMaskedLM", BERT | dict(position_embedding_type="relative_key_query")),
    "bert-tokencls": ("BertForTokenClassification", BERT | dict(num_labels=5, hidden_act="gelu_fast")),
    "distilbert": ("DistilBertModel", DISTILBERT | EVERYTHING),
    "distilbert-mlm": ("DistilBertForMaskedLM", DISTILBERT),
    "distilbert-multiplechoice": ("DistilBertForMultipleChoice", DISTILBERT),
    "distilbert-qa": ("DistilBertForQuestionAnswering", DISTILBERT),
    "distilbert-seqcls": ("DistilBertForSequenceClassification", DISTILBERT | dict(activation="relu", num_labels=3)),
    "distilbert-sinusoidal": ("DistilBertModel", DISTILBERT | dict(sinusoidal_pos_embds=True)),
    "distilbert-tokencls": ("DistilBertForTokenClassification", DISTILBERT | dict(num_labels=4)),
    "roberta": ("RobertaModel", ROBERTA | EVERYTHING),
    "roberta-causal": ("RobertaForCausalLM", ROBERTA | dict(is_decoder=True, use_cache=False)),
    "roberta-mlm": ("RobertaForMaskedLM", ROBERTA | dict(hidden_act="gelu_new")),
    "roberta-multiplechoice": ("RobertaForMultipleChoice", ROBERTA),
    "roberta-qa": ("RobertaForQuestionAnswering", ROBERTA),
    "roberta-seqcls": ("RobertaForSequenceClassification", ROBERTA | dict(num_labels=3)),
    "roberta-tokencls": ("RobertaForTokenClassification", ROBERTA | dict(num_labels=4)),
    "roberta-two-segments": ("RobertaModel", ROBERTA | dict(type_vocab_size=2)),
    "xlm-roberta": ("XLMRobertaModel", ROBERTA),
    "xlm-roberta-mlm": ("XLMRobertaForMaskedLM", ROBERTA),
    "camembert-mlm": ("CamembertForMaskedLM", ROBERTA),
    "camembert-tokencls": ("CamembertForTokenClassification", ROBERTA | dict(num_labels=3)),
    "electra": ("ElectraModel", ELECTRA | EVERYTHING),
    "electra-equal-sizes": ("ElectraModel", ELECTRA | dict(embedding_size=8)),
    "electra-mlm": ("ElectraForMaskedLM", ELECTRA),
    "electra-multiplechoice": ("ElectraForMultipleChoice", ELECTRA),
    "electra-pretraining": ("ElectraForPreTraining", ELECTRA),
    "electra-qa": ("ElectraForQuestionAnswering", ELECTRA),
    "electra-seqcls": ("ElectraForSequenceClassification", ELECTRA | dict(num_labels=3)),
    "electra-tokencls": ("ElectraForTokenClassification", ELECTRA | dict(num_labels=4)),
    "albert": ("AlbertModel", ALBERT | EVERYTHING | dict(num_hidden_layers=3)),
    "albert-groups": ("AlbertModel", ALBERT | dict(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)),
    "albert-mlm": ("AlbertForMaskedLM", ALBERT),
    "albert-multiplechoice": ("AlbertForMultipleChoice", ALBERT),
    "albert-pretraining": ("AlbertForPreTraining", ALBERT),
    "albert-qa": ("AlbertForQuestionAnswering", ALBERT),
    "albert-seqcls": ("AlbertForSequenceClassification", ALBERT | dict(num_labels=3)),
    "albert-tokencls": ("AlbertForTokenClassification", ALBERT | dict(num_labels=4)),
    "mpnet": ("MPNetModel", MPNET | EVERYTHING),
    "mpnet-mlm": ("MPNetForMaskedLM", MPNET),
    "mpnet-multiplechoice": ("MPNetForMultipleChoice", MPNET),
    "mpnet-qa": ("MPNetForQuestionAnswering", MPNET),
    "mpnet-seqcls": ("MPNetForSequenceClassification", MPNET | dict(num_labels=3)),
    "mpnet-tokencls": ("MPNetForTokenClassification", MPNET | dict(num_labels=4)),
    "deberta-v2": (
        "DebertaV2Model",
        DEBERTA_V3
        | EVERYTHING
        | dict(share_att_key=False, position_biased_input=True, conv_kernel_size=3, conv_act="gelu", type_vocab_size=2),
    ),
    "deberta-v2-absolute": (
        "DebertaV2Model",
        DEBERTA_V3 | dict(relative_attention=False, position_biased_input=True, pos_att_type=[], type_vocab_size=2),
    ),
    "deberta-v2-no-buckets": (
        "DebertaV2Model",
        DEBERTA_V3 | dict(position_buckets=-1, norm_rel_ebd="none", pos_att_type=["c2p"], share_att_key=False),
    ),
    "deberta-v2-projected": ("DebertaV2Model", DEBERTA_V3 | dict(embedding_size=6)),
    "deberta-v3": ("DebertaV2Model", DEBERTA_V3),
    "deberta-v3-mlm": ("DebertaV2ForMaskedLM", DEBERTA_V3),
    "deberta-v3-multiplechoice": ("DebertaV2ForMultipleChoice", DEBERTA_V3),
    "deberta-v3-qa": ("DebertaV2ForQuestionAnswering", DEBERTA_V3),
    "deberta-v3-seqcls": ("DebertaV2ForSequenceClassification", DEBERTA_V3 | dict(num_labels=3)),
    "deberta-v3-tokencls": ("DebertaV2ForTokenClassification", DEBERTA_V3 | dict(num_labels=4)),
    "marian": ("MarianModel", MARIAN | EVERYTHING),
    "marian-mt": ("MarianMTModel", MARIAN),
    "marian-mt-two-vocabularies": (
        "MarianMTModel",
        MARIAN
        | dict(
            share_encoder_decoder_embeddings=False,
            decoder_vocab_size=51,
            decoder_start_token_id=50,
            scale_embedding=False,
            tie_word_embeddings=False,
        ),
    ),
    "electra-causal": ("ElectraForCausalLM", ELECTRA | dict(is_decoder=True, use_cache=False)),
    "electra-multiplechoice-mean": (
        "ElectraForMultipleChoice",
        ELECTRA | dict(summary_type="mean", summary_activation=None, summary_use_proj=False),
    ),
    "albert-relative-key": ("AlbertModel", ALBERT | dict(position_embedding_type="relative_key")),
    "albert-inner-groups": (
        "AlbertModel",
        ALBERT | EVERYTHING | dict(inner_group_num=2),
    ),
    "deberta-v3-mlm-new": ("DebertaV2ForMaskedLM", DEBERTA_V3 | dict(legacy=False, tie_word_embeddings=False)),
    "deberta-v2-far": (
        "DebertaV2ForTokenClassification",
        DEBERTA_V3
        | dict(
            position_buckets=6,
            max_relative_positions=9,
            pos_att_type=["p2c"],
            share_att_key=False,
            conv_kernel_size=5,
            conv_groups=2,
            type_vocab_size=1,
            pad_token_id=3,
        ),
    ),
}
EAGER_ONLY = ("mpnet", "deberta")  # no attn_implementation to choose

# [batch, length], tokens that are not padding in each row; set c gives only input_ids.
INPUT_SETS = {"a": ((2, 11), (11, 7)), "b": ((3, 19), (13, 19, 2)), "c": ((1, 6), (6,))}
DECODER_LENGTHS = {"a": 7, "b": 9, "c": 4}
CHOICES = {"a": 3, "b": 4, "c": 2}


def randomise(model, seed):
    """Far from the usual initialisation and biases included, so that a wrong or missing term shows."""
    rng = numpy.random.Generator(numpy.random.PCG64(seed))
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if "embed_positions" in name:  # computed, not learned, and not in files
                continue
            values = 0.2 * rng.standard_normal(tuple(parameter.shape), dtype=numpy.float32)
            if "norm" in name.lower() and name.endswith("weight"):
                values += numpy.float32(1)
            parameter.copy_(torch.from_numpy(values))
        for name, buffer in sorted(model.named_buffers()):
            if name.endswith("final_logits_bias"):
                buffer.copy_(torch.from_numpy(rng.standard_normal(tuple(buffer.shape), dtype=numpy.float32)))


def make_inputs(model, set_name, rng):
    """Rows of ids, padded at the end; two segments where the model has segments."""
    config = model.config
    shape, lengths = INPUT_SETS[set_name]
    choices = CHOICES[set_name] if "MultipleChoice" in type(model).__name__ else 1
    rows = numpy.repeat(numpy.array(lengths), choices)
    ids = rng.integers(3, 50, (len(rows), shape[1]))
    mask = (numpy.arange(shape[1]) < rows[:, None]).astype(numpy.int64)
    ids = numpy.where(mask == 1, ids, config.pad_token_id)
    segments = ((numpy.arange(shape[1]) >= (rows[:, None] + 1) // 2) & (mask == 1)).astype(numpy.int64)
    inputs = {"input_ids": ids}
    if set_name != "c":
        inputs["attention_mask"] = mask
        if getattr(config, "type_vocab_size", 0) > 1 and config.model_type not in ("distilbert", "mpnet"):
            inputs["token_type_ids"] = segments
    if choices > 1:
        inputs = {name: values.reshape(shape[0], choices, shape[1]) for name, values in inputs.items()}
    if config.model_type == "marian":
        decoder = rng.integers(3, 50, (shape[0], DECODER_LENGTHS[set_name]))
        decoder[:, 0] = config.decoder_start_token_id
        inputs["decoder_input_ids"] = decoder
    return inputs


def named_tensors(outputs):
    for name, value in outputs.items():
        if isinstance(value, tuple):
            yield from ((f"{name}.{i}", tensor) for i, tensor in enumerate(value))
        elif torch.is_tensor(value):
            yield name, value


def make_model(folder, seed):
    class_name, settings = MODELS[folder.name]
    head = getattr(transformers, class_name)
    attention = {} if folder.name.startswith(EAGER_ONLY) else {"attn_implementation": "eager"}
    config = head.config_class(**{"vocab_size": VOCABULARY_SIZE} | settings, **attention)
    model = head(config).eval()
    randomise(model, seed)
    model.tie_weights()
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors' writer leaves the file to its owner alone

    arrays = {}
    rng = numpy.random.Generator(numpy.random.PCG64(seed + 1000))
    for set_name in INPUT_SETS:
        inputs = make_inputs(model, set_name, rng)
        with torch.no_grad():
            outputs = model(**{key: torch.from_numpy(value) for key, value in inputs.items()}, return_dict=True)
        arrays |= {f"{set_name}.{key}": value for key, value in inputs.items()}
        arrays |= {f"{set_name}.out.{key}": value.numpy() for key, value in named_tensors(outputs)}
    numpy.savez(folder / "io.npz", **arrays)


def make(testdata):
    for seed, name in enumerate(MODELS):
        folder = testdata / "family" / name
        folder.mkdir(parents=True)
        make_model(folder, seed)
