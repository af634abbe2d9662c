#include "record/finding.h"

namespace bertjit {

const char* finding_name(FindingKind kind) {
  switch (kind) {
    case FindingKind::kLoopUnrolled:
      return "loop-unrolled";
    case FindingKind::kBranchFlattened:
      return "branch-flattened";
    case FindingKind::kValueConstant:
      return "value-constant";
    case FindingKind::kSizeConstant:
      return "size-constant";
    case FindingKind::kNewTensorConstant:
      return "new-tensor-constant";
    case FindingKind::kInplaceView:
      return "inplace-view";
    case FindingKind::kInputMutated:
      return "input-mutated";
    case FindingKind::kCapturedTensor:
      return "captured-tensor";
    case FindingKind::kDeviceConstant:
      return "device-constant";
    case FindingKind::kNondeterministic:
      return "nondeterminism";
    case FindingKind::kStateNotRecorded:
      return "state-not-recorded";
    case FindingKind::kContainerOutput:
      return "container-output";
    case FindingKind::kOutputConstant:
      return "output-constant";
  }
  return "";
}

std::string location_text(const SourceLocation& location) {
  return location.file.empty()
             ? ""
             : location.file + ":" + std::to_string(location.line) + ":" + std::to_string(location.column);
}

}  // namespace bertjit
