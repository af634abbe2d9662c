// Breaks a good TorchScript file by name and seed: a program for those who work on `verify`, not installed.
#include <iostream>

#include <CLI/CLI.hpp>

#include "mutate/mutate.h"
#include "support/error.h"

namespace {

void list_mutations() {
  for (const auto& mutation : bertjit::all_mutations()) {
    std::cout << bertjit::mutation_kind_name(mutation.kind) << "\t" << mutation.name << "\t" << mutation.description
              << "\n";
  }
}

int mutate(const std::string& name, const std::string& good, const std::string& broken,
           const bertjit::MutateOptions& options) {
  const auto mutated = bertjit::mutate_file(name, good, broken, options);
  if (!mutated) {
    std::cerr << "mutate: " << good << " has nothing that " << name << " could change\n";
    return 2;
  }
  std::cout << mutated->what << "\n";
  for (const auto& where : mutated->where) {
    std::cout << "where: " << (where.empty() ? "the whole model" : where) << "\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Break a good TorchScript file, on purpose and by a seed.\n\n  mutate --list\n  mutate gelu_tanh good.pt "
      "broken.pt --seed 7");
  bool list = false;
  std::string name, good, broken;
  bertjit::MutateOptions options;
  app.add_flag("--list", list, "Names of the mutations, with what they do");
  app.add_option("NAME", name, "Mutation");
  app.add_option("GOOD", good, "A trace, neither frozen nor quantized");
  app.add_option("BROKEN", broken, "File to write");
  app.add_option("--seed", options.seed, "Chooses the place and the numbers")->capture_default_str();
  app.add_option("--batch", options.batch, "Batch size that is baked in")->capture_default_str();
  app.add_option("--length", options.length, "Length that is baked in")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (list) {
    list_mutations();
    return 0;
  }
  if (broken.empty()) {
    std::cerr << "mutate: NAME GOOD BROKEN are needed (--list has the names)\n";
    return 2;
  }
  try {
    return mutate(name, good, broken, options);
  } catch (const bertjit::Error& error) {
    std::cerr << "mutate: " << error.what() << "\n";
    return 2;
  }
}
