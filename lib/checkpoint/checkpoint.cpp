#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "container/bytes.h"
#include "container/read_tensors.h"
#include "support/error.h"
#include "support/file_status.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// What else holds weights, by how its name ends.
struct OtherFile {
  const char* suffix;
  const char* what;
};

constexpr std::array kOtherFiles{
    OtherFile{".h5", "TensorFlow"},
    OtherFile{".index", "TensorFlow 1"},
    OtherFile{".msgpack", "Flax"},
    OtherFile{".onnx", "ONNX"},
    OtherFile{".gguf", "GGUF"},
    OtherFile{".ot", "rust-bert"},
    OtherFile{".tflite", "TensorFlow Lite"},
    OtherFile{".pt", "PyTorch, under another name"},
    OtherFile{".pth", "PyTorch, under another name"},
    OtherFile{".ckpt", "PyTorch or TensorFlow 1"},
    OtherFile{".bin", "under another name"},
    OtherFile{".safetensors", "under another name"},
};

/// ", found tf_model.h5 (TensorFlow)"; empty if nothing there looks like weights.
std::string describe_other_files(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) {
    const auto other =
        std::ranges::find_if(kOtherFiles, [&](const OtherFile& file) { return name.ends_with(file.suffix); });
    // Of the many .bin files in a training folder only what could be weights is of interest.
    if (other != kOtherFiles.end() && name != "training_args.bin" && name != "optimizer.bin") {
      text += (text.empty() ? "" : ", ") + in_quotes(name) + " (" + other->what + ")";
    }
  }
  return text.empty() ? ""
                      : "; found " + text + ", which is not read: save the model as PyTorch with save_pretrained()";
}

TensorFile open_weights(const fs::path& directory) {
  std::string looked_for;
  for (const char* name : kWeightsFiles) {
    if (path_exists(directory / name)) {
      return read_tensors(directory / name);
    }
    looked_for += (looked_for.empty() ? "" : ", ") + std::string(name);
  }
  const std::string found = describe_other_files(directory);
  throw Error(found.empty() ? ErrorKind::kNotFound : ErrorKind::kUnsupported,
              directory.string() + ": has no weights (looked for " + looked_for + ")" +
                  (found.empty() ? "; --init random needs none when given config.json itself" : found));
}

}  // namespace

bool names_checkpoint(const fs::path& path) {
  return path_is_folder(path) || path.extension() == ".json";
}

Checkpoint open_checkpoint(const fs::path& path) {
  if (!path_exists(path)) {
    throw Error(ErrorKind::kNotFound, path.string() + ": no such file or directory");
  }
  if (!path_is_folder(path)) {
    if (path.extension() != ".json") {
      throw Error(ErrorKind::kInvalidArgument,
                  path.string() + ": is not a directory; a checkpoint is a folder with config.json and weights");
    }
    return {path.has_parent_path() ? path.parent_path() : fs::path("."), Config::read(path), std::nullopt};
  }
  if (!path_exists(path / "config.json")) {
    throw Error(ErrorKind::kNotFound, path.string() + ": has no config.json; is it a Hugging Face checkpoint?");
  }
  Config config = Config::read(path / "config.json");
  return {path, std::move(config), open_weights(path)};
}

}  // namespace bertjit
