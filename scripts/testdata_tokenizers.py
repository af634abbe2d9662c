"""Tokenizers for testdata/: tok-*/, each as on the hub and with what transformers answers, in tokenization.jsonl.

make_testdata.py calls make(). The text they are trained on is below and nowhere else from.
"""

import collections
import io
import json
import shutil

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, RobertaTokenizerFast

SENTENCES = """A tracer follows the tensors of a model and writes down each operation it sees.
The model forgets nothing; the tracer forgets every branch that was not taken.
Who was Jim Henson? Jim Henson was a puppeteer, and the puppets were his.
It's not that we can't compare two files: we don't know what they'd mean, and you've not asked what I'm after.
They're equal to the last bit, she'll say, though he's seen 12 of 3,456 values differ by 0.0001.
Checksums tell a changed file from an unchanged one; they do not tell a good file from a bad one.
Every tokenizer turns text into numbers, and every number stands for a piece of text.
Capital Letters, ALL CAPITALS, camelCase and snake_case_names stand beside http://example.org/path?query=1.
Quoted 'words' and "phrases", (brackets) [and] {braces}, 50% of $9.99 & more -- and so on...
Words that come again and again become one piece; rare ones like zyzzyva stay in letters.
Na\u00efve caf\u00e9s in \u00c5ngstr\u00f6m, stra\u00dfe and \u010de\u0161tina, \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac and \u0440\u0443\u0441\u0441\u043a\u0438\u0439.
\u4e2d\u6587\u548c\u65e5\u672c\u8a9e\u3068\ud55c\uad6d\uc5b4 \U0001f600\U0001f680 end the list.
""".splitlines()

TEXTS = SENTENCES + [
    "",
    " ",
    "  \t \n ",
    "x",
    " leading and trailing ",
    "two  spaces   three\u00a0\u3000wide\u2028line",
    "\ttab\nnew\r\nline\x0bvertical\x85next",
    "can't CAN'T we'll 've' 'tis ''s 'S it 's",
    "\u2018can\u2019t\u2019 \u2013 \u2026 \u20ac5 \u00bd \u00b2 \u2167 1234567890 3.14",
    "e\u0301 \u00e9 \ufb01 \u1e9b\u0323 \u212b \u0344 \uac01 \u1100\u1161\u11a8 \u0958",
    "\u0130stanbul I\u0307 \u03a3\u0391\u03a3 \u1e9e \u01c5",
    "nul\x00bell\x07del\x7f zero\u200bwidth\u200djoiner soft\u00adhyphen \ufeffbom \ufffd \ue000 \U000e0001",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001d400 \U00013460 \U0002ebf0",
    "a<mask>b <mask> </s><s>  <mask>  <pad><unk> <MASK> <mask [MASK] [CLS]",
    "a" * 300 + " " + "ab" * 60,
    "!" * 50 + "?!" * 20,
]
LONG = " ".join(SENTENCES[:4])
SHORT = "Who asked?"

# text, text_pair, max_length, padding, truncation
CASES = (
    [(text, None, None, False, False) for text in TEXTS]
    + [(SENTENCES[0], SENTENCES[2], None, False, False), ("one", "", None, False, False), ("", "two", None, False, False)]
    + [(TEXTS[-3], TEXTS[-3], None, False, False)]
    + [(SHORT, None, 16, "max_length", False), (SHORT, "three", 16, "max_length", False), (LONG, None, 6, "max_length", False)]
    + [(LONG, None, length, "max_length", "longest_first") for length in (4, 12, None)]
    + [(LONG, SHORT, length, "max_length", mode) for length in (16, 31) for mode in ("longest_first", "only_first")]
    + [(SHORT, LONG, length, "max_length", mode) for length in (16, 31) for mode in ("longest_first", "only_second")]
    + [(LONG, LONG, length, False, "longest_first") for length in (9, 10, None)]
)


def answer(tokenizer, case):
    text, pair, max_length, padding, truncation = case
    encoding = tokenizer(text, pair, max_length=max_length, padding=padding, truncation=truncation)
    return dict(
        text=text,
        text_pair=pair,
        max_length=max_length,
        padding=padding,
        truncation=truncation,
        input_ids=encoding["input_ids"],
        token_type_ids=encoding.get("token_type_ids"),
        attention_mask=encoding["attention_mask"],
        tokens=tokenizer.convert_ids_to_tokens(encoding["input_ids"]),
    )


