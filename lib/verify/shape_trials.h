// One module on inputs of many shapes: does it run, and are the numbers right?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/check.h"

namespace bertjit {

/// How a module did on one shape.
struct ShapeTrial {
  enum class Outcome {
    kWorks,
    kFails,
    kWrong,    ///< answers, with other numbers or another shape than the reference
    kRefused,  ///< as the reference does, or as it should: beyond its positions
  };
  int64_t batch = 0;
  int64_t length = 0;
  Outcome outcome = Outcome::kWorks;
  std::string detail;  ///< what was raised, or how the numbers differ; or why they were not compared
  /// Numbers alone differ, not shapes, dtypes or counts.
  bool only_values = false;
  /// Mean absolute error over the outputs, the greatest of them; unset where nothing was compared.
  std::optional<double> mean_abs_error;

  std::string shape() const {
    return std::to_string(batch) + "x" + std::to_string(length);
  }
};

/// "works", "fails", "wrong numbers", "refused".
const char* outcome_name(ShapeTrial::Outcome outcome);

/// Runs the module on made-up inputs and compares with the best reference there is:
///
/// 1. the source;
/// 2. the network rebuilt from the file's own weights, if it agrees with the module on the example;
/// 3. the rows of the batch, each run alone, where the module treats rows one by one: it is a network of the BERT
///    family, or said to have a head; a program may well carry values from row to row;
/// 4. none: shapes of outputs are looked at alone.
class ShapeTrials {
 public:
  /// Runs the example. Borrows `context`.
  explicit ShapeTrials(const VerifyContext& context);

  /// Why there are no inputs of other shapes; empty if there are.
  const std::string& why_not() const {
    return why_not_;
  }
  int64_t example_batch() const {
    return example_batch_;
  }
  int64_t example_length() const {
    return example_length_;
  }
  /// Of the longest text there are positions for; 0 if that is not known.
  int64_t longest() const {
    return longest_;
  }
  /// What numbers are compared with, "the source"; empty if they are not.
  std::string reference() const;

  /// Throws Error only for inputs that cannot be made.
  ShapeTrial run(int64_t batch, int64_t length);
  /// A text longer than the table of positions: kRefused if the module raises an error, kWrong if it answers.
  ShapeTrial run_beyond();

  /// The submodule whose code fails on that shape, or first gives other numbers than the reference, as the checkpoint
  /// calls it; empty if that is the root, or cannot be told.
  std::string place_of(const ShapeTrial& trial) const;

  /// Inputs of that shape, whatever the longest is. The same every time.
  BoundBatch inputs(int64_t batch, int64_t length) const;

 private:
  enum class Compared { kSource, kNetwork, kRows, kNothing };

  void compare_with_source(const BoundBatch& inputs, ShapeTrial& trial);
  void compare_with_network(const BoundBatch& inputs, const c10::IValue& outputs, ShapeTrial& trial);
  void compare_with_rows(const BoundBatch& inputs, const c10::IValue& outputs, ShapeTrial& trial);
  bool is_by_rows(size_t output) const;

  const VerifyContext& context_;
  std::string why_not_;
  Compared compared_ = Compared::kNothing;
  int64_t example_batch_ = 0;
  int64_t example_length_ = 0;
  int64_t longest_ = 0;
  bool is_network_ = false;  ///< rows are one by one
  std::vector<at::Tensor> example_outputs_;
};

}  // namespace bertjit
