// What tests of networks share: tiny models of testdata/ with parts of their config replaced.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "models/model.h"
#include "testing/error_of.h"

namespace bertjit::testing {

inline nlohmann::json config_of(const std::string& name) {
  return nlohmann::json::parse(read_bytes(testdata(name + "/config.json")));
}

/// The model testdata/`name` with some fields of its config replaced.
inline std::unique_ptr<Model> tiny(const std::string& name, const nlohmann::json& changes = nlohmann::json::object(),
                                   const ModelOptions& options = {}) {
  nlohmann::json json = config_of(name);
  if (changes.is_object()) {  // {} is JSON's null
    json.update(changes);
  }
  Checkpoint checkpoint = open_checkpoint(testdata(name));
  checkpoint.config = Config(std::move(json), "config.json");
  return build_model(checkpoint, options);
}

/// What building that model is refused with.
inline std::string refusal(const std::string& name, const nlohmann::json& changes, ErrorKind kind,
                           const ModelOptions& options = {}) {
  const Error error = error_of([&] { tiny(name, changes, options); });
  CHECK(error.kind() == kind);
  return error.what();
}

/// The first output for ids [batch, seq] or [batch, choices, seq], nothing masked, one segment.
inline at::Tensor answer_of(const Model& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> inputs;
  for (const auto& input : model.description().inputs) {
    inputs.push_back(input.missing == InputDefault::kRequired ? ids
                     : input.missing == InputDefault::kOnes   ? at::ones_like(ids)
                                                              : at::zeros_like(ids));
  }
  return model.forward(inputs).toTupleRef().elements()[0].toTensor();
}

/// The parameter `name` of a model.
inline at::Tensor parameter_of(const Model& model, const std::string& name) {
  for (const auto& parameter : model.module().named_parameters()) {
    if (parameter.name == name) {
      return parameter.value.detach();
    }
  }
  FAIL(name + " is not a parameter");
  return {};
}

}  // namespace bertjit::testing
