#include "verify/file_weights.h"

#include <algorithm>

#include "recognise/naming.h"
#include "source/checkpoint_source.h"

namespace bertjit {

namespace {

using NamedTensors = std::map<std::string, at::Tensor>;

bool has_all(const NamedTensors& tensors, const std::set<std::string>& names) {
  return std::ranges::all_of(names, [&](const std::string& name) { return tensors.contains(name); });
}

/// The part of `tensors` under `root`, without it in their names; the rest as it is.
NamedTensors without_root(const NamedTensors& tensors, const std::string& root) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    result.emplace(name.starts_with(root) ? name.substr(root.size()) : name, tensor);
  }
  return result;
}

/// What stands before every one of `wanted`, with the dot, where something does; else empty.
std::string common_root(const NamedTensors& tensors, const std::set<std::string>& wanted) {
  const std::string& name = *wanted.begin();
  for (const auto& [found, tensor] : tensors) {
    if (found.size() > name.size() && found.ends_with("." + name)) {
      const std::string root = found.substr(0, found.size() - name.size());
      if (std::ranges::all_of(wanted, [&](const std::string& other) { return tensors.contains(root + other); })) {
        return root;
      }
    }
  }
  return "";
}

}  // namespace

std::map<std::string, at::Tensor> file_weights(const VerifyContext& context, const std::set<std::string>& wanted) {
  bool is_quantized = false;
  const NamedTensors stored = stored_tensors(context.module.module(), is_quantized);
  if (!wanted.empty() && has_all(stored, wanted)) {
    return stored;
  }
  if (!wanted.empty()) {
    if (const std::string root = common_root(stored, wanted); !root.empty()) {
      return without_root(stored, root);
    }
  }
  const Recognition& recognition = context.network.recognition();
  if (!recognition.recognised()) {
    return stored;
  }
  NamedTensors weights = recognition.weights;
  weights.merge(without_root(stored, recognition.root));
  return weights;
}

std::string checkpoint_path(const VerifyContext& context, const std::string& path) {
  const Recognition& recognition = context.network.recognition();
  if (!recognition.recognised() || recognition.root.empty()) {
    return path;
  }
  const std::string& root = recognition.root;
  return path + "." == root ? "" : path.starts_with(root) ? path.substr(root.size()) : path;
}

bool may_be_quantized(const VerifyContext& context) {
  const bool says = context.claims && !context.claims->dtype.empty();
  return says ? !floating_dtype(context.claims->dtype) : context.is_quantized;
}

}  // namespace bertjit
