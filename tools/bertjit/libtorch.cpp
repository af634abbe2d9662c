#include "libtorch.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <sstream>

namespace bertjit {

namespace fs = std::filesystem;

const char* const kBuiltWithLibtorch = BERTJIT_LIBTORCH_VERSION;

namespace {

constexpr const char* kLibrary = "libtorch_cpu.so";

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The first group of `pattern` in a file; empty if it has none, or is not there.
std::string find_in(const fs::path& path, const std::string& pattern) {
  const std::string text = read_text(path);
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

/// "2.13" of "2.13.0".
std::string series(const std::string& version) {
  return version.substr(0, version.find('.', version.find('.') + 1));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// torch in PREFIX/lib/python3*/{site,dist}-packages.
void add_packages(const fs::path& prefix, std::vector<fs::path>& folders) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(prefix / "lib", ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    if (entry->path().filename().string().starts_with("python3")) {
      for (const char* packages : {"site-packages", "dist-packages"}) {
        found.push_back(entry->path() / packages / "torch");
      }
    }
  }
  std::ranges::sort(found, std::ranges::greater());
  std::ranges::copy_if(found, std::back_inserter(folders), holds_libtorch);
}

/// The prefix of the python3 that a shell would run, links not followed: a virtual environment's is one.
fs::path prefix_of_python() {
  std::istringstream path(variable("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    std::error_code ignored;
    if (!folder.empty() && fs::exists(fs::path(folder) / "python3", ignored)) {
      return fs::path(folder).parent_path();
    }
  }
  return {};
}

}  // namespace

bool suits(const Libtorch& libtorch) {
  return libtorch.version.empty() || series(libtorch.version) == series(kBuiltWithLibtorch);
}

bool holds_libtorch(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "lib" / kLibrary, ignored);
}

Libtorch look_at_libtorch(const fs::path& folder) {
  std::string version =
      find_in(folder / "share/cmake/Torch/TorchConfigVersion.cmake", R"re(PACKAGE_VERSION "([0-9]+\.[0-9]+[0-9.]*))re");
  if (version.empty()) {
    version = find_in(folder / "version.py", R"(__version__ *= *'([0-9]+\.[0-9]+[0-9.]*))");
  }
  if (version.empty()) {
    version = find_in(folder / "build-version", R"(^([0-9]+\.[0-9]+[0-9.]*))");
  }
  return {folder, version};
}

std::vector<fs::path> folders_beside_program() {
  std::error_code ignored;
  const fs::path bin = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  return {bin / "libtorch", bin.parent_path() / "libtorch"};
}

std::vector<fs::path> folders_of_python() {
  std::vector<fs::path> folders;
  for (const fs::path& prefix :
       {fs::path(variable("VIRTUAL_ENV")), fs::path(variable("CONDA_PREFIX")), prefix_of_python(),
        fs::path(variable("HOME")) / ".local", fs::path("/usr/local"), fs::path("/usr")}) {
    if (prefix.is_absolute()) {
      add_packages(prefix, folders);
    }
  }
  std::vector<fs::path> once;
  for (const fs::path& folder : folders) {
    if (std::ranges::find(once, folder) == once.end()) {
      once.push_back(folder);
    }
  }
  return once;
}

fs::path ask_python() {
  // The current folder goes out of the path before anything is imported: who runs a program in the folder of a stranger
  // does not mean to load that folder's code.
  constexpr const char* kCommand =
      "python3 -c \"import sys; sys.path = [p for p in sys.path if p]; import importlib.util as u; "
      "s = u.find_spec('torch'); print(list(s.submodule_search_locations or [''])[0] if s else '', end='')\" "
      "2>/dev/null </dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(kCommand, "re"), ::pclose);
  if (pipe == nullptr) {
    return {};
  }
  std::string answer;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    answer.append(buffer.data(), count);
  }
  const fs::path folder = answer;
  return folder.is_absolute() && holds_libtorch(folder) ? folder : fs::path();
}

Libtorch loaded_libtorch() {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (library == nullptr || ::dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
    return {};
  }
  ::dlclose(library);
  std::error_code ignored;
  const fs::path file = fs::canonical(map->l_name, ignored);
  return look_at_libtorch(file.parent_path().parent_path());
}

}  // namespace bertjit
