#include "diff/contents.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "container/bytes.h"
#include "container/read_tensors.h"
#include "container/strides.h"
#include "support/error.h"
#include "support/file_status.h"
#include "support/parallel.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// What lies in a checkpoint's folder and is not read to run it: words for people, weights of other formats, and
/// weights that are compared as tensors.
constexpr std::array kSilentSuffixes{".md",   ".txt.license", ".h5",  ".msgpack", ".onnx",        ".gguf", ".ot",
                                     ".ckpt", ".tflite",      ".bin", ".pt",      ".safetensors", ".png",  ".jpg"};

bool matters_in_folder(const std::string& name) {
  const std::string base = name.substr(name.rfind('/') + 1);
  return !base.starts_with(".") && !base.starts_with("LICENSE") && !base.starts_with("README") &&
         std::ranges::none_of(kSilentSuffixes, [&](const char* suffix) { return base.ends_with(suffix); });
}

bool is_weights(const std::string& name) {
  return (name.starts_with("model") || name.starts_with("pytorch_model")) &&
         (name.ends_with(".safetensors") || name.ends_with(".bin") || name.ends_with(".index.json"));
}

std::string quantization_text(const ScriptQuantization& quantization) {
  std::ostringstream out;
  out.precision(9);
  out << quantization.scheme;
  if (quantization.scales.size() == 1) {
    out << ", scale " << quantization.scales[0] << ", zero point " << quantization.zero_points.at(0);
  } else {
    out << " along dimension " << quantization.axis << ", " << quantization.scales.size() << " scales";
  }
  return out.str();
}

std::string layout_text(const ScriptTensor& tensor) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!is_row_major(tensor.shape, tensor.strides)) {
    add("strides " + shape_text(tensor.strides));
  }
  if (tensor.device != "cpu") {
    add(tensor.device);
  }
  if (!tensor.math_bits.empty()) {
    add(tensor.math_bits);
  }
  return text;
}

/// What a value shows of itself; what lies inside a list, a tuple or a dict has entries of its own.
std::string value_text(const std::vector<ScriptNode>& nodes, const ScriptNode& node) {
  const auto items = [&] { return std::to_string(node.count) + (node.count == 1 ? " item" : " items"); };
  switch (node.kind) {
    case ScriptKind::kString:
      return in_quotes(node.text);
    case ScriptKind::kList:
    case ScriptKind::kTuple:
      return (node.text.empty() ? script_kind_name(node.kind) : node.text) + ", " + items();
    case ScriptKind::kDict:
      return (node.text.empty() ? "dict" : node.text) + ", " + std::to_string(node.count / 2) + " entries";
    case ScriptKind::kObject:
      // What it holds is listed under each of its names.
      return &nodes.at(node.same_as) == &node ? node.text : "the same object as " + in_quotes(nodes[node.same_as].name);
    case ScriptKind::kNone:
      return "None";
    default:
      return node.text;
  }
}

void add_values(Contents& contents) {
  const ScriptArchive& file = *contents.script;
  for (const auto* nodes : {&file.nodes, &file.constants}) {
    for (const ScriptNode& node : *nodes) {
      if (node.kind == ScriptKind::kTensor) {
        continue;
      }
      ContentsValue value{DiffSubject::kAttribute, value_text(*nodes, node)};
      if (node.kind == ScriptKind::kObject && node.text == value.text) {
        value.text = contents.code.class_of(node.text);
      }
      if (node.is_module) {
        value.subject = DiffSubject::kModule;
      } else if (node.kind == ScriptKind::kBool && (node.name == "training" || node.name.ends_with(".training"))) {
        value.subject = DiffSubject::kTraining;
      }
      // A key of a dict stands before its value, an object before its state, both under one name.
      const auto [entry, is_new] = contents.values.try_emplace(contents.code.rename_constant(node.name), value);
      if (!is_new) {
        entry->second.text += ": " + value.text;
      }
    }
  }
}

ContentsTensor from_script(const ScriptTensor& tensor, const ScriptCode& code) {
  ContentsTensor result{
      .name = code.rename_constant(tensor.name), .role = script_role_name(tensor.role), .dtype = tensor.dtype};
  result.element_size = tensor.element_size;
  result.shape = tensor.shape;
  result.quantization = tensor.quantization ? quantization_text(*tensor.quantization) : "";
  result.requires_grad = tensor.requires_grad;
  result.layout = layout_text(tensor);
  result.storage = tensor.record;
  result.size_bytes = tensor.size_bytes;
  result.script = &tensor;
  return result;
}

ContentsTensor from_view(const TensorView& tensor) {
  ContentsTensor result{.name = tensor.name, .dtype = dtype_name(tensor.dtype)};
  result.element_size = dtype_size(tensor.dtype);
  result.shape = tensor.shape;
  // Tensors that torch.save found in one storage are views of the same bytes.
  result.storage =
      tensor.bytes.empty() ? tensor.name : std::to_string(reinterpret_cast<uintptr_t>(tensor.bytes.data()));
  result.size_bytes = tensor.bytes.size();
  result.bytes = tensor.bytes;
  return result;
}

void check_records(const ZipArchive& archive, int threads) {
  for_each_index(archive.records().size(), threads, [&](size_t i) {
    const ZipRecord& record = archive.records()[i];
    archive.check_crc(record);
    release_mapped_pages(archive.file().bytes().subspan(record.data_offset, record.compressed_size));
  });
}

