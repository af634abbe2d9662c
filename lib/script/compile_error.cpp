#include "script/compile_error.h"

#include <algorithm>
#include <string>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>

#include "script/python_error.h"

namespace bertjit {

namespace {

/// Receives the parts of an ErrorReport.
struct ErrorParts {
  std::string* message;
  torch::jit::SourceRange* range;
  std::vector<torch::jit::Call>* calls;
};

}  // namespace

}  // namespace bertjit

namespace torch::jit {

// ErrorReport offers only its finished text: message, place and calls in one. Its operator<< is a friend template,
// so the specialization for a type of ours may read them apart.
template <>
const ErrorReport& operator<< <bertjit::ErrorParts>(const ErrorReport& report, const bertjit::ErrorParts& parts) {
  *parts.message = report.ss.str();
  *parts.range = report.context;
  *parts.calls = report.error_stack;
  return report;
}

}  // namespace torch::jit

namespace bertjit {

namespace {

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) {
    return "";
  }
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

/// The known issue of the TorchScript reference: a Sequential hands its input on as a Tensor, whatever its first
/// submodule is declared to take.
std::string sequential_hint(const std::string& message, const std::vector<torch::jit::Call>& calls) {
  const bool in_sequential = std::any_of(
      calls.begin(), calls.end(), [](const torch::jit::Call& call) { return call.fn_name == "Sequential.forward"; });
  if (!in_sequential || message.find("inferred") == std::string::npos) {
    return "";
  }
  return "\ntorch.nn.Sequential takes its input for a Tensor, whatever its first submodule declares: subclass "
         "torch.nn.Sequential and redeclare forward with the input typed";
}

[[noreturn]] void throw_report(const torch::jit::ErrorReport& report) {
  std::string message;
  torch::jit::SourceRange range;
  std::vector<torch::jit::Call> calls;
  report << ErrorParts{&message, &range, &calls};
  message = trimmed(message);
  std::string text = script_error(range, message + sequential_hint(message, calls)).what();
  for (size_t i = calls.size(); i-- > 1;) {
    const std::string place = range_text(calls[i - 1].caller_range);
    text += "\n'" + calls[i].fn_name + "' is being compiled since it was called from '" + calls[i - 1].fn_name + "'" +
            (place.empty() ? "" : " (" + place + ")");
  }
  throw Error(ErrorKind::kInvalidArgument, text);
}

}  // namespace

void rethrow_as_error(const torch::jit::SourceRange& fallback) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const torch::jit::ErrorReport& report) {
    throw_report(report);
  } catch (const c10::Error& error) {
    throw script_error(fallback, trimmed(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw script_error(fallback, trimmed(error.what()));
  }
}

}  // namespace bertjit
