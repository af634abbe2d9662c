// What the parts of a recognition share while it is made.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "recognise/families.h"
#include "recognise/layer_calls.h"
#include "recognise/recognise.h"

namespace bertjit {

/// One place's word on a field.
struct Observation {
  nlohmann::json value;
  std::string where;  ///< module path in the file
};

struct Subject {
  const torch::jit::Module& module;
  const std::optional<Claims>& claims;
  const ModuleCode& code;
  LayerCalls& calls;
  Recognition& result;  ///< root, weights and architecture first; the rest is filled in
  std::string base;     ///< what stands before the body's weights, below the root, with the dot: "bert."

  const Family& family() const {
    return family_of(result.architecture);
  }
  /// Whether the network has the weight `name`, below the root.
  bool has(const std::string& name) const {
    return result.weights.contains(name);
  }
  /// Shape of the weight `name`; empty if there is none.
  std::vector<int64_t> shape(const std::string& name) const;
  /// Whether a weight's name begins so.
  bool has_prefix(const std::string& prefix) const;
  /// A module's path in the file.
  std::string path(const std::string& below_root) const {
    return result.root + below_root;
  }
  std::vector<const LayerCall*> calls_of(const std::string& below_root) const {
    return calls.of(path(below_root));
  }
  /// The same without views: the module of the call whose output is `index`, below the root; "" for those outside.
  std::string module_of(std::optional<size_t> index) const;

  /// Sets a field of the config.
  void set(const std::string& field, nlohmann::json value, KnownFrom known, const std::string& where = {});
  /// Sets it to what most observations say, in a tie to `otherwise` where that is among them; without any to
  /// `otherwise`, as a default. Each that says otherwise is a contradiction. Returns what was set.
  nlohmann::json vote(const std::string& field, const std::vector<Observation>& observations,
                      const nlohmann::json& otherwise, const std::string& what);
  void contradict(const std::string& field, const std::string& where, const std::string& found,
                  const std::string& taken);

  /// Paths of the layers below the root, with the dot: "bert.encoder.layer.0.", in order.
  std::vector<std::string> layers() const;
};

/// Text of a JSON value for people: a string without its quotes.
std::string value_text(const nlohmann::json& value);

}  // namespace bertjit
