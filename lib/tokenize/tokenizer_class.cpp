#include "tokenize/tokenizer_class.h"

#include <string_view>
#include <utility>

namespace bertjit {

namespace {

using enum TokenizerFiles;
using enum SpecialFlags;

// Flags: what transformers 4.57.6 makes of a directory with no more than the vocabulary and the name of the class.
constexpr TokenizerClass kClasses[] = {
    {"Bert", "bert", kWordPiece, "vocab.txt", true,                   //
     nullptr, nullptr, "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kPlain, kPlain, kPlain, 1, 1},
    {"DistilBert", "distilbert", kWordPiece, "vocab.txt", false,      //
     nullptr, nullptr, "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kPlain, kPlain, kPlain, 1, 1},
    {"Electra", "electra", kWordPiece, "vocab.txt", true,             //
     nullptr, nullptr, "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kPlain, kPlain, kPlain, 1, 1},
    {"MobileBert", "mobilebert", kWordPiece, "vocab.txt", true,       //
     nullptr, nullptr, "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kPlain, kPlain, kPlain, 1, 1},
    {"MPNet", "mpnet", kWordPiece, "vocab.txt", false,          //
     "<s>", "</s>", "<s>", "</s>", "[UNK]", "<pad>", "<mask>",  //
     kPlain, kPlain, kLstrip, kLstrip, 2, 1},
    {"Roberta", "roberta", kByteLevelBpe, "vocab.json", false,  //
     "<s>", "</s>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",  //
     kNormalized, kNormalized, kLstrip, kLstrip, 2, 0},
    {"Longformer", "longformer", kByteLevelBpe, "vocab.json", false,  //
     "<s>", "</s>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",        //
     kNormalized, kNormalized, kLstrip, kLstrip, 2, 0},
    {"Bart", "bart", kByteLevelBpe, "vocab.json", false,        //
     "<s>", "</s>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",  //
     kNormalized, kNormalized, kNormalizedLstrip, kNormalizedLstrip, 2, 0},
    {"Deberta", "deberta", kByteLevelBpe, "vocab.json", true,         //
     "[CLS]", "[SEP]", "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kPlain, kNormalizedLstrip, kPlain, 1, 1},
    {"XLMRoberta", "xlm-roberta", kSentencePiece, "sentencepiece.bpe.model", false,  //
     "<s>", "</s>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",                       //
     kPlain, kPlain, kLstrip, kLstrip, 2, 0},
    {"Camembert", "camembert", kSentencePiece, "sentencepiece.bpe.model", false,  //
     "<s>", "</s>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",                    //
     kPlain, kPlain, kLstrip, kLstrip, 2, 0},
    {"Albert", "albert", kSentencePiece, "spiece.model", true,        //
     "[CLS]", "[SEP]", "[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]",  //
     kPlain, kPlain, kLstrip, kLstrip, 1, 1},
    {"DebertaV2", "deberta-v2", kSentencePiece, "spm.model", true,    //
     "[CLS]", "[SEP]", "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]",  //
     kPlain, kNormalized, kPlain, kPlain, 1, 1},
    {"Marian", "marian", kMarian, "source.spm", false,              //
     nullptr, "</s>", nullptr, nullptr, "<unk>", "<pad>", nullptr,  //
     kPlain, kPlain, kPlain, kPlain, 0, 0},
};

SpecialFlags flags_of(const TokenizerClass* of, TokenizerSource source, const std::string& role) {
  if (of == nullptr) {
    return kPlain;
  }
  const bool is_mask = role == "mask_token";
  if (source == TokenizerSource::kTokenizerJson) {
    return is_mask ? of->mask_flags_json : kPlain;
  }
  return is_mask ? of->mask_flags : role == "unk_token" ? of->unk_flags : of->flags;
}

}  // namespace

std::span<const TokenizerClass> tokenizer_classes() {
  return kClasses;
}

std::string list_classes() {
  std::string list;
  for (const TokenizerClass& of : kClasses) {
    list += (list.empty() ? "" : ", ") + std::string(of.name);
  }
  return list;
}

const char* default_content(const TokenizerClass& of, const std::string& role) {
  const std::pair<const char*, const char*> contents[] = {
      {"bos_token", of.bos}, {"eos_token", of.eos}, {"cls_token", of.cls},  {"sep_token", of.sep},
      {"unk_token", of.unk}, {"pad_token", of.pad}, {"mask_token", of.mask}};
  for (const auto& [name, content] : contents) {
    if (role == name) {
      return content;
    }
  }
  return nullptr;
}

std::vector<std::string> default_additional_tokens(const TokenizerClass& of) {
  if (std::string_view(of.name) == "Camembert") {
    return {"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"};
  }
  return {};
}

AddedToken make_role_token(const TokenizerClass* of, TokenizerSource source, const std::string& role,
                           const std::string& content) {
  const SpecialFlags flags = flags_of(of, source, role);
  return {.content = content,
          .lstrip = flags == kLstrip || flags == kNormalizedLstrip,
          .normalized = flags == kNormalized || flags == kNormalizedLstrip,
          .special = true};
}

}  // namespace bertjit
