// What this room's tests share: files to judge, and one check's answer.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/weights.h"
#include "container/npz.h"
#include "module/load.h"
#include "module/module_testing.h"
#include "testing/error_of.h"
#include "trace/trace.h"
#include "verify/verify.h"

namespace bertjit::testing {

/// Traces the tiny model `name` of testdata/ to `path` and returns it.
inline std::string traced(const std::string& name, const std::filesystem::path& path, bool fixed_shapes = false) {
  TraceOptions options;
  options.source.path = testdata(name).string();
  options.output = path.string();
  options.fixed_shapes = fixed_shapes;
  REQUIRE(trace(options).passed);
  return options.output;
}

/// Loads a traced file, adds `amount` to one element of the parameter `name`, and saves it again with its claims.
inline void change_weight(const std::string& path, const std::string& name, double amount) {
  LoadedModule loaded = load_module(path);
  bool found = false;
  for (const auto& parameter : loaded.module.named_parameters()) {
    if (parameter.name == name) {
      const at::NoGradGuard no_grad;
      parameter.value.detach().flatten()[0].add_(amount);
      found = true;
    }
  }
  REQUIRE(found);
  save(loaded.module, path, loaded.claims);
}

inline VerifyOptions options_for(const std::string& module, const std::string& check) {
  VerifyOptions options;
  options.module = module;
  options.only = {check};
  return options;
}

/// Runs the options' one check.
inline CheckResult one_check(const VerifyOptions& options) {
  const VerifyResult result = verify(options);
  REQUIRE(result.checks.size() == 1);
  return result.checks[0];
}

/// The check `id` of a scripted module, saved and loaded, on ids made from the seed, [1, 14].
inline CheckResult check_scripted(const std::string& id, const std::string& code,
                                  const std::optional<Claims>& claims = std::nullopt) {
  const TempDir dir;
  return one_check(options_for(save(scripted(code), dir / "m.pt", claims), id));
}

/// A value of the check's evidence.
template <class T>
T evidence(const CheckResult& result, const std::string& key) {
  for (const auto& item : result.evidence) {
    if (item.key == key) {
      return std::get<T>(item.value);
    }
  }
  FAIL("no evidence " << key << " in " << result.id);
  return T();
}

/// A value of one row of evidence.
template <class T>
T field(const EvidenceFields& fields, const std::string& key) {
  for (const auto& item : fields) {
    if (item.key == key) {
      return std::get<T>(item.value);
    }
  }
  FAIL("no field " << key);
  return T();
}

/// A forward for check_scripted() that embeds its ids as x and then runs `lines`, each with its indentation.
inline std::string embedding_forward(const std::string& lines) {
  return "def forward(self, input_ids):\n    x = torch.embedding(self.word_embeddings.weight, input_ids)\n" + lines;
}

/// Writes named tensors as .npz and returns the path.
inline std::string write_tensors(const std::filesystem::path& path,
                                 const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::vector<Array> arrays;
  for (const auto& [name, tensor] : tensors) {
    arrays.push_back(array_from_tensor(name, tensor));
  }
  std::vector<TensorView> views;
  for (Array& array : arrays) {
    views.push_back({array.name, array.dtype, array.shape, array.bytes});
  }
  write_npz(path, views);
  return path.string();
}

}  // namespace bertjit::testing
