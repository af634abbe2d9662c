// One side of a diff: any model file as tensors, code, values and files, all by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "container/tensors.h"
#include "container/torchscript.h"
#include "container/zip.h"
#include "diff/diff_result.h"
#include "diff/elements.h"
#include "diff/script_code.h"

namespace bertjit {

enum class ContentsKind { kTorchScript, kTorchSave, kSafetensors, kNumpy, kDirectory };

struct ContentsTensor {
  std::string name;
  std::string role;  ///< empty if the file does not say
  std::string dtype;
  size_t element_size = 0;
  std::vector<int64_t> shape;
  /// Quantization as text, or empty: "per_tensor_affine scale 0.1 zero point 3".
  std::string quantization;
  std::optional<bool> requires_grad;
  std::string layout;   ///< "strides (1, 32)", "cuda:0", "conj": what is unlike a plain tensor on the CPU
  std::string storage;  ///< tensors with the same one share memory
  uint64_t size_bytes = 0;

  const ScriptTensor* script = nullptr;  ///< where the elements come from: this, or `bytes`
  std::span<const std::byte> bytes;
};

/// A value that a module keeps, or a module, by its class.
struct ContentsValue {
  DiffSubject subject = DiffSubject::kAttribute;  ///< or kTraining, kModule
  std::string text;
};

/// A file beside the weights, or a record of no other kind.
struct ContentsFile {
  std::string name;
  uint64_t size_bytes = 0;
  bool matters = true;                ///< false for what no program reads to run the model: README.md
  bool is_config = false;             ///< config.json, extra/bertjit.json: JSON whose keys are compared one by one
  std::filesystem::path path;         ///< of a directory's file; empty for a record
  const ZipRecord* record = nullptr;  ///< in `script->archive`
};

struct Contents {
  std::filesystem::path path;
  ContentsKind kind = ContentsKind::kSafetensors;
  uint64_t size_bytes = 0;
  std::vector<ContentsTensor> tensors;  ///< sorted by name
  std::map<std::string, std::string> metadata;
  std::vector<ContentsFile> files;  ///< sorted by name
  std::vector<std::string> notes;
  ScriptCode code;                              ///< empty where there is none
  std::map<std::string, ContentsValue> values;  ///< of a TorchScript archive, by path: "encoder.layer.0.dropout"

  std::shared_ptr<const ScriptArchive> script;  ///< a TorchScript archive
  std::shared_ptr<const ZipArchive> archive;    ///< any zip archive
  std::optional<TensorFile> tensor_file;        ///< anything else

  const ContentsTensor* find(const std::string& name) const;
};

/// "TorchScript archive", "torch.save file", "safetensors file", "numpy file", "directory".
const char* contents_kind_name(ContentsKind kind);

/// Opens a file or a directory by what it is. Checks the CRC-32 of every record of a zip archive, on up to `threads`
/// threads. Throws as diff_models.
Contents open_contents(const std::filesystem::path& path, int threads);

/// Reads the tensor's elements, row-major: a view of the file, or of `copy`, which it fills.
std::span<const std::byte> read_tensor(const Contents& contents, const ContentsTensor& tensor,
                                       std::vector<std::byte>& copy);

/// The bytes of a small file. Throws Error(kUnsupported) if it has more than `max_bytes`.
std::string read_file(const Contents& contents, const ContentsFile& file, uint64_t max_bytes);

ElementReader make_element_reader(const ContentsTensor& tensor);

}  // namespace bertjit
