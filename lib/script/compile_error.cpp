#include "script/compile_error.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>

#include "record/location.h"
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

bool in_library(const torch::jit::SourceRange& range) {
  const auto place = range.file_line_col();
  return place && is_library_file(std::get<0>(*place));
}

/// A way to say the same that there is, of functions whose arguments are often taken for others.
std::string way_out(const std::string& name) {
  static const std::map<std::string, std::string> kWays = {
      {"norm", "torch.linalg.vector_norm(x, ord, dim) has its arguments in any order"},
      {"sum", "torch.sum(x, dim=…) adds up a tensor; a list is added up by the built-in sum"},
      {"max", "torch.amax(x, dim=…) takes several dimensions, torch.maximum(x, y) two tensors"},
      {"min", "torch.amin(x, dim=…) takes several dimensions, torch.minimum(x, y) two tensors"}};
  const auto found = kWays.find(name);
  return found == kWays.end() ? "" : "\n" + found->second;
}

/// "Arguments for call are not valid. The following variants are available: …": those that a caller may have meant.
std::string with_fewer_variants(const std::string& message) {
  const std::string marker = "The following variants are available:";
  if (message.find(marker) == std::string::npos) {
    return message;
  }
  std::istringstream lines(message.substr(message.find(marker) + marker.size()));
  std::vector<std::pair<std::string, std::string>> variants;
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.ends_with(":") && line.find(") -> ") != std::string::npos) {
      variants.emplace_back(line.substr(0, line.size() - 1), "");
    } else if (!line.empty() && !variants.empty() && variants.back().second.empty()) {
      variants.back().second = line;
    }
  }
  if (variants.empty()) {
    return message;
  }
  const std::string& first = variants[0].first;
  const size_t colons = first.find("::");
  const size_t begin = colons == std::string::npos ? 0 : colons + 2;
  const std::string name = first.substr(begin, first.find_first_of(".(", begin) - begin);
  const size_t all = variants.size();
  // Those that differ in a type alone are nearer than those that want, or know not, an argument.
  std::erase_if(variants, [](const auto& variant) { return variant.first.find("out") != std::string::npos; });
  std::stable_partition(variants.begin(), variants.end(),
                        [](const auto& variant) { return variant.second.starts_with("Expected a value of type"); });
  constexpr size_t kShown = 3;
  std::string text = "no form of '" + name + "' takes these arguments; nearest:";
  for (size_t i = 0; i < variants.size() && i < kShown; ++i) {
    text += "\n  " + variants[i].first + ": " + variants[i].second;
  }
  return text + (all > kShown ? "\n  (" + std::to_string(all) + " in all)" : "") + way_out(name);
}

[[noreturn]] void throw_report(const torch::jit::ErrorReport& report) {
  std::string message;
  torch::jit::SourceRange range;
  std::vector<torch::jit::Call> calls;
  report << ErrorParts{&message, &range, &calls};
  message = with_fewer_variants(trimmed(message));
  const std::string what = message + sequential_hint(message, calls);
  // What is wrong in a call of the library is the call's mistake: its line comes first.
  const auto reader = std::find_if(calls.rbegin() + (calls.empty() ? 0 : 1), calls.rend(), [](const auto& call) {
    return call.caller_range.source() != nullptr && !in_library(call.caller_range);
  });
  const bool is_inside = in_library(range) && reader != calls.rend();
  std::string text = script_error(is_inside ? reader->caller_range : range, what).what();
  if (is_inside) {
    text += "\n" + std::string(script_error(range, "found here").what());
  }
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
