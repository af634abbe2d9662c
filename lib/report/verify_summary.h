// What all forms of a verify report say of the whole.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "verify/verify_result.h"

namespace bertjit {

/// "pass", "FAIL", "nothing was checked", "REFUSED as unsafe".
const char* verdict_words(const VerifyResult& result);

/// "6 pass, 1 fail, 3 skip"; "" without checks.
std::string verdict_counts(const VerifyResult& result);

/// Name and value of what is known of the environment: what was not asked for before the file was refused is left out.
std::vector<std::pair<std::string, std::string>> environment_words(const VerifyEnvironment& environment);

}  // namespace bertjit
