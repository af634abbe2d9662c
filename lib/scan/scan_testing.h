// What this room's tests share: archives of testdata/torchscript with one thing changed.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "container/script_archive_testing.h"
#include "scan/scan.h"

namespace bertjit {

inline std::ostream& operator<<(std::ostream& out, const ScanResult& result) {
  out << result.path << ": " << scan_verdict_name(result.verdict) << " (" << result.kind << ")\n";
  for (const ScanFinding& finding : result.findings) {
    out << "  " << scan_effect_name(finding.effect) << " " << finding.rule << " " << finding.record << ": "
        << finding.found << "\n";
  }
  return out;
}

}  // namespace bertjit

namespace bertjit::testing {

inline std::filesystem::path traced() {
  return testdata("torchscript/traced.pt");
}

/// A scan of traced.pt, whose root folder is "traced", after `edit`.
inline ScanResult scan_edited(const std::function<void(RecordMap&)>& edit, const ScanOptions& options = {}) {
  const TempDir dir;
  edit_archive(traced(), dir / "traced.pt", edit);
  return scan_file((dir / "traced.pt").string(), options);
}

/// The same with `line` put before the return of the root module's forward, in code/__torch__.py.
inline ScanResult scan_with_line(const std::string& line, const ScanOptions& options = {}) {
  return scan_edited(
      [&](RecordMap& records) {
        replace_once(records["traced/code/__torch__.py"], "    return _3\n", "    " + line + "\n    return _3\n");
      },
      options);
}

/// A .safetensors file that is the pickle `body` too, which begins with its tensor's bytes: the header's length, 1624,
/// is an X and a length of six, and what the text ends before, a V, takes the rest of the header for a line.
inline std::string safetensors_and_pickle(const std::string& body) {
  constexpr size_t kHeaderSize = 'X' | 6 << 8;
  const std::string size = std::to_string(body.size());
  std::string header = "{\"aV\":{\"dtype\":\"U8\",\"shape\":[" + size + "],\"data_offsets\":[0," + size + "]}}";
  header.resize(kHeaderSize - 1, ' ');
  std::string file;
  append_le<uint64_t>(file, kHeaderSize);
  return file + header + "\n" + body;
}

inline ScanResult scan_bytes(const std::string& bytes, const std::string& name = "model.pt") {
  const TempDir dir;
  write_bytes(dir / name, bytes);
  return scan_file((dir / name).string(), {});
}

inline bool has_rule(const ScanResult& result, const std::string& rule) {
  return std::ranges::any_of(result.findings, [&](const ScanFinding& finding) { return finding.rule == rule; });
}

}  // namespace bertjit::testing
