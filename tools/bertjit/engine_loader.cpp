#include "engine_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "support/error.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLibrary = "libbertjit_engine.so";

[[noreturn]] void fail(const std::string& reason) {
  throw Error(ErrorKind::kNotFound,
              "cannot load the part that needs libtorch: " + reason +
                  "\nInstall libtorch with scripts/setup.sh, or set TORCH_DIR to the folder of one (it holds lib/ and "
                  "share/cmake/). `checksum` works without.");
}

fs::path engine_path() {
  if (const char* named = std::getenv("BERTJIT_ENGINE"); named != nullptr && *named != '\0') {
    return named;
  }
  // Not argv[0]: the program may be called through a link, or found by PATH.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib" / kLibrary;
}

/// Loads the user's libtorch first; the engine's own reference to the same name then finds it loaded.
void preload_torch() {
  const char* directory = std::getenv("TORCH_DIR");
  if (directory == nullptr || *directory == '\0') {
    return;
  }
  const fs::path library = fs::path(directory) / "lib" / "libtorch_cpu.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    fail("TORCH_DIR is " + std::string(directory) + ": " + dlerror());
  }
}

const Engine* load_engine() {
  preload_torch();
  void* library = dlopen(engine_path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail(dlerror());
  }
  const auto function = reinterpret_cast<EngineFunction>(dlsym(library, kEngineSymbol));
  if (function == nullptr) {
    fail(engine_path().string() + ": is no engine of bertjit");
  }
  const Engine* loaded = function();
  if (std::strcmp(loaded->version, kEngineVersion) != 0) {
    fail(engine_path().string() + ": is " + loaded->version + ", this program needs " + kEngineVersion);
  }
  return loaded;
}

}  // namespace

const Engine& engine() {
  static const Engine* loaded = load_engine();
  return *loaded;
}

}  // namespace bertjit
