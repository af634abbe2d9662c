#include "module/save.h"

#include <exception>

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/export.h>

#include "support/file.h"

namespace bertjit {

namespace {

using caffe2::serialize::PyTorchStreamWriter;

// PyTorchStreamWriter names the archive's root folder after the file it opens, and "archive" when it writes through a
// function: there is no public way to have a name and a function. bertjit needs both, to hash the bytes on their way
// and to write them under a temporary name. Explicit instantiation may name private members, so this is plain C++; it
// stops compiling, rather than working wrongly, should libtorch rename the fields.
template <auto kName, auto kNameWithSlash>
struct ArchiveNameAccess {
  friend void set_archive_name(PyTorchStreamWriter& writer, const std::string& name) {
    writer.*kName = name;
    writer.*kNameWithSlash = name + "/";
  }
};
template struct ArchiveNameAccess<&PyTorchStreamWriter::archive_name_, &PyTorchStreamWriter::archive_name_plus_slash_>;
void set_archive_name(PyTorchStreamWriter& writer, const std::string& name);

}  // namespace

void serialize_module(const torch::jit::Module& module, const SaveOptions& options, const ByteSink& sink) {
  std::exception_ptr failure;
  const auto write = [&](const void* data, size_t size) -> size_t {
    // libtorch's zip writer is C code: an exception must not cross it. Nor may it hear of a failure: its destructor
    // finishes the archive and throws if that fails, which ends the process. So it writes on, into nothing.
    if (!failure) {
      try {
        sink({static_cast<const std::byte*>(data), size});
      } catch (...) {
        failure = std::current_exception();
      }
    }
    return size;
  };
  torch::jit::ExtraFilesMap extra_files;
  for (const auto& [name, content] : options.extra_files) {
    extra_files[name] = content;
  }
  {
    PyTorchStreamWriter writer(write);
    set_archive_name(writer, options.archive_name);
    torch::jit::ScriptModuleSerializer serializer(writer);
    serializer.serialize(module, extra_files, /*bytecode_format=*/false, /*save_mobile_debug_info=*/false);
    writer.writeEndOfFile();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

std::string default_archive_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  return stem.empty() ? "archive" : stem;
}

SavedFile save_module(const torch::jit::Module& module, const std::filesystem::path& path, const SaveOptions& options,
                      HashWhileWriting hash) {
  AtomicFile file(path);
  Sha512 digest;
  serialize_module(module, options, [&](std::span<const std::byte> bytes) {
    file.write(bytes);
    if (hash == HashWhileWriting::kYes) {
      digest.update(bytes);
    }
    release_mapped_pages(bytes);
  });
  file.commit();
  return {file.size_bytes(), hash == HashWhileWriting::kYes ? std::optional(digest.finish()) : std::nullopt};
}

Sha512Digest hash_serialized(const torch::jit::Module& module, const SaveOptions& options) {
  Sha512 digest;
  serialize_module(module, options, [&](std::span<const std::byte> bytes) { digest.update(bytes); });
  return digest.finish();
}

}  // namespace bertjit
