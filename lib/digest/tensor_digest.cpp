#include "digest/tensor_digest.h"

#include <array>
#include <memory>
#include <vector>

#include "container/bytes.h"
#include "container/read_tensors.h"
#include "container/shards.h"
#include "container/zip.h"
#include "digest/hash_jobs.h"
#include "digest/lines.h"
#include "digest/weight_names.h"
#include "support/error.h"
#include "support/file.h"
#include "support/file_status.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// What decides how a model of a directory is built and how text becomes its input.
constexpr auto kModelFiles = std::to_array<const char*>({
    "added_tokens.json",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "source.spm",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "target.spm",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
});

[[noreturn]] void refuse_code(const fs::path& path) {
  throw Error(ErrorKind::kUnsupported, path.string() + ": holds tensors and no code; a code digest is of TorchScript");
}

bool is_zip(const fs::path& path) {
  const MappedFile file(path);
  return as_text(file.bytes()).starts_with("PK");
}

bool is_index(const fs::path& path) {
  return path.string().ends_with(".index.json");
}

/// Hashes all tensors, in the order of `file.tensors`, and checks every record of the zip archives that hold them:
/// the reader checks those it reads.
std::vector<WeightEntry> hash_tensors(const fs::path& path, const TensorFile& file, const DigestOptions& options) {
  HashJobs jobs(options.count);
  std::vector<WeightEntry> entries;
  for (const TensorView& tensor : file.tensors) {
    entries.push_back({tensor.name, dtype_name(tensor.dtype), tensor.shape, {}, [&tensor](std::vector<std::byte>&) {
                         return std::span<const std::byte>(tensor.bytes);
                       }});
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    jobs.add_bytes(file.tensors[i].bytes, entries[i].digest);
  }
  std::vector<std::unique_ptr<ZipArchive>> archives;
  for (const fs::path& part : is_index(path) ? list_shards(path) : std::vector{path}) {
    if (is_zip(part)) {
      archives.push_back(std::make_unique<ZipArchive>(part));
      for (const ZipRecord& record : archives.back()->records()) {
        jobs.add_check(*archives.back(), record);
      }
    }
  }
  jobs.run(options.threads);
  return entries;
}

MeaningDigest finish(DigestKind kind, const std::string& body, std::vector<std::string> notes) {
  MeaningDigest result{{}, stream_header(kind) + body, std::move(notes)};
  result.digest = hash_stream_text(result.stream);
  return result;
}

fs::path weights_file(const fs::path& directory) {
  for (const char* name : kWeightsFiles) {
    if (path_exists(directory / name)) {
      return directory / name;
    }
  }
  throw Error(ErrorKind::kNotFound, directory.string() +
                                        ": has no weights (looked for model.safetensors, pytorch_model.bin and "
                                        "their .index.json)");
}

std::string file_lines(const fs::path& directory) {
  std::string lines;
  for (const char* name : kModelFiles) {
    if (path_exists(directory / name)) {
      lines += "file " + to_hex(hash_file(directory / name)) + " " + name + "\n";
    }
  }
  return lines;
}

std::string tensor_lines(std::vector<WeightEntry> entries) {
  std::string lines;
  for (WeightEntry& entry : entries) {
    lines += "tensor " + weight_lines({std::move(entry)});
  }
  return lines;
}

std::string metadata_lines(const TensorFile& file) {
  std::string lines;
  for (const auto& [key, value] : file.metadata) {
    lines += "metadata " + hash_word(value) + " " + as_word(key) + "\n";
  }
  return lines;
}

}  // namespace

MeaningDigest digest_tensors(const fs::path& path, DigestKind kind, const DigestOptions& options) {
  if (kind == DigestKind::kCode) {
    refuse_code(path);
  }
  const TensorFile file = read_tensors(path);
  std::vector<WeightEntry> entries = hash_tensors(path, file, options);
  std::vector<std::string> notes = file.notes;
  if (kind == DigestKind::kWeights) {
    return finish(kind, weight_lines(canonical_weights(std::move(entries), path.string(), notes)), notes);
  }
  return finish(kind, "tensors\n" + tensor_lines(std::move(entries)) + metadata_lines(file), notes);
}

MeaningDigest digest_directory(const fs::path& path, DigestKind kind, const DigestOptions& options) {
  if (kind == DigestKind::kCode) {
    refuse_code(path);
  }
  const fs::path weights = weights_file(path);
  if (kind == DigestKind::kWeights) {
    return digest_tensors(weights, kind, options);
  }
  const TensorFile file = read_tensors(weights);
  return finish(kind, "checkpoint\n" + file_lines(path) + tensor_lines(hash_tensors(weights, file, options)),
                file.notes);
}

}  // namespace bertjit
