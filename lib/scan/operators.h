// Which operators, custom classes and imports a model may use.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// Decides by full names, "aten::matmul".
class OperatorRules {
 public:
  /// Throws Error(kInvalidArgument) if an entry of `allow` (ScanOptions) is no name.
  explicit OperatorRules(const std::vector<std::string>& allow);

  /// nullopt if a model may use it, else why not.
  std::optional<std::string> fault_of(const std::string& name) const;

  /// Whether `name` alone ("save") means an operator that does more than compute, whatever it is called on.
  bool is_forbidden_method(std::string_view name) const;

 private:
  bool is_allowed(const std::string& name) const;

  std::set<std::string, std::less<>> allowed_;  ///< "my::op", "my::*"
};

/// Whether a `__setstate__` or `__getstate__` may use it: packing and unpacking of quantized weights, comparisons, and
/// taking lists apart.
bool is_state_operator(std::string_view name);

/// Of those, whether it packs or unpacks.
bool is_packing_operator(std::string_view name);

/// Whether a model may hold objects of that C++ class, "quantized.LinearPackedParamsBase": its own `__setstate__` runs.
bool is_known_custom_class(std::string_view name);

/// Whether a pickle of a TorchScript archive may import that. Of the archive's own classes all, of C++'s the known.
bool is_script_import(const std::string& name);

}  // namespace bertjit
