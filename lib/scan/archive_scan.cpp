#include "scan/archive_scan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "container/archive_listing.h"
#include "container/bytes.h"
#include "container/npy.h"
#include "container/pickle.h"
#include "container/pickled_tensors.h"
#include "container/pytorch_bin.h"
#include "container/torchscript.h"
#include "container/zip.h"
#include "container/zip_format.h"
#include "scan/code_scan.h"
#include "scan/zip_structure.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

/// What code and one pickle may unpack to, and what is looked at of other compressed records: so many times the file,
/// but no less and no more than this. Honest ones, of which a model has little, shrink to a tenth.
constexpr uint64_t kMaxExpansion = 16;
constexpr uint64_t kMinUnpackedBytes = 1u << 20;
constexpr uint64_t kMaxUnpackedBytes = 256u << 20;

constexpr std::string_view kNpyMagic = "\x93NUMPY";

constexpr std::string_view kCode = "code/";
constexpr std::string_view kExtra = "extra/";
constexpr std::string_view kOwnClasses = "__torch__.";
constexpr std::string_view kCustomClasses = "__torch__.torch.classes.";

/// What torch.jit.load, torch.load and the lite interpreter unpickle.
constexpr auto kPickles =
    std::to_array<std::string_view>({"data.pkl", "constants.pkl", "traced_inputs.pkl", "bytecode.pkl"});

/// Programs, by the names that systems run or import.
constexpr auto kPrograms =
    std::to_array<std::string_view>({".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat"});

