// Flags that take a list of numbers: --threads 1,4.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace bertjit {

/// A flag whose values are separated by commas, or come one a flag. `value` is what the help shows for one.
template <typename T>
void add_number_list(CLI::App& command, const std::string& flag, std::vector<T>& field, const std::string& help,
                     const std::string& value, const CLI::Range& range) {
  command.add_option(flag, field, help)
      ->option_text(value)
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->check(range);
}

}  // namespace bertjit
