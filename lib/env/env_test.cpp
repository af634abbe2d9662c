#include "env/env.h"

#include <cstdlib>

#include "testing/testing.h"

namespace bertjit {

TEST_CASE("env: the system's name is that of os-release, quoted or not") {
  // Debian 12's own file, and Alpine's form.
  CHECK(parse_os_release("NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n") ==
        "Debian GNU/Linux 12 (bookworm)");
  CHECK(parse_os_release("PRETTY_NAME=Alpine\nID=alpine\n") == "Alpine");
  CHECK(parse_os_release("ID=none\n").empty());
}

TEST_CASE("env: memory is in bytes, and the key is the whole word") {
  const std::string text = "MemTotal:       16384000 kB\nMemFree:  1 kB\nMemAvailable:    8192000 kB\n";
  CHECK(parse_meminfo(text, "MemTotal") == 16384000ULL * 1024);
  CHECK(parse_meminfo(text, "MemAvailable") == 8192000ULL * 1024);
  CHECK(parse_meminfo(text, "Available") == 0);
}

TEST_CASE("env: variables that change results are told, those that may be secret are not") {
  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY", "ONEDNN_VERBOSE",
                           "BERTJIT_LIBTORCH", "TORCH_DIR", "LD_PRELOAD", "LC_ALL"}) {
    CHECK(is_variable_that_matters(name));
  }
  for (const char* name : {"HOME", "API_TOKEN", "PATH", "MY_OMP_", "XLANG"}) {
    CHECK_FALSE(is_variable_that_matters(name));
  }
  ::setenv("OMP_NUM_THREADS", "3", 1);
  CHECK(describe_env().variables.at("OMP_NUM_THREADS") == "3");
  ::unsetenv("OMP_NUM_THREADS");
  CHECK(describe_env().variables.count("OMP_NUM_THREADS") == 0);
}

TEST_CASE("env: this machine is described") {
  const EnvResult result = describe_env();
  CHECK(result.system.kernel.starts_with("Linux "));
  CHECK(result.system.cores >= 1);
  CHECK(result.system.memory_bytes > result.system.available_memory_bytes);
  CHECK(result.program.ends_with("bertjit_env_tests"));
  CHECK_FALSE(result.compiler.empty());
}

}  // namespace bertjit
