// What this room's tests share: a module and a network beside each other, on inputs with padding and two segments.
#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "infer/batch.h"
#include "locate/locate.h"
#include "models/model_testing.h"
#include "recognise/recognise_testing.h"
#include "record/recordable.h"

namespace bertjit::testing {

/// Ids of two rows of nine tokens, the second padded, bound to `module`; then the same bound to `reference`.
inline std::pair<BoundBatch, BoundBatch> example_for(const LoadedModule& module, const Runner& reference) {
  const ModuleRunner runner(module, "the module");
  const Batch ids = shape_batch({2, 9}, reference.signature(), 3);
  Batch common{ids.origin, {}};
  for (const auto& value : ids.values) {
    if (std::ranges::find(runner.signature().inputs, value.name, &Argument::name) != runner.signature().inputs.end()) {
      common.values.push_back(value);
    }
  }
  return {bind_batch(common, runner.signature()), bind_batch(common, reference.signature())};
}

/// Where `module` parts from the network `expected`.
inline Location locate_in(const LoadedModule& module, const Model& expected, const LocateOptions& options = {}) {
  RecordableModel reference(expected, "the network");
  const auto [ours, theirs] = example_for(module, reference);
  return locate(module.module, ours, reference, theirs, options);
}

/// All of it, for the message of a test that fails.
inline std::string text_of(const Location& location) {
  std::ostringstream text;
  text << (location.found ? "found" : "not found: " + location.why_not) << "\nmodule " << location.module << "\nop "
       << location.op << "\nexpected " << location.expected_op << "\nline " << location.source_line << "\nrecord "
       << location.code_record << "\nbefore " << location.before.module << " " << location.before.op << " "
       << location.before.sqnr_db << " dB\nafter " << location.after.sqnr_db << " dB\nstep " << location.step_error
       << " of " << location.step_limit << "\nheld " << location.most_held << "\ncompared " << location.values_compared
       << "\n";
  for (const auto& module : location.also) {
    text << "also " << module << "\n";
  }
  for (const auto& layer : location.layers) {
    text << "  " << layer.module << " " << layer.op << " " << layer.max_abs_error << " " << layer.sqnr_db << " dB\n";
  }
  return text.str();
}

}  // namespace bertjit::testing
