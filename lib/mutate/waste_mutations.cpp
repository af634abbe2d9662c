// What leaves every output right, and should not be in a file.
#include <map>

#include <ATen/ATen.h>

#include "mutate/mutation_entry.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// A module of the tree with its path, and one that has weights, by the dice.
std::pair<std::string, jit::Module> pick_module(Workpiece& work) {
  std::vector<std::pair<std::string, jit::Module>> modules;
  for (const auto& item : work.loaded.module.named_modules()) {
    if (item.value.named_parameters(/*recurse=*/false).size() > 0) {
      modules.emplace_back(item.name, item.value);
    }
  }
  return modules.empty() ? std::pair<std::string, jit::Module>("", work.loaded.module) : work.dice.one_of(modules);
}

std::optional<Mutated> add_parameter(Workpiece& work) {
  auto [path, module] = pick_module(work);
  module.register_parameter("never_read", at::linspace(-1, 1, 64).view({8, 8}).set_requires_grad(true),
                            /*is_buffer=*/false);
  return Mutated{{path}, "never_read [8, 8] in " + path};
}

/// The second name of a shared weight gets a copy of its own.
std::optional<Mutated> store_twice(Workpiece& work) {
  std::map<const void*, std::string> first_names;
  for (const auto& item : work.loaded.module.named_modules()) {
    jit::Module module = item.value;
    for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
      const std::string name = (item.name.empty() ? "" : item.name + ".") + parameter.name;
      const auto [first, is_new] = first_names.emplace(parameter.value.const_data_ptr(), name);
      if (!is_new) {
        const at::NoGradGuard no_grad;
        module.setattr(parameter.name, parameter.value.detach().clone().set_requires_grad(true));
        const std::string other = first->second.substr(0, first->second.rfind('.'));
        return Mutated{{item.name, other}, name + " is a copy of " + first->second};
      }
    }
  }
  return std::nullopt;
}

std::optional<Mutated> set_training_flag(Workpiece& work) {
  auto [path, module] = pick_module(work);
  if (!module.hasattr("training")) {
    return std::nullopt;
  }
  module.setattr("training", true);
  return Mutated{{path}, "training is set in " + path};
}

}  // namespace

std::vector<MutationEntry> waste_mutations() {
  constexpr auto kWaste = MutationKind::kWaste;
  return {
      {{"unused_parameter", "a parameter that no code reads", kWaste, ShownBy::kFile}, add_parameter, nullptr},
      {{"tied_twice", "a tied weight is stored twice", kWaste, ShownBy::kFile}, store_twice, nullptr},
      {{"training_flag", "a module is left in training mode", kWaste, ShownBy::kFile}, set_training_flag, nullptr},
  };
}

}  // namespace bertjit
