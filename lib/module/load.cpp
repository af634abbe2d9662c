#include "module/load.h"

#include <memory>
#include <span>

#include "container/zip.h"
#include "module/archive_memory.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

/// "traced_bert/data.pkl" -> "data.pkl"
std::string without_root(const std::string& record) {
  return record.substr(record.find('/') + 1);
}

}  // namespace

LoadedModule load_module(const std::filesystem::path& path) {
  const Stage stage("load", path.native());
  const auto archive = std::make_shared<const ZipArchive>(path);
  bool has_pickle = false;
  bool has_code = false;
  const ZipRecord* claims = nullptr;
  for (const auto& record : archive->records()) {
    const std::string inner = without_root(record.name);
    has_pickle |= inner == "data.pkl";
    has_code |= inner.starts_with("code/");
    claims = inner == std::string("extra/") + kClaimsRecord ? &record : claims;
  }
  if (!has_pickle || !has_code) {
    throw Error(ErrorKind::kUnsupported,
                path.string() + ": is a zip archive without " + (has_pickle ? "code/" : "data.pkl") +
                    (has_pickle ? ": a torch.save file, not TorchScript" : ": not a TorchScript file"));
  }
  archive->check_all();

  LoadedModule loaded;
  if (claims != nullptr) {
    const auto text = archive->read(*claims);
    loaded.claims = claims_from_json({reinterpret_cast<const char*>(text.data()), text.size()},
                                     path.string() + ": extra/" + kClaimsRecord);
  }
  allow_private_writes(archive->file());
  const std::string root = archive->records().front().name.substr(0, archive->records().front().name.find('/') + 1);
  const std::vector<std::span<std::byte>> whole = {archive->file().bytes()};
  loaded.module = load_archive(std::make_shared<const ArchiveMemory>(whole, archive), path.string(),
                               [&](const std::string& record) {
                                 const ZipRecord* found = archive->find(root + record);
                                 return found != nullptr && found->method == ZipMethod::kStored;
                               });
  return loaded;
}

torch::jit::Module load_module_from_bytes(std::string_view bytes, const std::string& name) {
  const auto copy = std::make_shared<std::string>(bytes);
  const std::vector<std::span<std::byte>> whole = {{reinterpret_cast<std::byte*>(copy->data()), copy->size()}};
  return load_archive(std::make_shared<const ArchiveMemory>(whole, copy), name,
                      [](const std::string&) { return false; });
}

}  // namespace bertjit
