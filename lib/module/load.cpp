#include "module/load.h"

#include <cstring>
#include <memory>
#include <span>

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import.h>

#include "container/zip.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// Hands libtorch bytes that are in memory already.
class MemoryReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t size() const override {
    return bytes_.size();
  }
  size_t read(uint64_t position, void* buffer, size_t n, const char*) const override {
    if (position >= bytes_.size()) {
      return 0;
    }
    n = std::min(n, bytes_.size() - static_cast<size_t>(position));
    std::memcpy(buffer, bytes_.data() + position, n);
    return n;
  }

 private:
  std::span<const std::byte> bytes_;
};

torch::jit::Module load_bytes(std::span<const std::byte> bytes, const std::string& name,
                              torch::jit::ExtraFilesMap& extra_files) {
  try {
    return torch::jit::load(std::make_shared<MemoryReader>(bytes), at::Device(at::kCPU), extra_files);
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kCorrupt, name + ": libtorch cannot load it: " + error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kCorrupt, name + ": libtorch cannot load it: " + error.what());
  }
}

/// "traced_bert/data.pkl" -> "data.pkl"
std::string without_root(const std::string& record) {
  return record.substr(record.find('/') + 1);
}

}  // namespace

LoadedModule load_module(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  bool has_pickle = false;
  bool has_code = false;
  bool has_claims = false;
  for (const auto& record : archive.records()) {
    const std::string inner = without_root(record.name);
    has_pickle |= inner == "data.pkl";
    has_code |= inner.starts_with("code/");
    has_claims |= inner == std::string("extra/") + kClaimsRecord;
  }
  if (!has_pickle || !has_code) {
    throw Error(ErrorKind::kUnsupported,
                path.string() + ": is a zip archive without " + (has_pickle ? "code/" : "data.pkl") +
                    (has_pickle ? ": a torch.save file, not TorchScript" : ": not a TorchScript file"));
  }
  archive.check_all();

  torch::jit::ExtraFilesMap extra_files;
  if (has_claims) {
    extra_files[kClaimsRecord] = "";
  }
  LoadedModule loaded{load_bytes(archive.file().bytes(), path.string(), extra_files), std::nullopt};
  if (has_claims) {
    loaded.claims = claims_from_json(extra_files[kClaimsRecord], path.string() + ": extra/" + kClaimsRecord);
  }
  return loaded;
}

torch::jit::Module load_module_from_bytes(std::string_view bytes, const std::string& name) {
  torch::jit::ExtraFilesMap extra_files;
  return load_bytes(std::as_bytes(std::span(bytes)), name, extra_files);
}

}  // namespace bertjit
