// What sets two model files apart, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// What a difference can change, worst first.
enum class DiffEffect {
  kOutputs,      ///< what the model computes, or how it is called
  kGradients,    ///< nothing but what training would do: requires_grad, storage shared or not
  kDescription,  ///< nothing but what the file says of itself: claims, metadata
  kBytes,        ///< nothing: the same model in other bytes
};

/// "outputs", "gradients", "description", "bytes".
inline const char* diff_effect_name(DiffEffect effect) {
  switch (effect) {
    case DiffEffect::kOutputs:
      return "outputs";
    case DiffEffect::kGradients:
      return "gradients";
    case DiffEffect::kDescription:
      return "description";
    case DiffEffect::kBytes:
      return "bytes";
  }
  return "";
}

enum class DiffVerdict {
  kIdentical,  ///< the same bytes
  kSame,       ///< other bytes, but nothing that was asked about differs
  kDifferent,
};

/// "identical", "same", "different".
inline const char* diff_verdict_name(DiffVerdict verdict) {
  switch (verdict) {
    case DiffVerdict::kIdentical:
      return "identical";
    case DiffVerdict::kSame:
      return "same";
    case DiffVerdict::kDifferent:
      return "different";
  }
  return "";
}

/// What counts as a difference.
enum class DiffLevel {
  kContent,  ///< everything but how it is stored
  kWeights,  ///< names, dtypes, shapes and values of tensors
  kCode,     ///< code, and the constants in it
  kBytes,    ///< every byte
};

/// "content", "weights", "code", "bytes".
inline const char* diff_level_name(DiffLevel level) {
  switch (level) {
    case DiffLevel::kContent:
      return "content";
    case DiffLevel::kWeights:
      return "weights";
    case DiffLevel::kCode:
      return "code";
    case DiffLevel::kBytes:
      return "bytes";
  }
  return "";
}

struct DiffSide {
  std::string path;  ///< as given
  std::string kind;  ///< "TorchScript archive", "safetensors", "torch.save", "npz", "npy", "directory", "file"
  uint64_t size_bytes = 0;
  uint64_t tensor_count = 0;
  uint64_t element_count = 0;
  uint64_t module_count = 0;  ///< 0 where there is no code
};

/// One reason for what differs, in words.
struct DiffCause {
  std::string id;  ///< frozen name, e.g. "one-weight"; docs/formats/diff.md lists them
  DiffEffect effect = DiffEffect::kOutputs;
  std::string text;  ///< "one changed weight: pooler.dense.weight [3, 17], bit 23 flipped: 0.5 became 1"
};

/// One position of two tensors. Integers above 2^53 are rounded.
struct DiffElement {
  std::vector<int64_t> index;  ///< a number for each dimension
  double a = 0;
  double b = 0;
};

/// Two tensors of one name whose dtype, shape or values differ.
struct DiffTensor {
  std::string name;
  std::string name_in_b;  ///< another one where a prefix was renamed, else the same
  std::string role;       ///< "parameter", "buffer", "constant", …; empty if the file does not say
  std::string dtype_a, dtype_b;
  std::vector<int64_t> shape_a, shape_b;
  /// What B is to A where that has a name, as a frozen id ("cast", "transposed"; docs/formats/diff.md) and in words;
  /// both empty where it has none.
  std::string relation;
  std::string relation_text;

  /// Whether the rest was measured: both have one shape, elements, and a dtype that can be read as numbers.
  bool measured = false;
  int64_t elements = 0;
  int64_t differing = 0;       ///< elements: of one dtype by their bits, else by their values
  int64_t rows_differing = 0;  ///< first indices under which some element differs
  DiffElement first;           ///< the first of them
  double max_abs = 0;          ///< NaN where a NaN stands against anything but a NaN
  DiffElement max_abs_at;
  double max_rel = 0;  ///< |b - a| / |a|; infinite where only a is zero
  DiffElement max_rel_at;
  double mean_abs = 0;
  double cosine = 0;
  double sqnr_db = 0;        ///< 10 log10(sum a^2 / sum (b - a)^2)
  int64_t sign_changes = 0;  ///< numbers other than zero of which one is negative
  int64_t nan_a = 0, nan_b = 0, inf_a = 0, inf_b = 0;
  int64_t zeros_a = 0, zeros_b = 0;
  /// Bits that differ, from 0, the lowest; only where one element of one dtype differs.
  std::vector<int> flipped_bits;
};

