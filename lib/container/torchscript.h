// What a TorchScript archive (torch.jit.save, `bertjit trace`) holds, read as data, without libtorch.
//
// torch/csrc/jit/serialization/export_module.cpp and pickler.cpp write it. `data.pkl` pickles one object, the root
// module; every value in it and in `constants.pkl` becomes one entry of a flat list, in the order written, and every
// tensor one entry of another. Nothing is imported, called or compiled; classes are names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "container/archive_listing.h"
#include "container/zip.h"

namespace bertjit {

/// What a tensor is to the module that holds it, by the lists in its class's code.
enum class ScriptRole {
  kParameter,  ///< in __parameters__
  kBuffer,     ///< in __buffers__; TorchScript does not say which buffers are persistent
  kAttribute,  ///< in neither: a plain attribute, or within a list, dict, tuple
  kPacked,     ///< within the state of an object that is no module: quantized weights
  kConstant,   ///< of constants.pkl: a tensor in the code, CONSTANTS.c0
};

/// "parameter", "buffer", "attribute", "packed", "constant".
const char* script_role_name(ScriptRole role);

/// How the integers of a quantized tensor stand for numbers: (q - zero_point) * scale.
struct ScriptQuantization {
  std::string scheme;  ///< "per_tensor_affine", "per_channel_affine", "per_channel_affine_float_qparams"
  std::vector<double> scales;
  std::vector<double> zero_points;  ///< as many as scales: 1 per tensor, or one for each index of dimension `axis`
  int64_t axis = 0;                 ///< 0 per tensor
};

struct ScriptTensor {
  /// "encoder.layer.0.attention.self.query.weight", "fc._packed_params._packed_params.0", "CONSTANTS.c0".
  std::string name;
  ScriptRole role = ScriptRole::kAttribute;
  std::string dtype;        ///< PyTorch's word without "torch.": "float32", "qint8", "complex64"
  size_t element_size = 0;  ///< bytes
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements, not negative
  int64_t storage_offset = 0;    ///< in elements
  std::string record;            ///< where its storage lies: "data/0", "constants/0". Tied tensors share one
  int64_t storage_elements = 0;  ///< of the whole storage
  std::string device;            ///< "cpu", "cuda:0": as written
  bool requires_grad = false;
  std::string math_bits;  ///< "conj", "neg", "conj,neg": views that were saved unresolved; empty as a rule
  std::optional<ScriptQuantization> quantization;

  /// Row-major bytes: the product of `shape` times element_size. Tensors expanded by stride 0 have more than lie in
  /// the file.
  uint64_t size_bytes = 0;
};

enum class ScriptKind {
  kNone,
  kBool,
  kInt,
  kFloat,
  kComplex,
  kString,
  kDevice,
  kTensor,
  kList,
  kTuple,
  kDict,
  kObject
};

/// "None", "bool", "int", "float", "complex", "str", "device", "tensor", "list", "tuple", "dict", "object".
const char* script_kind_name(ScriptKind kind);

/// One value. Those inside it follow directly, one level deeper.
struct ScriptNode {
  /// Path from the root by attributes, indices and keys: "" (the root module), "encoder.layer", "sizes.0",
  /// "CONSTANTS.c1". Keys of a dict as their text.
  std::string name;
  size_t depth = 0;  ///< 0 for the root and for each constant
  ScriptKind kind = ScriptKind::kNone;
  /// kBool "True", "False"; kInt decimal; kFloat and kComplex with 17 digits, "0.10000000000000001", "nan", "inf",
  /// "(1, -2)"; kString itself; kDevice "cpu"; kList, kTuple, kDict what TorchScript wrote as their type ("List[int]",
  /// "Dict[str, int]"), empty if nothing; kObject its class, "__torch__.torch.nn.modules.linear.Linear".
  std::string text;
  std::array<double, 2> number = {};  ///< kFloat: the first. kComplex: real and imaginary part
  /// kList, kTuple: items. kDict: twice the entries: key, value, key, value; both are named by the key's text. kObject:
  /// attributes; with `has_own_state` 1, what its class's own __getstate__ gave, under the object's own name; for an
  /// enum its value. The nodes are one level deeper.
  size_t count = 0;
  bool has_own_state = false;
  bool is_module = false;  ///< kObject: code/ has its class, with base Module
  /// kTensor: index in ScriptArchive::tensors.
  size_t tensor = 0;
  /// kObject: the first node that is this very object; its own index if it is that node. What an object holds is
  /// listed under each of its names.
  size_t same_as = 0;
};

/// One record, under its name without the root folder.
struct ScriptRecord {
  std::string name;         ///< "code/__torch__.py"
  const ZipRecord* record;  ///< of ScriptArchive::archive
};

struct ScriptArchive {
  std::shared_ptr<const ZipArchive> archive;
  std::string root;       ///< folder of all records: "traced_bert"
  std::string version;    ///< as the record says: "10"
  std::string byteorder;  ///< "little"; empty in files older than PyTorch 2.1
  std::string serialization_id;

