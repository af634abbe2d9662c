#include "engine/engine.h"

#include <optional>
#include <utility>

#include <c10/util/Exception.h>

#include "support/deep_stack.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace {

/// What lib/script/python_file.cpp takes a file to be too large for is measured with this.
constexpr size_t kStackBytes = size_t{4} << 30;

/// Names of the operations as stages (support/flight_recorder.h): the commands.
constexpr char kTrace[] = "trace";
constexpr char kRun[] = "run";
constexpr char kVerify[] = "verify";
constexpr char kQuantize[] = "quantize";
constexpr char kEval[] = "eval";
constexpr char kBench[] = "bench";
constexpr char kInspect[] = "inspect";

/// What libtorch says of its own plans (quantized tensors are to go some day) tells a user nothing.
class WithoutDeprecations : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    if (warning.msg().find("deprecated") == std::string::npos) {
      c10::WarningHandler::process(warning);
    }
  }
};

/// The last place that knows libtorch's exceptions: their what() holds a backtrace, which tells a user nothing. And the
/// place where an operation gets the stack that libtorch's recursion over large programs needs.
template <auto kOperation, const char* kName, typename Options>
auto call(const Options& options) {
  const bertjit::Stage stage(kName);
  std::optional<decltype(kOperation(options))> result;
  bertjit::run_with_stack(kStackBytes, [&] {
    WithoutDeprecations handler;
    const c10::WarningUtils::WarningHandlerGuard guard(&handler);
    try {
      result = kOperation(options);
    } catch (const c10::Error& error) {
      throw bertjit::Error(bertjit::ErrorKind::kUnsupported, error.what_without_backtrace());
    }
  });
  return *std::move(result);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const bertjit::Engine* bertjit_engine() {
  static constexpr bertjit::Engine engine = {bertjit::kEngineVersion,          bertjit::record_flight_to,
                                             call<bertjit::trace, kTrace>,     call<bertjit::run, kRun>,
                                             call<bertjit::verify, kVerify>,   call<bertjit::quantize, kQuantize>,
                                             call<bertjit::evaluate, kEval>,   call<bertjit::bench, kBench>,
                                             call<bertjit::inspect, kInspect>, bertjit::describe_libtorch};
  return &engine;
}
