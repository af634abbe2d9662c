#include "digest/script_digest.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "container/bytes.h"
#include "container/strides.h"
#include "container/torchscript.h"
#include "digest/canonical_code.h"
#include "digest/hash_jobs.h"
#include "digest/lines.h"
#include "digest/weight_names.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// What says how the file was written, or by what example, and nothing of the module in it.
bool is_mere_note(const std::string& name) {
  return name == "data.pkl" || name == "constants.pkl" || name == "version" || name == "byteorder" ||
         name == "mobile_debug_handles.pkl" || name == "traced_inputs.pkl" || name.starts_with("traced_inputs/") ||
         name.starts_with(".data/");
}

/// The SHA-512 of every tensor and record that a digest names; and every record's CRC-32 checked on the way.
class FileHashes {
 public:
  FileHashes(const ScriptArchive& file, DigestKind kind, const DigestOptions& options) : file_(file) {
    HashJobs jobs(options.count);
    std::map<std::string, Sha512Digest*> whole_records;
    for (const ScriptTensor& tensor : file.tensors) {
      const bool is_constant = tensor.role == ScriptRole::kConstant;
      if (kind == DigestKind::kContent || is_constant == (kind == DigestKind::kCode)) {
        if (is_whole_record(tensor)) {
          whole_records[tensor.record] = &tensors_[key(tensor)];
        } else if (const auto [entry, is_new] = tensors_.try_emplace(key(tensor)); is_new) {
          jobs.add_elements(file, tensor, entry->second);
        }
      }
    }
    for (const ScriptRecord& record : file.data) {
      const auto whole = whole_records.find(record.name);
      if (whole != whole_records.end()) {
        jobs.add_record(*file.archive, *record.record, *whole->second);
      } else {
        jobs.add_check(*file.archive, *record.record);
      }
    }
    for (const auto* list : {&file.extra, &file.other, &file.code, &file.debug}) {
      for (const ScriptRecord& record : *list) {
        const bool is_named = kind == DigestKind::kContent && list != &file.code && list != &file.debug &&
                              !(list == &file.other && is_mere_note(record.name));
        if (is_named) {
          jobs.add_record(*file.archive, *record.record, records_[record.name]);
        } else {
          jobs.add_check(*file.archive, *record.record);
        }
      }
    }
    jobs.run(options.threads);
  }

  const Sha512Digest& of(const ScriptTensor& tensor) const {
    return tensors_.at(key(tensor));
  }
  /// Extra files and what else is no part of the module, by name.
  const std::map<std::string, Sha512Digest>& records() const {
    return records_;
  }

 private:
  bool is_whole_record(const ScriptTensor& tensor) const {
    return tensor.storage_offset == 0 && tensor.size_bytes == file_.find(tensor.record)->size &&
           is_row_major(tensor.shape, tensor.strides);
  }

  /// Record, element size, offset, shape and strides; of a whole record only its name.
  using Key = std::tuple<std::string, size_t, int64_t, std::vector<int64_t>, std::vector<int64_t>>;

  Key key(const ScriptTensor& tensor) const {
    return is_whole_record(tensor)
               ? Key(tensor.record, 0, 0, {}, {})
               : Key(tensor.record, tensor.element_size, tensor.storage_offset, tensor.shape, tensor.strides);
  }

  const ScriptArchive& file_;
  std::map<Key, Sha512Digest> tensors_;
  std::map<std::string, Sha512Digest> records_;
};

/// The lines of values: data.pkl's, and each constant's for the code that refers to it.
class ValueLines {
 public:
  ValueLines(const ScriptArchive& file, const FileHashes& hashes, CanonicalCode& code)
      : file_(file), hashes_(hashes), code_(code) {}

  std::string module_lines() {
    std::string lines;
    for (size_t i = 0; i < file_.nodes.size(); ++i) {
      lines += line(file_.nodes[i], i) + " " + as_word(file_.nodes[i].name) + "\n";
    }
    return lines;
  }

  /// One line a value, without names: they hold the constant's number.
  std::string constant_lines(size_t first) {
    std::string lines;
    for (size_t i = first; i == first || (i < file_.constants.size() && file_.constants[i].depth > 0); ++i) {
      lines += line(file_.constants[i], file_.constants[i].same_as) + "\n";
    }
    return lines;
  }

 private:
  std::string line(const ScriptNode& node, size_t number) {
    return "value " + std::to_string(node.depth) + " " + script_kind_name(node.kind) + " " + words(node, number);
  }

  std::string words(const ScriptNode& node, size_t number) {
    switch (node.kind) {
      case ScriptKind::kNone:
        return "-";
      case ScriptKind::kBool:
      case ScriptKind::kInt:
        return node.text;
      case ScriptKind::kFloat:
        return double_word(node.number[0]);
      case ScriptKind::kComplex:
        return double_word(node.number[0]) + "," + double_word(node.number[1]);
      case ScriptKind::kString:
      case ScriptKind::kDevice:
        return hash_word(node.text);
      case ScriptKind::kTensor:
        return tensor_words(file_.tensors[node.tensor]);
      case ScriptKind::kList:
      case ScriptKind::kTuple:
      case ScriptKind::kDict:
        return std::to_string(node.count);
      case ScriptKind::kObject:
        return object_words(node, number);
    }
    return "";
  }