/// A tensor that one side has alone.
struct DiffLoneTensor {
  std::string name;
  std::string role;
  std::string dtype;
  std::vector<int64_t> shape;
  /// Of the tensors that both sides have, one of the same dtype, shape and bytes; empty if there is none.
  std::string same_as;
};

enum class DiffSubject {
  kTraining,     ///< a module's training flag
  kAttribute,    ///< any other value that a module keeps
  kModule,       ///< a module, by its class
  kGradient,     ///< a tensor's requires_grad
  kStorage,      ///< which names share one storage
  kTensorTrait,  ///< strides, device, role
  kConfig,       ///< a value in config.json
  kClaim,        ///< a value in extra/bertjit.json
  kMetadata,     ///< a value in safetensors' __metadata__
  kFile,         ///< an extra file, a file of the directory, a record that is none of the others
  kFormat,       ///< how it is stored
};

/// "training", "attribute", "module", "requires_grad", "storage", "tensor", "config", "claim", "metadata", "file",
/// "format".
inline const char* diff_subject_name(DiffSubject subject) {
  switch (subject) {
    case DiffSubject::kTraining:
      return "training";
    case DiffSubject::kAttribute:
      return "attribute";
    case DiffSubject::kModule:
      return "module";
    case DiffSubject::kGradient:
      return "requires_grad";
    case DiffSubject::kStorage:
      return "storage";
    case DiffSubject::kTensorTrait:
      return "tensor";
    case DiffSubject::kConfig:
      return "config";
    case DiffSubject::kClaim:
      return "claim";
    case DiffSubject::kMetadata:
      return "metadata";
    case DiffSubject::kFile:
      return "file";
    case DiffSubject::kFormat:
      return "format";
  }
  return "";
}

/// One named value that differs.
struct DiffFact {
  DiffSubject subject = DiffSubject::kAttribute;
  DiffEffect effect = DiffEffect::kOutputs;
  std::string name;              ///< "encoder.layer.0.dropout", "hidden_size"
  std::optional<std::string> a;  ///< none: only the other side has it
  std::optional<std::string> b;
  std::string text;  ///< lines of a unified diff, for text files; else empty
};

/// A class or function whose code differs.
struct DiffCode {
  std::string name;                  ///< without mangling: "__torch__.transformers.BertLayer"
  std::vector<std::string> modules;  ///< paths of the modules it is the class of, "" for the root
  bool in_a = true, in_b = true;
  /// "only numbers", "only names of variables"; empty for anything else.
  std::string nature;
  uint64_t removed = 0;  ///< lines that A has alone
  uint64_t added = 0;
  std::string text;  ///< unified diff without file names; empty where only one side has it
};

struct DiffResult {
  DiffSide a, b;
  DiffLevel level = DiffLevel::kContent;
  DiffVerdict verdict = DiffVerdict::kDifferent;
  DiffEffect effect = DiffEffect::kBytes;  ///< the worst of what differs; kBytes where nothing that counts does
  /// Most telling first; empty for identical bytes.
  std::vector<DiffCause> causes;
  /// Whether the two are of unlike kinds, so that only tensors were compared.
  bool only_tensors = false;

  uint64_t tensors_compared = 0;  ///< names that both have
  uint64_t elements_compared = 0;
  uint64_t code_compared = 0;             ///< classes and functions that both have
  std::vector<DiffTensor> tensors;        ///< by how far apart they are, farthest first; other dtype or shape before
  std::vector<DiffLoneTensor> only_in_a;  ///< by name
  std::vector<DiffLoneTensor> only_in_b;
  std::vector<DiffCode> code;
  std::vector<DiffFact> facts;     ///< by subject, then by name
  std::vector<std::string> notes;  ///< what the readers passed over
};

}  // namespace bertjit
