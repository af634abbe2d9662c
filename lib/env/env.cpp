#include "env/env.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string_view>

#include "support/parallel.h"
#include "support/processor.h"

namespace bertjit {

namespace {

constexpr std::array kPrefixes = {"BERTJIT_", "TORCH_", "PYTORCH_", "ATEN_",   "CAFFE2_", "OMP_",    "GOMP_",
                                  "KMP_",     "MKL_",   "DNNL_",    "ONEDNN_", "C10_",    "MALLOC_", "LC_"};
constexpr std::array kNames = {"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "VIRTUAL_ENV",
                               "CONDA_PREFIX",    "LANG",       "NO_COLOR",   "TMPDIR"};

std::string read_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The first group of `pattern`; empty if nothing matches.
std::string find_in(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

std::string describe_kernel() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string(names.sysname) + " " + names.release + " " + names.machine : "";
}

SystemFacts describe_system() {
  const std::string memory = read_text("/proc/meminfo");
  return {parse_os_release(read_text("/etc/os-release")),
          describe_kernel(),
          std::string("glibc ") + gnu_get_libc_version(),
          describe_processor().name,
          count_threads(0),
          parse_meminfo(memory, "MemTotal"),
          parse_meminfo(memory, "MemAvailable")};
}

std::map<std::string, std::string> find_variables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    const std::string name(text.substr(0, equals));
    if (equals != std::string_view::npos && is_variable_that_matters(name)) {
      variables[name] = text.substr(equals + 1);
    }
  }
  return variables;
}

}  // namespace

bool is_variable_that_matters(const std::string& name) {
  return std::ranges::find(kNames, name) != kNames.end() ||
         std::ranges::any_of(kPrefixes, [&](const char* prefix) { return name.starts_with(prefix); });
}

std::string parse_os_release(const std::string& text) {
  return find_in(text, "(?:^|\n)PRETTY_NAME=\"?([^\"\n]*)");
}

uint64_t parse_meminfo(const std::string& text, const std::string& key) {
  const std::string kilobytes = find_in(text, "(?:^|\n)" + key + ":\\s*([0-9]{1,15}) kB");
  return kilobytes.empty() ? 0 : std::stoull(kilobytes) * 1024;
}

EnvResult describe_env() {
  EnvResult result;
#ifdef __clang__
  result.compiler = __VERSION__;
#else
  result.compiler = "g++ " __VERSION__;
#endif
  result.build_type = BERTJIT_BUILD_TYPE;
  std::error_code ignored;
  result.program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  result.system = describe_system();
  result.variables = find_variables();
  return result;
}

}  // namespace bertjit
