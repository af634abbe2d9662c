#include "engine_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "libtorch.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

struct Part {
  const char* library;
  const char* symbol;
  const char* version;
  const char* needs;   ///< libraries, for messages
  std::string remedy;  ///< closing sentences of messages
};

const Part kTorchPart = {
    "libbertjit_engine.so", kEngineSymbol, kEngineVersion, "libtorch",
    std::string("Install it with `pip install torch==") + kBuiltWithLibtorch +
        "` (in a checkout: scripts/setup.sh), or set BERTJIT_LIBTORCH to the folder of one (it holds lib/ and "
        "share/cmake/). `checksum`, `diff`, `scan`, `tokenize` and `inspect --records` work without."};
const Part kTextPart = {"libbertjit_text.so", kTextEngineSymbol, kTextEngineVersion, "ICU",
                        "Install it (Debian: libicu72; in a checkout: scripts/setup.sh). `checksum` and `diff` work "
                        "without."};

[[noreturn]] void fail(const Part& part, const std::string& reason) {
  throw Error(ErrorKind::kNotFound,
              std::string("cannot load the part that needs ") + part.needs + ": " + reason + "\n" + part.remedy);
}

fs::path find_library(const Part& part) {
  // Not argv[0]: the program may be called through a link, or found by PATH.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib/bertjit" / part.library;
}

template <typename Table>
const Table* table_of(const Part& part, const fs::path& path, void* library) {
  const auto function = reinterpret_cast<const Table* (*)()>(dlsym(library, part.symbol));
  if (function == nullptr) {
    fail(part, path.string() + ": is no engine of bertjit");
  }
  const Table* loaded = function();
  if (std::strcmp(loaded->version, part.version) != 0) {
    fail(part, path.string() + ": is " + loaded->version + ", this program needs " + part.version);
  }
  return loaded;
}

std::string describe(const Libtorch& libtorch) {
  return libtorch.folder.string() +
         (libtorch.version.empty() ? " holds a libtorch of unknown version" : " holds libtorch " + libtorch.version);
}

/// libtorch, as the engine's own reference to the same names then finds it.
void load_libtorch(const Libtorch& libtorch, const std::string& origin) {
  if (!suits(libtorch)) {
    fail(kTorchPart, origin + describe(libtorch) + ", this bertjit was built with " + kBuiltWithLibtorch);
  }
  for (const char* name : {"libtorch_cpu.so", "libtorch.so"}) {
    if (dlopen((libtorch.folder / "lib" / name).c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      fail(kTorchPart, origin + libtorch.folder.string() + ": " + dlerror());
    }
  }
}

/// The folder that the user names; TORCH_DIR is what the build calls it.
bool load_named_libtorch() {
  for (const char* name : {"BERTJIT_LIBTORCH", "TORCH_DIR"}) {
    const char* folder = std::getenv(name);
    if (folder != nullptr && *folder != '\0') {
      load_libtorch(look_at_libtorch(folder), std::string(name) + ": ");
      return true;
    }
  }
  return false;
}

/// The first of `folders` that suits; what others hold goes to `passed_over`.
bool load_suitable_libtorch(const std::vector<fs::path>& folders, std::vector<std::string>& passed_over) {
  for (const fs::path& folder : folders) {
    if (!holds_libtorch(folder)) {
      continue;
    }
    const Libtorch libtorch = look_at_libtorch(folder);
    if (suits(libtorch)) {
      load_libtorch(libtorch, "");
      return true;
    }
    passed_over.push_back(describe(libtorch));
  }
  return false;
}

/// What dlopen says where the linker finds no libtorch.
bool lacks_libtorch(const std::string& complaint) {
  return (complaint.starts_with("libtorch") || complaint.starts_with("libc10")) &&
         complaint.find(": cannot open shared object file") != std::string::npos;
}

/// The engine, with the libtorch that is named, that lies beside the program, that the linker finds (where bertjit was
/// built, the one it was built with), or that is Python's.
void* load_with_libtorch(const fs::path& engine) {
  std::vector<std::string> passed_over;
  const bool is_loaded = load_named_libtorch() || load_suitable_libtorch(folders_beside_program(), passed_over);
  const auto open = [&] { return dlopen(engine.c_str(), RTLD_NOW | RTLD_LOCAL); };
  if (void* library = open()) {
    return library;
  }
  std::string complaint = dlerror();
  if (!is_loaded && lacks_libtorch(complaint)) {
    if (load_suitable_libtorch(folders_of_python(), passed_over) ||
        load_suitable_libtorch({ask_python()}, passed_over)) {
      if (void* library = open()) {
        return library;
      }
      complaint = dlerror();
    } else {
      complaint = std::string("no libtorch ") + kBuiltWithLibtorch +
                  " found: BERTJIT_LIBTORCH is not set, none beside the program, nor where Python's torch is";
    }
  }
  if (complaint.find("undefined symbol") != std::string::npos) {
    complaint += std::string("; a libtorch of another version? This bertjit was built with ") + kBuiltWithLibtorch;
  }
  for (const std::string& folder : passed_over) {
    complaint += "\n  " + folder;
  }
  fail(kTorchPart, complaint);
}

const Engine* load_engine() {
  const Stage stage("start");
  const char* named = std::getenv("BERTJIT_ENGINE");
  const fs::path path = named != nullptr && *named != '\0' ? fs::path(named) : find_library(kTorchPart);
  void* library = load_with_libtorch(path);
  if (const Libtorch libtorch = loaded_libtorch(); !suits(libtorch)) {
    fail(kTorchPart, describe(libtorch) + ", this bertjit was built with " + kBuiltWithLibtorch);
  }
  const auto* loaded = table_of<Engine>(kTorchPart, path, library);
  loaded->record_flight_to(flight_recorder());
  return loaded;
}

const TextEngine* load_text_engine() {
  const fs::path path = find_library(kTextPart);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail(kTextPart, dlerror());
  }
  return table_of<TextEngine>(kTextPart, path, library);
}

}  // namespace

const Engine& engine() {
  static const Engine* loaded = load_engine();
  loaded->record_flight_to(flight_recorder());  // a process that was forked since has one of its own
  return *loaded;
}

const TextEngine& text_engine() {
  static const TextEngine* loaded = load_text_engine();
  return *loaded;
}

}  // namespace bertjit