void add_record_files(Contents& contents) {
  const auto add = [&](const ScriptRecord& record, bool matters) {
    contents.files.push_back({.name = record.name, .size_bytes = record.record->size, .matters = matters});
    contents.files.back().is_config = record.name == "extra/bertjit.json";
    contents.files.back().record = record.record;
  };
  for (const ScriptRecord& record : contents.script->extra) {
    add(record, true);
  }
  for (const ScriptRecord& record : contents.script->other) {
    const std::string& name = record.name;
    const bool is_known = name == "data.pkl" || name == "constants.pkl" || name == "version" || name == "byteorder" ||
                          name.starts_with(".data/") || name.starts_with("traced_inputs");
    if (!is_known) {
      add(record, true);
    }
  }
}

void open_script(Contents& contents, int threads) {
  contents.kind = ContentsKind::kTorchScript;
  contents.script = std::make_shared<ScriptArchive>(read_torchscript(contents.path));
  contents.archive = contents.script->archive;
  check_records(*contents.archive, threads);
  contents.size_bytes = contents.archive->size_bytes();
  contents.code = read_script_code(*contents.script);
  for (const ScriptTensor& tensor : contents.script->tensors) {
    contents.tensors.push_back(from_script(tensor, contents.code));
  }
  add_values(contents);
  add_record_files(contents);
}

void take_tensors(Contents& contents, TensorFile file) {
  for (const TensorView& tensor : file.tensors) {
    contents.tensors.push_back(from_view(tensor));
  }
  contents.metadata = file.metadata;
  contents.notes = file.notes;
  contents.tensor_file = std::move(file);
}

bool begins_as_zip(const MappedFile& file) {
  return as_text(file.bytes()).starts_with("PK");
}

void open_tensor_file(Contents& contents, int threads) {
  const MappedFile file(contents.path);
  contents.size_bytes = file.bytes().size();
  if (begins_as_zip(file)) {
    contents.archive = std::make_shared<ZipArchive>(contents.path);
    check_records(*contents.archive, threads);
  }
  take_tensors(contents, read_tensors(contents.path));
  const std::string_view text = as_text(file.bytes());
  const bool is_numpy = text.starts_with("\x93NUMPY") || contents.path.extension() == ".npz" ||
                        (contents.archive && text.find("/data.pkl") == std::string_view::npos);
  const bool is_pickle = contents.archive || text.starts_with("\x80");
  contents.kind = is_numpy ? ContentsKind::kNumpy : is_pickle ? ContentsKind::kTorchSave : ContentsKind::kSafetensors;
}

void add_folder_file(Contents& contents, const fs::path& path) {
  const std::string name = path.lexically_relative(contents.path).generic_string();
  const uint64_t size = fs::file_size(path);
  contents.size_bytes += size;
  if (!is_weights(name)) {
    contents.files.push_back({.name = name, .size_bytes = size, .matters = matters_in_folder(name)});
    contents.files.back().is_config = name.ends_with("config.json");
    contents.files.back().path = path;
  }
}

void open_directory(Contents& contents) {
  contents.kind = ContentsKind::kDirectory;
  std::string looked_for;
  for (const char* name : kWeightsFiles) {
    if (path_exists(contents.path / name)) {
      take_tensors(contents, read_tensors(contents.path / name));
      break;
    }
    looked_for += (looked_for.empty() ? "" : ", ") + std::string(name);
  }
  if (!contents.tensor_file) {
    throw Error(ErrorKind::kNotFound, contents.path.string() + ": holds no weights (looked for " + looked_for + ")");
  }
  for (auto it = fs::recursive_directory_iterator(contents.path); it != fs::recursive_directory_iterator(); ++it) {
    if (it->is_directory() && it->path().filename().string().starts_with(".")) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      add_folder_file(contents, it->path());
    }
  }
}

}  // namespace

const ContentsTensor* Contents::find(const std::string& name) const {
  const auto found = std::ranges::lower_bound(tensors, name, {}, &ContentsTensor::name);
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

const char* contents_kind_name(ContentsKind kind) {
  switch (kind) {
    case ContentsKind::kTorchScript:
      return "TorchScript archive";
    case ContentsKind::kTorchSave:
      return "torch.save file";
    case ContentsKind::kSafetensors:
      return "safetensors file";
    case ContentsKind::kNumpy:
      return "numpy file";
    case ContentsKind::kDirectory:
      return "directory";
  }
  return "";
}

Contents open_contents(const fs::path& path, int threads) {
  Contents contents{.path = path};
  if (path_is_folder(path)) {
    open_directory(contents);
  } else if (is_torchscript(path)) {
    open_script(contents, threads);
  } else {
    open_tensor_file(contents, threads);
  }
  std::ranges::sort(contents.tensors, {}, &ContentsTensor::name);
  std::ranges::sort(contents.files, {}, &ContentsFile::name);
  return contents;
}

std::span<const std::byte> read_tensor(const Contents& contents, const ContentsTensor& tensor,
                                       std::vector<std::byte>& copy) {
  return tensor.script == nullptr ? tensor.bytes : read_elements(*contents.script, *tensor.script, copy);
}

std::string read_file(const Contents& contents, const ContentsFile& file, uint64_t max_bytes) {
  if (file.size_bytes > max_bytes) {
    throw Error(ErrorKind::kUnsupported, contents.path.string() + ": " + in_quotes(file.name) + " has " +
                                             std::to_string(file.size_bytes) + " bytes, more than " +
                                             std::to_string(max_bytes));
  }
  if (file.record == nullptr) {
    return read_text_file(file.path, max_bytes);
  }
  const auto bytes = contents.archive->read(*file.record);
  return std::string(as_text(bytes));
}

ElementReader make_element_reader(const ContentsTensor& tensor) {
  const ScriptQuantization* quantization =
      tensor.script != nullptr && tensor.script->quantization ? &*tensor.script->quantization : nullptr;
  return make_element_reader(tensor.dtype, tensor.element_size, tensor.shape, quantization);
}

}  // namespace bertjit
