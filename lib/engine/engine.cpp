#include "engine/engine.h"

#include <c10/util/Exception.h>

#include "support/error.h"

namespace {

/// The last place that knows libtorch's exceptions: their what() holds a backtrace, which tells a user nothing.
template <auto kOperation, typename Options>
auto without_backtrace(const Options& options) {
  try {
    return kOperation(options);
  } catch (const c10::Error& error) {
    throw bertjit::Error(bertjit::ErrorKind::kUnsupported, error.what_without_backtrace());
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const bertjit::Engine* bertjit_engine() {
  static constexpr bertjit::Engine engine = {bertjit::kEngineVersion,           without_backtrace<bertjit::trace>,
                                             without_backtrace<bertjit::run>,   without_backtrace<bertjit::verify>,
                                             without_backtrace<bertjit::bench>, without_backtrace<bertjit::inspect>};
  return &engine;
}
