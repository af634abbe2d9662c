// The seam between the program and the part of bertjit that needs libtorch: one table of functions.
//
// The program knows the operations' options and results (plain data) and calls them through this table, which it gets
// from libbertjit_engine.so when a command first needs it.
#pragma once

#include "bench/bench.h"
#include "evaluate/evaluate.h"
#include "infer/libtorch_facts.h"
#include "inspect/inspect.h"
#include "quantize/quantize.h"
#include "run/run.h"
#include "trace/trace.h"
#include "verify/verify.h"

namespace bertjit {

struct Engine {
  /// Equal on both sides, or they were not built together.
  const char* version;
  /// Has the engine note its stages there too (support/flight_recorder.h).
  void (*record_flight_to)(int fd);
  TraceResult (*trace)(const TraceOptions&);
  RunResult (*run)(const RunOptions&);
  VerifyResult (*verify)(const VerifyOptions&);
  QuantizeResult (*quantize)(const QuantizeOptions&);
  EvalResult (*evaluate)(const EvalOptions&);
  BenchResult (*bench)(const BenchOptions&);
  InspectResult (*inspect)(const InspectOptions&);
  LibtorchFacts (*describe_libtorch)();
};

/// Changes with every change of the structs that cross the seam.
inline constexpr const char* kEngineVersion = "bertjit-engine/9";

/// Name of the exported function, of type EngineFunction.
inline constexpr const char* kEngineSymbol = "bertjit_engine";
using EngineFunction = const Engine* (*)();

}  // namespace bertjit
