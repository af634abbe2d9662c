// `bertjit env`: the program, the machine and the variables that matter. What libtorch says of itself is asked for
// elsewhere (infer/libtorch_facts.h), since it may not be there.
#pragma once

#include "env/env_result.h"

namespace bertjit {

/// All but what is about the libtorch that is loaded, and the program's version. Never fails: what the system does not
/// tell stays empty.
EnvResult describe_env();

/// Whether a variable of that name matters: those of bertjit, of libtorch and its libraries, of the dynamic linker.
bool is_variable_that_matters(const std::string& name);

/// PRETTY_NAME of the text of /etc/os-release; empty if it has none.
std::string parse_os_release(const std::string& text);

/// The value of "KEY:  N kB" in the text of /proc/meminfo, in bytes; 0 if there is none.
uint64_t parse_meminfo(const std::string& text, const std::string& key);

}  // namespace bertjit
