// What kind of thing a SOURCE turned out to be, in plain data.
#pragma once

namespace bertjit {

enum class SourceKind {
  kCheckpoint,  ///< Hugging Face directory or config.json
  kFunction,    ///< a function or method of a Python file
  kModule,      ///< a torch.nn.Module of a Python file
  kArchive,     ///< a TorchScript file
};

/// "checkpoint", "function", "module", "archive".
constexpr const char* source_kind_name(SourceKind kind) {
  switch (kind) {
    case SourceKind::kCheckpoint:
      return "checkpoint";
    case SourceKind::kFunction:
      return "function";
    case SourceKind::kModule:
      return "module";
    case SourceKind::kArchive:
      return "archive";
  }
  return "";
}

}  // namespace bertjit
