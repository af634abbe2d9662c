#include "engine_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

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
  const char* remedy;  ///< closing sentences of messages
};

constexpr Part kTorchPart = {
    "libbertjit_engine.so", kEngineSymbol, kEngineVersion, "libtorch",
    "Install libtorch with scripts/setup.sh, or set TORCH_DIR to the folder of one (it holds lib/ and share/cmake/). "
    "`checksum`, `diff`, `tokenize` and `inspect --records` work without."};
constexpr Part kTextPart = {"libbertjit_text.so", kTextEngineSymbol, kTextEngineVersion, "ICU",
                            "Install it with scripts/setup.sh. `checksum` and `diff` work without."};

[[noreturn]] void fail(const Part& part, const std::string& reason) {
  throw Error(ErrorKind::kNotFound,
              std::string("cannot load the part that needs ") + part.needs + ": " + reason + "\n" + part.remedy);
}

fs::path find_library(const Part& part) {
  // Not argv[0]: the program may be called through a link, or found by PATH.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib" / part.library;
}

template <typename Table>
const Table* load_part(const Part& part, const fs::path& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail(part, dlerror());
  }
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

/// Loads the user's libtorch first; the engine's own reference to the same name then finds it loaded.
void preload_torch() {
  const char* directory = std::getenv("TORCH_DIR");
  if (directory == nullptr || *directory == '\0') {
    return;
  }
  const fs::path library = fs::path(directory) / "lib" / "libtorch_cpu.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    fail(kTorchPart, "TORCH_DIR is " + std::string(directory) + ": " + dlerror());
  }
}

const Engine* load_engine() {
  const Stage stage("start");
  preload_torch();
  const char* named = std::getenv("BERTJIT_ENGINE");
  const auto* loaded =
      load_part<Engine>(kTorchPart, named != nullptr && *named != '\0' ? fs::path(named) : find_library(kTorchPart));
  loaded->record_flight_to(flight_recorder());
  return loaded;
}

}  // namespace

const Engine& engine() {
  static const Engine* loaded = load_engine();
  return *loaded;
}

const TextEngine& text_engine() {
  static const TextEngine* loaded = load_part<TextEngine>(kTextPart, find_library(kTextPart));
  return *loaded;
}

}  // namespace bertjit