bool has_suffix(std::string_view name, std::span<const std::string_view> suffixes) {
  return std::ranges::any_of(suffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

/// What loaders read as pickle or as code. libtorch finds records without regard to case.
bool is_looked_up(std::string_view name) {
  return std::ranges::find(kPickles, name) != kPickles.end() || (name.starts_with(kCode) && name.ends_with(".py"));
}

/// Whether bytes of no particular name are a pickle that calls something. Text and weights are none, though they can
/// begin as one.
bool is_calling_pickle(const PickleSurvey& survey) {
  return survey.calls && (survey.has_header || survey.complete) && imports_by_name(survey);
}

/// The record that a reader's message names, "a/data/3" of "… record 'a/data/3' …"; empty if it names none whole.
std::string record_named_in(std::string_view message) {
  constexpr std::string_view kMark = "record '";
  const size_t begin = message.find(kMark);
  if (begin == std::string_view::npos) {
    return "";
  }
  message.remove_prefix(begin + kMark.size());
  const std::string_view name = message.substr(0, message.find('\''));
  return name.ends_with("…") ? "" : std::string(name);
}

/// The pickle that a reader's message is about, by the name of a value in it.
const char* pickle_meant_in(std::string_view message) {
  return message.find("'CONSTANTS.") == std::string_view::npos ? "data.pkl" : "constants.pkl";
}

const std::string* text_at(const PickleTuple* tuple, size_t i) {
  return tuple != nullptr && i < tuple->items.size() ? PickleNode::as<std::string>(tuple->items[i]) : nullptr;
}

std::string without_root(const std::string& name, const std::string& root) {
  return !root.empty() && name.starts_with(root + "/") ? name.substr(root.size() + 1) : name;
}

class ArchiveScan {
 public:
  ArchiveScan(const ZipArchive& archive, std::string root, const OperatorRules& rules, ScanResult& result,
              ScanFindings& findings)
      : archive_(archive),
        root_(std::move(root)),
        rules_(rules),
        result_(result),
        findings_(findings),
        max_unpacked_(std::clamp(archive.size_bytes() * kMaxExpansion, kMinUnpackedBytes, kMaxUnpackedBytes)),
        code_budget_(max_unpacked_) {
    result_.records = archive.records().size();
  }

  void run(int threads) {
    result_.kind = kind();
    check_crcs(threads);
    CodeScan code(rules_, result_, findings_);
    for (const ZipRecord& record : archive_.records()) {
      look_at(record, code);
    }
    code.run();
    if (result_.finding_count == 0) {
      read_contents();
    }
  }

 private:
  bool has(const char* name) const {
    return archive_.find(root_ + "/" + name) != nullptr;
  }

  std::string kind() const {
    const auto begins = [&](const ZipRecord& record) { return name_of(record).starts_with(kCode); };
    const auto& records = archive_.records();
    if (has("constants.pkl") || has("model.json") || std::ranges::any_of(records, begins)) {
      return "torchscript";
    }
    if (has("data.pkl")) {
      return "torch.save";
    }
    const auto is_array = [](const ZipRecord& record) { return record.name.ends_with(".npy"); };
    // An archive of nothing is what numpy.savez writes of no arrays.
    const bool is_nothing = records.empty() && archive_.size_bytes() == zip_format::kEndSize;
    return is_nothing || std::ranges::any_of(records, is_array) ? "npz" : "zip";
  }

  std::string name_of(const ZipRecord& record) const {
    return without_root(record.name, root_);
  }

  void check_crcs(int threads) {
    const auto& records = archive_.records();
    std::vector<std::optional<Error>> errors(records.size());
    for_each_index(records.size(), threads, [&](size_t i) {
      try {
        archive_.check_crc(records[i]);
      } catch (const Error& error) {
        errors[i] = error;
      }
    });
    for (size_t i = 0; i < records.size(); ++i) {
      if (errors[i]) {
        findings_.mark_damaged(name_of(records[i]));
        findings_.add_error(*errors[i], archive_.path().string(), name_of(records[i]));
      }
    }
  }

  /// Loaders do not check CRCs, so bytes are looked at whatever theirs says.
  void look_at(const ZipRecord& record, CodeScan& code) {
    const std::string name = name_of(record);
    std::vector<std::byte> unpacked;
    std::span<const std::byte> bytes;
    if (record.method == ZipMethod::kStored) {
      bytes = archive_.stored_bytes(record);
    } else {
      try {
        bytes = unpacked = archive_.read_start(record, max_unpacked_);
      } catch (const Error&) {
        return;  // check_crcs has said so
      }
    }
    if (name.starts_with(kCode) && name.ends_with(".py")) {
      return look_at_code(name, record, bytes, code);
    }
    look_at_name(name);
    if (name.ends_with(".npy") || as_text(bytes).starts_with(kNpyMagic)) {
      look_at_array(name, bytes, record.size);
    }
    look_at_pickle(name, bytes, record.size, code);
  }

  void look_at_code(const std::string& name, const ZipRecord& record, std::span<const std::byte> bytes,
                    CodeScan& code) {
    if (record.method != ZipMethod::kStored && record.size > code_budget_) {
      return refuse_large(name, record.size);
    }
    code_budget_ -= record.method == ZipMethod::kStored ? 0 : record.size;
    code.add(name, std::string(as_text(bytes)));
  }

  void refuse_large(const std::string& name, uint64_t size) {
    findings_.add({.effect = ScanEffect::kUnread,
                   .rule = "unread",
                   .record = name,
                   .found = "record " + in_quotes(name) + " unpacks to " + std::to_string(size) +
                            " bytes, of a file of " + std::to_string(archive_.size_bytes()),
                   .why = "what was not read cannot be vouched for"});
  }

  void look_at_name(const std::string& name) {
    const std::string lower = lower_case(name);
    if (is_looked_up(lower) && !is_looked_up(name)) {
      findings_.add({.rule = "zip-case",
                     .record = name,
                     .found = "record " + in_quotes(name) + " is " + in_quotes(lower) + " to libtorch alone",
                     .why = "two programs read two different models out of the archive"});
    }
    if (!lower.starts_with(kExtra) && has_suffix(lower, kPrograms)) {
      findings_.add({.rule = "program",
                     .record = name,
                     .found = "record " + in_quotes(name) + " is a program outside of code/",
                     .why = "no loader of models reads it; whoever unpacks the archive may run it"});
    }
  }

  /// numpy goes by the first bytes of a record, whatever it is called.
  void look_at_array(const std::string& name, std::span<const std::byte> start, uint64_t size) {
    try {
      check_npy(start, size, "array " + in_quotes(name));
    } catch (const Error& error) {
      findings_.add_error(error, archive_.path().string(), name);
    }
  }

  /// `bytes` are the first ones of a record of `size`.
  void look_at_pickle(const std::string& name, std::span<const std::byte> bytes, uint64_t size, CodeScan& code) {
    const std::string lower = lower_case(name);
    const bool is_named = lower.ends_with(".pkl") || lower.ends_with(".pickle") || lower.ends_with(".debug_pkl");
    const PickleSurvey survey = survey_pickle(bytes);
    if (!is_named && !is_calling_pickle(survey)) {
      return;
    }
    ++result_.pickles;
    const bool is_checkpoint = result_.kind == "torch.save" && name == "data.pkl";
    judge_imports(survey, is_checkpoint ? is_tensor_global : is_script_import, name, 0, findings_);
    if (is_named && !survey.complete) {
      bytes.size() < size ? refuse_large(name, size) : note_fault(name, survey);
    }
    if (std::ranges::find(kPickles, name) != kPickles.end()) {
      for (const PickleImport& import : survey.imports) {
        if (result_.kind == "torchscript" && import.name.starts_with(kOwnClasses) &&
            !import.name.starts_with(kCustomClasses)) {
          code.require(import.name, name, import.offset);
        }
      }
      if (name == "bytecode.pkl" && result_.finding_count == 0) {
        look_at_bytecode(name, bytes);
      }
    }
  }

  /// Of damage that was found already this would be an effect.
  void note_fault(const std::string& name, const PickleSurvey& survey) {
    if (!findings_.has(ScanEffect::kCorrupt)) {
      findings_.add({.effect = ScanEffect::kCorrupt,
                     .rule = "pickle-fault",
                     .record = name,
                     .offset = survey.size_bytes,
                     .found = survey.fault,
                     .why = "loaders do what comes before the fault"});
    }
  }

  /// The lite interpreter's program: ("operators", (("aten::add", "Tensor"), …)) in each function.
  void look_at_bytecode(const std::string& name, std::span<const std::byte> bytes) {
    try {
      const Pickle pickle = read_pickle(bytes, name, is_script_import);
      for (const PickleNode& node : pickle.nodes) {
        const auto* pair = PickleNode::as<PickleTuple>(&node);
        const auto* key = text_at(pair, 0);
        if (key != nullptr && *key == "operators") {
          judge_bytecode_operators(name, *pair);
        }
      }
    } catch (const Error& error) {
      findings_.add_error(error, archive_.path().string(), name);
    }
  }

  /// A third item of an operator is its number of arguments. In any other form there may be operators that libtorch
  /// finds and this does not.
  void judge_bytecode_operators(const std::string& record, const PickleTuple& pair) {
    const auto* list = pair.items.size() == 2 ? PickleNode::as<PickleTuple>(pair.items[1]) : nullptr;
    for (const PickleNode* entry : list != nullptr ? list->items : std::vector<const PickleNode*>{nullptr}) {
      const auto* op = PickleNode::as<PickleTuple>(entry);
      if (text_at(op, 0) == nullptr || text_at(op, 1) == nullptr || op->items.size() > 3) {
        throw Error(ErrorKind::kUnsupported, "bytecode.pkl lists operators in a form that libtorch does not write");
      }
      judge_bytecode_operator(record, *text_at(op, 0));
    }
  }

  void judge_bytecode_operator(const std::string& record, const std::string& name) {
    ++result_.operators;
    if (const auto fault = rules_.fault_of(name)) {
      findings_.add(
          {.rule = "operator", .record = record, .found = "uses operator " + in_quotes(name), .why = "it " + *fault});
    }
  }

  /// What libtorch needs of every archive, and says so only after it has read the rest.
  void check_is_complete() const {
    for (const char* name : {"data.pkl", "constants.pkl", "version"}) {
      const bool is_there = has(name) || (name == std::string_view("version") && has(".data/version"));
      if (!is_there && !has("model.json")) {
        throw Error(ErrorKind::kCorrupt, "is a TorchScript archive without record '" + std::string(name) + "'");
      }
    }
  }

  /// The readers hold what the pickles say against the records: tensors that reach out of their storages, storages
  /// that are missing, values nested without end.
  void read_contents() {
    const std::string path = archive_.path().string();
    try {
      if (result_.kind == "torchscript") {
        check_is_complete();
        read_torchscript(path);
      } else if (result_.kind == "torch.save") {
        check_pytorch_bin(path);
      } else if (result_.kind == "zip") {
        throw Error(ErrorKind::kUnsupported, "is a zip archive, and no model that bertjit knows");
      }
    } catch (const Error& error) {
      const std::string record = without_root(record_named_in(error.what()), root_);
      findings_.add_error(error, path, record.empty() && has("data.pkl") ? pickle_meant_in(error.what()) : record);
    }
  }

  const ZipArchive& archive_;
  std::string root_;
  const OperatorRules& rules_;
  ScanResult& result_;
  ScanFindings& findings_;
  const uint64_t max_unpacked_;
  uint64_t code_budget_;  ///< what is left of max_unpacked_ for compressed code
};

}  // namespace

void judge_imports(const PickleSurvey& survey, ImportFilter is_allowed, const std::string& record, uint64_t base_offset,
                   ScanFindings& findings) {
  for (const PickleImport& import : survey.imports) {
    if (!is_allowed(import.name)) {
      findings.add({.rule = "pickle-import",
                    .record = record,
                    .offset = base_offset + import.offset,
                    .found = "a pickle imports " + in_quotes(import.name),
                    .why = "Python's unpickler imports and calls whatever it names"});
    }
  }
  for (const PickleImport& change : survey.changes) {
    findings.add({.rule = "pickle-change",
                  .record = record,
                  .offset = base_offset + change.offset,
                  .found = "a pickle changes " + in_quotes(change.name) + " itself",
                  .why = "a class or function of the process that reads it is another from then on"});
  }
}

void scan_archive(const MappedFile& file, const OperatorRules& rules, int threads, ScanResult& result,
                  ScanFindings& findings) {
  result.kind = "zip";
  const ZipStructure structure = scan_zip_structure(file.bytes(), findings);
  if (structure.is_bomb) {
    return;
  }
  std::optional<ZipArchive> archive;
  try {
    archive.emplace(file.path());
  } catch (const Error& error) {
    if (!findings.has(ScanEffect::kUnsafe)) {
      findings.add_error(error, file.path().string(), without_root(record_named_in(error.what()), structure.root));
    }
    return;
  }
  ArchiveScan(*archive, structure.root, rules, result, findings).run(threads);
}

}  // namespace bertjit
