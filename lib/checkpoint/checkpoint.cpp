#include "checkpoint/checkpoint.h"

#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "support/error.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSafetensors = "model.safetensors";
constexpr const char* kPytorchBin = "pytorch_model.bin";

TensorFile open_weights(const fs::path& directory) {
  if (fs::exists(directory / kSafetensors)) {
    return read_safetensors(directory / kSafetensors);
  }
  if (fs::exists(directory / kPytorchBin)) {
    return read_pytorch_bin(directory / kPytorchBin);
  }
  for (const char* index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    if (fs::exists(directory / index)) {
      throw Error(ErrorKind::kUnsupported, (directory / index).string() + ": sharded weights are not supported");
    }
  }
  throw Error(ErrorKind::kNotFound, directory.string() + ": has no weights (looked for " + kSafetensors + " and " +
                                        kPytorchBin + "); --init random needs none when given config.json itself");
}

}  // namespace

bool names_checkpoint(const fs::path& path) {
  return fs::is_directory(path) || path.extension() == ".json";
}

Checkpoint open_checkpoint(const fs::path& path) {
  if (!fs::exists(path)) {
    throw Error(ErrorKind::kNotFound, path.string() + ": no such file or directory");
  }
  if (!fs::is_directory(path)) {
    if (path.extension() != ".json") {
      throw Error(ErrorKind::kInvalidArgument,
                  path.string() + ": is not a directory; a checkpoint is a folder with config.json and weights");
    }
    return {path.has_parent_path() ? path.parent_path() : fs::path("."), Config::read(path), std::nullopt};
  }
  if (!fs::exists(path / "config.json")) {
    throw Error(ErrorKind::kNotFound, path.string() + ": has no config.json; is it a Hugging Face checkpoint?");
  }
  Config config = Config::read(path / "config.json");
  return {path, std::move(config), open_weights(path)};
}

}  // namespace bertjit
