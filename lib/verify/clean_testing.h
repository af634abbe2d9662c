// Clean traces of checkpoints in every attention and dtype, and what verify says of them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "testing/error_of.h"
#include "trace/trace.h"
#include "verify/verify.h"

namespace bertjit::testing {

/// How a checkpoint is exported.
struct Export {
  AttentionKind attention = AttentionKind::kSdpa;
  std::string dtype = "float32";
  Tie tie = Tie::kClone;

  std::string name() const {
    return std::string(attention_name(attention)) + " " + dtype;
  }
};

/// The folders below `parent` with a config.json, sorted.
inline std::vector<std::filesystem::path> checkpoints_below(const std::filesystem::path& parent) {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) {
    const bool has_weights = std::filesystem::exists(entry.path() / "model.safetensors") ||
                             std::filesystem::exists(entry.path() / "pytorch_model.bin");
    if (has_weights && std::filesystem::exists(entry.path() / "config.json")) {
      folders.push_back(entry.path());
    }
  }
  std::ranges::sort(folders);
  return folders;
}

/// Traces `checkpoint` to `path`; an attention that the architecture does not have is no trace.
inline std::optional<std::string> export_checkpoint(const std::filesystem::path& checkpoint, const Export& how,
                                                    const std::filesystem::path& path) {
  TraceOptions options;
  options.source.path = checkpoint.string();
  options.source.dtype = how.dtype;
  options.source.model.attention = how.attention;
  options.source.model.tie = how.tie;
  options.output = path.string();
  options.check = false;
  options.threads = 1;
  try {
    trace(options);
    return options.output;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) {
      throw;
    }
    return std::nullopt;
  }
}

/// The checks with that verdict: "shapes (fixed at 2x7): …; weights: …"; empty if there are none.
inline std::string checks_text(const VerifyResult& result, Verdict verdict) {
  std::string text;
  for (const CheckResult& check : result.checks) {
    if (check.verdict == verdict) {
      text += (text.empty() ? "" : "; ") + check.id + (check.where.empty() ? "" : " @ " + check.where) + ": " +
              check.summary;
    }
  }
  return text;
}

/// What verify holds against a clean export: what failed, or why there was no answer; empty if nothing.
inline std::string accusation(const VerifyOptions& options) {
  try {
    const VerifyResult result = verify(options);
    return result.passed ? "" : "[" + checks_text(result, Verdict::kFail) + "]";
  } catch (const Error& error) {
    return std::string("no answer: ") + error.what();
  }
}

/// What came of many clean exports.
struct CleanTally {
  int judged = 0;
  std::string accused;  ///< one a line
};

/// Exports every checkpoint as `exports` say, and judges each file with its claims and its source.
inline CleanTally judge_exports(const std::vector<std::filesystem::path>& checkpoints,
                                const std::vector<Export>& exports) {
  CleanTally tally;
  for (const auto& checkpoint : checkpoints) {
    for (const Export& how : exports) {
      const TempDir dir;
      const auto path = export_checkpoint(checkpoint, how, dir / "model.pt");
      if (!path) {
        continue;
      }
      VerifyOptions options;
      options.module = *path;
      options.source.path = checkpoint.string();
      options.threads = 1;
      ++tally.judged;
      if (const std::string text = accusation(options); !text.empty()) {
        tally.accused += checkpoint.filename().string() + " " + how.name() + ": " + text + "\n";
      }
    }
  }
  return tally;
}

}  // namespace bertjit::testing
