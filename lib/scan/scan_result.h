// What a scan of one file found, as plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

enum class ScanVerdict {
  kSafe,        ///< everything was looked at, and nothing in it does more than compute
  kCannotTell,  ///< damaged, or of a form that is not read: no answer
  kUnsafe,      ///< reading or unpacking it could run code, touch files, or show two programs two different models
};

/// "safe", "cannot tell", "unsafe".
const char* scan_verdict_name(ScanVerdict verdict);

enum class ScanEffect {
  kUnsafe,
  kCorrupt,  ///< the bytes are not those that were written, or not what their format says
  kUnread,   ///< well formed as far as can be seen, but beyond what is read
};

/// "unsafe", "corrupt", "unread".
const char* scan_effect_name(ScanEffect effect);

struct ScanFinding {
  ScanEffect effect = ScanEffect::kUnsafe;
  std::string rule;  ///< frozen: docs/formats/scan.md lists them
  /// Of an archive, without its root folder where it lies in it: "data.pkl", "code/__torch__.py". Else empty.
  std::string record;
  /// Bytes from the start of the record as it is unpacked; for the zip's own structure, from the start of the file.
  std::optional<uint64_t> offset;
  size_t line = 0;    ///< of code, from 1; else 0
  std::string found;  ///< what there is: "imports 'posix.system'"
  std::string why;    ///< what it could do
};

struct ScanResult {
  std::string path;  ///< as given
  std::string
      kind;  ///< "torchscript", "torch.save", "safetensors", "npz", "npy", "zip", "tar", "pickle"; empty if unknown
  uint64_t size_bytes = 0;
  ScanVerdict verdict = ScanVerdict::kCannotTell;
  /// Worst first, then in the order in which the file was read; the first 100 of them.
  std::vector<ScanFinding> findings;
  size_t finding_count = 0;

  // What was examined.
  size_t records = 0;    ///< of an archive, or tensors
  size_t pickles = 0;    ///< followed instruction by instruction
  size_t functions = 0;  ///< of TorchScript code
  size_t operators = 0;  ///< mentions of operators in it
};

}  // namespace bertjit
