// Where a model is to run, as data: which operators there are, which devices and dtypes code may name, whether shapes
// are fixed. Format: docs/formats/target.md. What a profile says was taken from what others publish; nothing here runs
// on a phone or compiles for an accelerator.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// A profile. Names of operators are without overloads ("aten::add"); one that ends in "*" is meant for all that begin
/// so ("quantized::*").
struct Target {
  std::string name;
  std::string about;                               ///< one line for people
  std::string operators_from;                      ///< where the list of operators comes from; empty if all are taken
  std::vector<std::string> operators;              ///< that there are, sorted; empty: all but the refused
  std::map<std::string, std::string> refused;      ///< operators, and why
  std::map<std::string, std::string> conditional;  ///< taken, under a condition or in a way that one should know
  std::string kernels;  ///< "CPU": operators need a kernel for it in the libtorch at hand; empty: not asked
  std::vector<std::string> devices;  ///< that code may name, "cuda"; empty: any
  std::vector<std::string> dtypes;   ///< of floating weights; empty: any
  bool fixed_shapes = false;         ///< one batch size and one length
  bool pads_to_longest = false;      ///< the example is as long as any text will be
  bool lite_interpreter = false;     ///< what runs is bytecode

  bool takes_device(std::string_view device_type) const;
  bool takes_dtype(std::string_view dtype) const;
};

struct OperatorFit {
  bool taken = true;
  std::string note;  ///< why not; of one that is taken, what there is to know
};

OperatorFit fit_operator(const Target& target, const std::string& name);

/// Names of the profiles that bertjit comes with, sorted.
std::vector<std::string> target_names();

/// A profile by its name, or from a file, which ends in ".json".
///
/// Throws Error(kInvalidArgument) that lists the known names; Error(kNotFound, kIo); Error(kCorrupt) naming the file
/// and the field: a field that is not known is refused too, since one that is misspelt would ask nothing.
Target load_target(const std::string& name_or_file);

}  // namespace bertjit
