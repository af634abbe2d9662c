#include "container/read_tensors.h"

#include <map>
#include <string>
#include <string_view>

#include "container/bytes.h"
#include "container/npy.h"
#include "container/npz.h"
#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "container/shards.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

using Reader = TensorFile (*)(const std::filesystem::path&);

Reader reader_by_suffix(const std::string& suffix) {
  static const std::map<std::string, Reader> kReaders{
      {".safetensors", read_safetensors}, {".npz", read_npz},        {".npy", read_npy},
      {".bin", read_pytorch_bin},         {".pt", read_pytorch_bin}, {".pth", read_pytorch_bin},
      {".ckpt", read_pytorch_bin}};
  const auto found = kReaders.find(suffix);
  return found == kReaders.end() ? nullptr : found->second;
}

Reader reader_by_content(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view text = as_text(file.bytes());
  if (text.starts_with("\x93NUMPY")) {
    return read_npy;
  }
  if (text.starts_with("PK")) {
    return text.find("/data.pkl") != std::string_view::npos ? read_pytorch_bin : read_npz;
  }
  // A header length, then JSON; the old form of torch.save, a pickle, has no '{' there.
  if (text.size() > 8 && text[8] == '{') {
    return read_safetensors;
  }
  return text.starts_with("\x80") ? read_pytorch_bin : nullptr;
}

}  // namespace

TensorFile read_tensors(const std::filesystem::path& path) {
  Reader reader = path.string().ends_with(".index.json") ? read_shards : reader_by_suffix(path.extension().string());
  if (reader == nullptr) {
    reader = reader_by_content(path);
  }
  if (reader == nullptr) {
    throw Error(ErrorKind::kUnsupported, path.string() + ": is not a .safetensors, .npz, .npy or torch.save file");
  }
  return reader(path);
}

}  // namespace bertjit
