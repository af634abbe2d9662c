// `bertjit verify --junit`: what CI systems show.
#pragma once

#include <string>

#include "verify/verify_result.h"

namespace bertjit {

enum class WarningsFail { kNo, kYes };

/// JUnit XML, a suite for the module and a case for each check, in the elements and attributes that Jenkins, GitLab and
/// GitHub's readers share (the schema of Jenkins' xunit plugin, junit-10.xsd): `failure` for a check that failed,
/// `skipped` with the reason; a warning is a case that passed with the warning on its output, or with --werror a
/// `failure` of type "warn". A last case, `verify`, has an `error` where nothing was checked: no reader may take that
/// for a pass. Environment and command line are properties of the suite. There are no times: the same run gives the
/// same bytes.
///
/// Valid XML 1.0 whatever bytes the result holds.
std::string verify_junit(const VerifyResult& result, WarningsFail werror, const std::string& command_line);

/// The report of a run that has no answer: one case, `verify`, with an `error`.
std::string verify_junit_error(const std::string& module, const std::string& message, const std::string& command_line);

}  // namespace bertjit
