// `bertjit inspect`: what a TorchScript module holds. Its methods are not run.
#pragma once

#include <cstdint>
#include <string>

#include "inspect/inspect_result.h"
#include "scan/load_guard.h"

namespace bertjit {

struct InspectOptions {
  /// A TorchScript .pt, or FILE.py:NAME: what the file scripts or traces as it is, another name compiled.
  std::string path;
  /// The TorchScript code of a method, as Python's `.code`.
  bool code = false;
  /// Its graph with source lines, as Python's `print(module.graph)`.
  bool graph = false;
  /// Its graph for Graphviz.
  bool dot = false;
  /// For graph and dot: with the methods that are called in place of the calls.
  bool inlined = false;
  /// The modules with their parameters.
  bool tree = false;
  /// Every parameter and buffer.
  bool params = false;
  /// The records of the zip archive. Alone it needs no libtorch: list_archive() does it.
  bool records = false;
  /// Bytes by group, and what is stored twice.
  bool size = false;
  /// The method to look at, of the submodule if there is one. Empty: forward.
  std::string method;
  /// Dotted path of the module to look at: "bert.encoder". Empty: the whole.
  std::string submodule;
  /// Of random numbers that a Python file draws.
  uint64_t seed = 0;
  /// What archives must pass that a Python file loads, as of SourceOptions.
  LoadGuard guard = {};
};

/// What was asked for; the summary if nothing was. Loading a module executes nothing of it but the `__setstate__` that
/// a class of the file may define, as libtorch does on every load.
///
/// Throws what load_module throws; Error(kInvalidArgument) for a method or submodule that is not there, listing those
/// that are, and for an option that would be ignored.
InspectResult inspect(const InspectOptions& options);

}  // namespace bertjit