def write_cases(folder, cases=CASES):
    """Asks the tokenizer as it is loaded from the folder."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lines = [json.dumps(answer(tokenizer, case)) + "\n" for case in cases]
    (folder / "tokenization.jsonl").write_text("".join(lines))


def fresh_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def save(tokenizer, folder, **settings):
    """A tokenizer.json, with the settings of a class that adds nothing to it."""
    fresh_folder(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = dict(tokenizer_class="PreTrainedTokenizerFast", model_max_length=48) | settings
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    write_cases(folder)


def make_roberta(folder):
    """Byte-level BPE, with tokenizer.json and with vocab.json and merges.txt."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    fresh_folder(folder)
    tokenizer.model.save(str(folder))
    roberta = RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=48)
    roberta.save_pretrained(folder)
    write_cases(folder)


def learn_merges(words, count):
    """The merges of words given as lists of symbols: tokenizers' own trainer breaks ties by hash, so differently each
    time. Returns them and all symbols."""
    symbols = sorted({symbol for word in words for symbol in word})
    merges = []
    for _ in range(count):
        pairs = collections.Counter(pair for word in words for pair in zip(word, word[1:]))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        if "".join(best) not in symbols:
            symbols.append("".join(best))
        for word in words:
            for i in range(len(word) - 2, -1, -1):
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = ["".join(best)]
    return merges, symbols