  std::vector<ScriptNode> nodes;      ///< data.pkl: nodes[0] is the root module
  std::vector<ScriptNode> constants;  ///< constants.pkl; those with depth 0 are CONSTANTS.c0, c1, …
  /// In order of appearance, data.pkl first. A tensor that is reached by two names is listed under each.
  std::vector<ScriptTensor> tensors;
  uint64_t tensor_bytes = 0;  ///< the sum of their size_bytes, or the greatest number if that is beyond 64 bits

  // Every record is in exactly one of these lists, each sorted by name.
  std::vector<ScriptRecord> code;   ///< code/**.py
  std::vector<ScriptRecord> debug;  ///< **.debug_pkl: where each line of code came from
  std::vector<ScriptRecord> extra;  ///< extra/**: files of the user's, and extra/bertjit.json
  std::vector<ScriptRecord> data;   ///< data/*, constants/*: tensor storages
  /// data.pkl, constants.pkl, version, byteorder, .data/*, traced_inputs*, bytecode.pkl, and what else there is.
  std::vector<ScriptRecord> other;

  /// nullptr if there is none of that name (without the root folder).
  const ZipRecord* find(std::string_view name) const;
  /// nullptr if there is none of that name. Looks through all: for many names make a map.
  const ScriptTensor* find_tensor(std::string_view name) const;
};

/// Whether `path` is a zip archive with code/ or constants.pkl, which read_pytorch_bin refuses. Throws what ZipArchive
/// throws for files that begin as a zip archive and are none.
bool is_torchscript(const std::filesystem::path& path);

/// Reads the two pickles and the class headers in code/. Checks the CRC-32 of what it reads, which tensors' bytes are
/// not: ZipArchive::check_crc does that.
///
/// Throws what ZipArchive throws; Error(kUnsafe) for a pickle that refers to anything but TorchScript's own classes
/// and what makes tensors of storages; Error(kCorrupt) for what makes no sense: storages that are missing or too
/// short, records outside the root folder; Error(kUnsupported) for archives of PyTorch before 1.4 (model.json), of
/// torch.package, big-endian ones, no TorchScript, sparse tensors, objects that hold themselves, and more than a
/// million values or 200 levels of them.
ScriptArchive read_torchscript(const std::filesystem::path& path);

/// The text of a small record (code, debug, extra). Throws Error(kCorrupt) if its CRC-32 differs; Error(kUnsupported)
/// if it is larger than 256 MiB.
std::string read_record_text(const ScriptArchive& file, const ScriptRecord& record);

/// Hands the tensor's elements to `sink` in row-major order, piece by piece: mapped where they lie so in the file,
/// else copied through a buffer of 256 KiB (a compressed record is unpacked whole first). The storage's CRC-32 is not
/// checked unless it is compressed.
/// Throws Error(kUnsupported) if all tensors of the file together come to more than 256 MiB and sixteen times its size,
/// by stride 0 or by sharing storages: reading them would take any time, of a file of any size.
void read_elements(const ScriptArchive& file, const ScriptTensor& tensor,
                   const std::function<void(std::span<const std::byte>)>& sink);

/// All of them at once: a view of the file, or of `copy`, which it fills if they do not lie row-major and
/// uncompressed in the file. Errors as read_elements.
std::span<const std::byte> read_elements(const ScriptArchive& file, const ScriptTensor& tensor,
                                         std::vector<std::byte>& copy);

}  // namespace bertjit
