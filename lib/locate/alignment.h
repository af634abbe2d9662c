// Two tapes side by side: which values of two runs mean the same.
//
// What a weight is used on, and what comes out, mean the same in every way of writing a network: flat or in modules,
// frozen, by another version of transformers, int8. Between two such places operators are paired where kind and order
// agree; attention written as one operator or as five meets again where its result enters the next linear layer.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "locate/tape.h"
#include "locate/weight_names.h"

namespace bertjit {

/// A value that both sides have.
struct Point {
  enum class Kind {
    kWeightInput,   ///< what an operator with a weight is used on
    kWeightOutput,  ///< what it gives
    kOperator,      ///< what an operator without weights gives
    kOutput,        ///< of the model
  };
  /// Where a value is in one run: what step `step` gives, or is given as its input number `operand`. Step 0: an input.
  struct Side {
    int64_t step = 0;
    int operand = -1;  ///< -1: its output
    int64_t user = 0;  ///< of kWeightInput and kWeightOutput: the operator with the weight
  };
  Kind kind;
  Side module;
  Side reference;
  std::string owner;  ///< path in the file of what holds the weight; of kOperator, of the point that ends its region
  size_t output = 0;  ///< of kOutput: which of the pairs
};

/// Steps between a point and the points before it, and which of them stand on one side alone.
struct Region {
  std::vector<int64_t> module;  ///< all steps, in order
  std::vector<int64_t> reference;
  std::vector<int64_t> only_module;  ///< those that compute something and have no like on the other side
  std::vector<int64_t> only_reference;
};

class Alignment {
 public:
  /// Borrows all four. `outputs`: which output of the module is which of the reference's.
  Alignment(const Tape& module, const Tape& reference, const NameMatch& names,
            const std::vector<std::pair<size_t, size_t>>& outputs);

  /// In the order of the module's run; outputs last.
  const std::vector<Point>& points() const {
    return points_;
  }
  /// The points that a point's value was computed from, nearest first; none for one that comes from the inputs alone.
  std::vector<size_t> before(size_t point) const;
  Region region(size_t point) const;

 private:
  void pair_weights(const NameMatch& names);
  void pair_outputs(const std::vector<std::pair<size_t, size_t>>& outputs);
  void pair_operators();
  void add(Point point);
  void sort();
  std::vector<int64_t> slice(const Tape& tape, const Point& point, bool is_module, std::set<size_t>* reached) const;

  const Tape& module_;
  const Tape& reference_;
  std::vector<Point> points_;
  // Of each side: where points are, by step and operand.
  std::map<std::pair<int64_t, int>, size_t> in_module_;
  std::map<std::pair<int64_t, int>, size_t> in_reference_;
};

}  // namespace bertjit