def make_bpe_parts(folder):
    """What byte-level BPE leaves out: an affix, fused unknowns, several normalizers, pre-tokenizers and processors, merges
    as one string each, sides other than the usual."""
    normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.NFC(),
            normalizers.Replace("''", '"'),
            normalizers.Replace(Regex(" {2,}"), " _ "),
            normalizers.Strip(left=False),
        ]
    )
    splitter = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    words = []
    for sentence in SENTENCES[:9]:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(sentence)):
            words.append(list(word[:-1]) + [word[-1] + "</w>"])
    merges, symbols = learn_merges(words, 150)
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] + symbols
    model = models.BPE(
        vocab={token: i for i, token in enumerate(vocabulary)},
        merges=merges,
        unk_token="<unk>",
        fuse_unk=True,
        end_of_word_suffix="</w>",
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.add_tokens([AddedToken("caf\u00e9s", normalized=True), AddedToken("text", single_word=True, rstrip=True)])
    template = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:2", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(), template])
    sides = dict(padding_side="left", truncation_side="left")
    save(tokenizer, folder, pad_token="<pad>", unk_token="<unk>", mask_token="<mask>", **sides)
    # tokenizers writes pairs; the older form is what most files on the hub have.
    content = json.loads(tokenizer.to_str())
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
    (folder / "tokenizer.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def make_wordpiece_parts(folder):
    """WordPiece without BERT's own normalizer and pre-tokenizer, and the sides that tokenizer.json gives."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + list("abcdefghijklmnopqrstuvwxyz0123456789.,:;?!'()")
    vocabulary += ["@" + letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789_"] + ["the", "and", "@ing", "@er", "that"]
    model = models.WordPiece(
        vocab={token: i for i, token in enumerate(vocabulary)},
        unk_token="[UNK]",
        continuing_subword_prefix="@",
        max_input_chars_per_word=20,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Prepend("the ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(max_length=7, direction="left")
    tokenizer.enable_padding(direction="left", pad_id=0, pad_token="[PAD]", pad_type_id=3)
    save(tokenizer, folder)


# Three rules, where SentencePiece's own map has 240 kB: a width, a letter with its accent, two letters of a ligature.
CHARACTER_MAP = "FF21\t41\n65 301\tE9\nFB01\t66 69\n3000\t20\n9\t20\nA\t20\n"
BERT_PIECES = dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")


def train_sentencepiece(path, folder, **options):
    """A SentencePiece model of 200 pieces or the number given, with CHARACTER_MAP for a map unless another is named."""
    rules = folder / "rules.tsv"
    rules.write_text(CHARACTER_MAP)
    if "normalization_rule_name" not in options:
        options["normalization_rule_tsv"] = str(rules)
    content = io.BytesIO()
    settings = dict(vocab_size=200, character_coverage=0.98, hard_vocab_limit=False, num_threads=1, minloglevel=2)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=content, **(settings | options)
    )
    rules.unlink()
    # The trainer's own settings (a path and the time among them) say nothing to a tokenizer but these.
    model = sentencepiece_model_pb2.ModelProto.FromString(content.getvalue())
    trainer = sentencepiece_model_pb2.TrainerSpec()
    for field in ("model_type", "byte_fallback", "treat_whitespace_as_suffix", "unk_id", "unk_piece"):
        setattr(trainer, field, getattr(model.trainer_spec, field))
    model.trainer_spec.CopyFrom(trainer)
    model.normalizer_spec.normalization_rule_tsv = ""
    path.write_bytes(model.SerializeToString(deterministic=True))


def make_sentencepiece(folder, tokenizer_class, file, settings=None, with_json=True, **options):
    """A model file with tokenizer_config.json, and the tokenizer.json that transformers makes of them, where there is to
    be one."""
    fresh_folder(folder)
    train_sentencepiece(folder / file, folder, **options)
    settings = dict(tokenizer_class=tokenizer_class, model_max_length=48) | (settings or {})
    config = json.dumps(settings, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(config)
    if with_json:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    write_cases(folder)


def make_marian(folder, **options):
    """source.spm, target.spm, and a vocab.json that lacks every ninth piece of the one, and has some of the other."""
    fresh_folder(folder)
    train_sentencepiece(folder / "source.spm", folder, **options)
    train_sentencepiece(folder / "target.spm", folder, **(options | dict(user_defined_symbols="")))
    tokens = ["</s>", "<unk>", ">>fra<<", ">>deu<<"]
    for name in ("source.spm", "target.spm"):
        processor = sentencepiece.SentencePieceProcessor(str(folder / name))
        pieces = [processor.id_to_piece(i) for i in range(3, processor.get_piece_size())]
        tokens += [piece for i, piece in enumerate(pieces) if i % 9 != 8]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens + ["<pad>"]))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, indent=0, ensure_ascii=False) + "\n")
    settings = dict(tokenizer_class="MarianTokenizer", source_lang="en", target_lang="fr", model_max_length=48)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cases = [(">>fra<< " + SHORT, None, None, False, False), (">>xyz<<a", ">>deu<<", None, False, False)]
    write_cases(folder, CASES + cases)
    ids = [tokenizer(text)["input_ids"] for text in TEXTS] + [[2, 1, 0, 7, 0, 0], [], [0]]
    ids += [list(range(i, i + 40)) for i in range(0, len(tokenizer), 40)]  # beyond the last one too
    lines = [
        json.dumps(dict(ids=row, skip_special_tokens=skip, text=tokenizer.decode(row, skip_special_tokens=skip))) + "\n"
        for row in ids
        for skip in (False, True)
    ]
    (folder / "decoding.jsonl").write_text("".join(lines))


def make_all_sentencepiece(testdata):
    sentencepiece.set_random_generator_seed(1)
    roberta = "sentencepiece.bpe.model"
    make_sentencepiece(testdata / "tok-xlm-roberta", "XLMRobertaTokenizer", roberta, user_defined_symbols="text,<sep>")
    make_sentencepiece(testdata / "tok-camembert-bpe", "CamembertTokenizer", roberta, with_json=False, model_type="bpe")
    make_sentencepiece(
        testdata / "tok-albert",
        "AlbertTokenizer",
        "spiece.model",
        with_json=False,
        normalization_rule_name="nmt_nfkc",
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        pad_piece="<pad>",
        control_symbols="[CLS],[SEP],[MASK]",
    )
    punctuation = dict(split_by_punct=True, do_lower_case=True)
    make_sentencepiece(testdata / "tok-deberta-v2", "DebertaV2Tokenizer", "spm.model", punctuation, **BERT_PIECES)
    make_marian(testdata / "tok-marian", byte_fallback=True, vocab_size=460, user_defined_symbols="text,model")
    make_marian(testdata / "tok-marian-bpe", model_type="bpe", remove_extra_whitespaces=False)


def make(testdata):
    make_all_sentencepiece(testdata)
    make_roberta(testdata / "tok-roberta")
    make_bpe_parts(testdata / "tok-bpe-parts")
    make_wordpiece_parts(testdata / "tok-wordpiece-parts")
