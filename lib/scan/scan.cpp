#include "scan/scan.h"

#include <memory>
#include <string_view>

#include "container/bytes.h"
#include "container/npy.h"
#include "container/pickled_tensors.h"
#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "container/tensors.h"
#include "scan/archive_scan.h"
#include "scan/findings.h"
#include "scan/operators.h"
#include "scan/pickle_survey.h"
#include "scan/tar_scan.h"
#include "scan/zip_structure.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr std::string_view kZipMagic = "PK\x03\x04";
constexpr std::string_view kNpyMagic = "\x93NUMPY";
/// A header length, then JSON; no pickle has '{' there that is not text.
constexpr size_t kSafetensorsBrace = 8;
/// The old form of torch.save is a row of five pickles before the storages.
constexpr int kOldFormPickles = 5;

/// Any pickle, and the old form of torch.save.
void scan_pickle(const MappedFile& file, ScanResult& result, ScanFindings& findings) {
  result.kind = "pickle";
  size_t position = 0;
  for (int i = 0; i < kOldFormPickles && position < file.bytes().size(); ++i) {
    const PickleSurvey survey = survey_pickle(file.bytes().subspan(position));
    if (!survey.complete && survey.imports.empty() && i > 0) {
      break;
    }
    ++result.pickles;
    judge_imports(survey, is_tensor_global, "", position, findings);
    if (!survey.complete) {
      break;
    }
    position += survey.size_bytes;
  }
  if (result.finding_count == 0) {
    result.kind = "torch.save";
    result.records = check_pytorch_bin(file.path());
  }
}

/// The length of the header can be the first instruction of a pickle as well: no loader of .safetensors sees that,
/// every unpickler does.
void scan_safetensors(const MappedFile& file, ScanResult& result, ScanFindings& findings) {
  result.kind = "safetensors";
  const PickleSurvey survey = survey_pickle(file.bytes());
  if (imports_by_name(survey)) {
    ++result.pickles;
    judge_imports(
        survey, [](const std::string&) { return false; }, "", 0, findings);
  }
  result.records = read_safetensors(file.path()).tensors.size();
}

void scan_by_content(const MappedFile& file, const OperatorRules& rules, const ScanOptions& options, ScanResult& result,
                     ScanFindings& findings) {
  const std::string_view text = as_text(file.bytes());
  if (text.empty()) {
    throw Error(ErrorKind::kCorrupt, file.path().string() + ": is empty");
  }
  refuse_git_lfs_pointer(file.path(), text);
  if (text.starts_with(kZipMagic) || ends_as_zip(file.bytes())) {
    scan_archive(file, rules, options.threads, result, findings);
  } else if (is_tar(file.bytes())) {
    scan_tar(file.bytes(), result, findings);
  } else if (text.starts_with(kNpyMagic)) {
    result.kind = "npy";
    result.records = 1;
    check_npy(file.bytes(), file.bytes().size(), "array");
  } else if (file.path().extension() == ".safetensors" ||
             (text.size() > kSafetensorsBrace && text[kSafetensorsBrace] == '{')) {
    scan_safetensors(file, result, findings);
  } else {
    const PickleSurvey survey = survey_pickle(file.bytes());
    if (!survey.has_header && !survey.complete && !survey.calls) {
      throw Error(ErrorKind::kUnsupported,
                  file.path().string() + ": is no TorchScript, torch.save, .safetensors, .npz or .npy file");
    }
    scan_pickle(file, result, findings);
  }
}

}  // namespace

ScanResult scan_file(const std::string& path, const ScanOptions& options) {
  const OperatorRules rules(options.allow);
  ScanResult result{.path = path};
  ScanFindings findings(result);
  try {
    const MappedFile file(path);
    result.size_bytes = file.bytes().size();
    scan_by_content(file, rules, options, result, findings);
  } catch (const Error& error) {
    findings.add_error(error, path, "");
  }
  findings.finish();
  return result;
}

}  // namespace bertjit