  /// class, attributes or "own", and "-" or the number of the value that is this very object
  std::string object_words(const ScriptNode& node, size_t number) {
    return as_word(code_.name_of(node.text)) + " " + (node.has_own_state ? "own" : std::to_string(node.count)) + " " +
           (node.same_as == number ? "-" : std::to_string(node.same_as));
  }

  /// dtype shape strides grad device sha512 sharing
  std::string tensor_words(const ScriptTensor& tensor) {
    const bool is_plain = is_row_major(tensor.shape, tensor.strides);
    return dtype_word(tensor) + " " + numbers_word(tensor.shape) + " " +
           (is_plain ? "-" : numbers_word(tensor.strides)) + " " + (tensor.requires_grad ? "grad" : "-") + " " +
           as_word(tensor.device) + " " + to_hex(hashes_.of(tensor)) + " " + sharing(tensor);
  }

  /// "-" for the first tensor in a storage; else which tensor that was, and how far apart the two begin, in bytes.
  std::string sharing(const ScriptTensor& tensor) {
    if (tensor.role == ScriptRole::kConstant) {
      return "-";
    }
    const size_t number = tensors_seen_++;
    const auto begin = static_cast<int64_t>(tensor.element_size) * tensor.storage_offset;
    const auto [first, is_new] = storages_.try_emplace(tensor.record, number, begin);
    return is_new ? "-" : std::to_string(first->second.first) + "@" + std::to_string(begin - first->second.second);
  }

  const ScriptArchive& file_;
  const FileHashes& hashes_;
  CanonicalCode& code_;
  size_t tensors_seen_ = 0;
  std::map<std::string, std::pair<size_t, int64_t>> storages_;  ///< number and first byte of the first tensor in each
};

/// Where each constant begins in `constants`.
std::vector<size_t> constant_starts(const ScriptArchive& file) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < file.constants.size(); ++i) {
    if (file.constants[i].depth == 0) {
      starts.push_back(i);
    }
  }
  return starts;
}

std::string unit_lines(const std::vector<CanonicalCode::Unit>& units) {
  std::string lines;
  for (const CanonicalCode::Unit& unit : units) {
    lines += "unit " + hash_word(unit.text) + " " + as_word(unit.name) + "\n";
  }
  return lines;
}

std::string code_stream(const ScriptArchive& file, DigestKind kind, const FileHashes& hashes) {
  const std::string source = file.archive->path().string();
  const std::vector<size_t> starts = constant_starts(file);
  std::function<std::string(size_t)> constant_lines;
  CanonicalCode code(read_units(file), source, [&](size_t index) {
    if (index >= starts.size()) {
      throw Error(ErrorKind::kCorrupt, source + ": code refers to CONSTANTS.c" + std::to_string(index) +
                                           ", constants.pkl has " + std::to_string(starts.size()));
    }
    return hash_word(constant_lines(starts[index]));
  });
  ValueLines values(file, hashes, code);
  constant_lines = [&](size_t first) { return values.constant_lines(first); };

  for (const ScriptNode& node : file.nodes) {
    if (node.kind == ScriptKind::kObject) {
      code.name_of(node.text);
    }
  }
  std::string stream = "version " + as_word(file.version) + "\n" + unit_lines(code.take_named());
  if (kind == DigestKind::kCode) {
    return stream;
  }
  stream += unit_lines(code.take_rest()) + values.module_lines();
  for (const auto& [name, digest] : hashes.records()) {
    stream += "record " + to_hex(digest) + " " + as_word(name) + "\n";
  }
  return "torchscript\n" + stream;
}

std::string weight_stream(const ScriptArchive& file, const FileHashes& hashes, std::vector<std::string>& notes) {
  std::vector<WeightEntry> entries;
  for (const ScriptTensor& tensor : file.tensors) {
    if (tensor.role != ScriptRole::kConstant) {
      entries.push_back({tensor.name, dtype_word(tensor), tensor.shape, hashes.of(tensor),
                         [&file, &tensor](std::vector<std::byte>& copy) { return read_elements(file, tensor, copy); }});
    }
  }
  return weight_lines(canonical_weights(std::move(entries), file.archive->path().string(), notes));
}

}  // namespace

MeaningDigest digest_script(const std::filesystem::path& path, DigestKind kind, const DigestOptions& options) {
  const ScriptArchive file = read_torchscript(path);
  const FileHashes hashes(file, kind, options);
  MeaningDigest result;
  result.stream = stream_header(kind) + (kind == DigestKind::kWeights ? weight_stream(file, hashes, result.notes)
                                                                      : code_stream(file, kind, hashes));
  result.digest = hash_stream_text(result.stream);
  return result;
}

}  // namespace bertjit
