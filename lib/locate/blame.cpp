#include "locate/blame.h"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include <torch/csrc/jit/ir/ir.h>

#include "record/location.h"

namespace bertjit {

bool is_bad(const Measure& measure) {
  return measure.compared && !measure.good;
}

std::optional<size_t> first_guilty(const Alignment& alignment, const std::vector<Measure>& measures) {
  const auto& points = alignment.points();
  std::set<size_t> seen;
  std::vector<size_t> open;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].kind == Point::Kind::kOutput && is_bad(measures[i])) {
      seen.insert(i);
      open.push_back(i);
    }
  }
  std::optional<size_t> first;
  while (!open.empty()) {
    const size_t point = open.back();
    open.pop_back();
    first = is_bad(measures[point]) ? std::min(first.value_or(point), point) : first;
    for (const size_t before : alignment.before(point)) {
      // What could not be compared lets the error through.
      const bool lets_through = is_bad(measures[before]) || !measures[before].compared;
      if (lets_through && seen.insert(before).second) {
        open.push_back(before);
      }
    }
  }
  return first;
}

namespace {

/// The operators on either side that are to blame for a point; nullptr: there is none on that side.
struct Operators {
  const Step* module = nullptr;
  const Step* reference = nullptr;
};

const Step* last_of(const Tape& tape, const std::vector<int64_t>& steps) {
  return steps.empty() ? nullptr : &tape.at(steps.back());
}

/// What a region ends with on a side where nothing was computed: which row is taken, which shape is made.
const Step* last_named(const Tape& tape, const std::vector<int64_t>& steps) {
  const auto last =
      std::find_if(steps.rbegin(), steps.rend(), [&tape](int64_t id) { return !tape.at(id).op.starts_with("prim::"); });
  return last == steps.rend() ? nullptr : &tape.at(*last);
}

Operators guilty_operators(const Comparison& comparison, const Point& point, const Region& region) {
  const auto& [module, reference, names, alignment] = comparison;
  if (point.kind == Point::Kind::kWeightOutput) {
    return {&module.at(point.module.user), &reference.at(point.reference.user)};
  }
  Operators alone{last_of(module, region.only_module), last_of(reference, region.only_reference)};
  if (point.kind == Point::Kind::kOperator) {
    const Operators own{&module.at(point.module.step), &reference.at(point.reference.step)};
    const bool is_alike = same_constants(*own.module, *own.reference);
    return is_alike && (alone.module != nullptr || alone.reference != nullptr) ? alone : own;
  }
  if (alone.module == nullptr && alone.reference == nullptr) {
    return {last_named(module, region.module), last_named(reference, region.reference)};
  }
  return alone;
}

/// The innermost path that holds all weights around a region: the one its result goes to, and those it comes from.
std::string enclosing_path(const Alignment& alignment, size_t point) {
  std::vector<std::string> owners;
  const Point& end = alignment.points()[point];
  if (!end.owner.empty()) {
    owners.push_back(end.owner);
  }
  std::set<size_t> seen;
  std::vector<size_t> open = {point};
  while (!open.empty()) {
    const auto before = alignment.before(open.back());
    open.pop_back();
    for (const size_t i : before) {
      const Point& one = alignment.points()[i];
      if (one.kind == Point::Kind::kWeightOutput) {
        owners.push_back(one.owner);
      } else if (seen.insert(i).second) {
        open.push_back(i);
      }
    }
  }
  if (owners.empty()) {
    return "";
  }
  std::string path = owners.size() == 1 ? parent_path(owners.front()) : owners.front();
  for (const auto& owner : owners) {
    path = common_path(path, owner);
  }
  return path;
}

/// The last weight that a value went through.
std::string last_owner(const Alignment& alignment, size_t point) {
  for (const size_t i : alignment.before(point)) {
    if (!alignment.points()[i].owner.empty()) {
      return alignment.points()[i].owner;
    }
  }
  return "";
}

/// What holds the weights that the reference uses on the way to a point and the module does not: a layer that was left
/// out. Empty if there are none.
std::string left_out(const Comparison& comparison, const Region& region) {
  std::optional<std::string> common;
  for (const int64_t id : region.only_reference) {
    for (const auto& weight : comparison.reference.at(id).weights) {
      if (!weight.empty()) {
        common = common ? common_path(*common, parent_path(weight)) : parent_path(weight);
      }
    }
  }
  return common ? comparison.names.path_in_module(*common) : "";
}

/// The file's own module where it says more than what encloses the region; a flat file has none, a wrapper's is too
/// far out: then the reference's.
std::string guilty_module(const Comparison& comparison, size_t point, const Region& region,
                          const Operators& operators) {
  const Point& end = comparison.alignment.points()[point];
  if (end.kind == Point::Kind::kWeightOutput) {
    return end.owner;
  }
  // Nothing is computed on the way on either side: what is given the wrong value is in the wrong place itself.
  if (operators.module == nullptr && operators.reference == nullptr && !end.owner.empty()) {
    return end.owner;
  }
  if (const std::string layer = left_out(comparison, region); operators.module == nullptr && !layer.empty()) {
    return layer;
  }
  const std::string enclosing = enclosing_path(comparison.alignment, point);
  if (operators.module != nullptr && !operators.module->module.empty() &&
      is_within(operators.module->module, enclosing)) {
    return operators.module->module;
  }
  if (operators.reference != nullptr) {
    const std::string path = comparison.names.path_in_module(operators.reference->module);
    if (!path.empty() && is_within(path, enclosing)) {
      return path;
    }
  }
  return enclosing.empty() ? last_owner(comparison.alignment, point) : enclosing;
}

/// Python's tracer writes its stack where others have a source, innermost first: "…/functional.py(2615): embedding".
std::vector<SourceLocation> python_stack(const std::string& text) {
  static const std::regex kLine(R"((.+)\((\d+)\): (.+))");
  std::vector<SourceLocation> stack;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (std::regex_match(line, parts, kLine)) {
      stack.push_back({parts[1], std::stoll(parts[2]), 0, parts[3], ""});
    }
  }
  return stack;
}

/// "transformers/models/bert/modeling_bert.py" for a file of an installed package.
std::string within_packages(const std::string& file) {
  const std::string folder = "-packages/";
  const size_t at = file.rfind(folder);
  return at == std::string::npos ? file : file.substr(at + folder.size());
}

std::string line_text(const torch::jit::Node& node) {
  const auto range = source_range(node);
  const auto stack = range.source() == nullptr ? std::vector<SourceLocation>() : python_stack(range.text().str());
  if (!stack.empty()) {
    const SourceLocation& told = stack[readers_place(stack)];
    return within_packages(told.file) + ":" + std::to_string(told.line) + ": " + told.function;
  }
  const SourceLocation location = location_of(range);
  const std::string place = location_text(location);
  const size_t begin = location.text.find_first_not_of(" \t");
  const std::string text = begin == std::string::npos ? "" : location.text.substr(begin);
  return place.empty() ? text : place + ": " + text;
}

}  // namespace

Location describe(const Comparison& comparison, size_t point) {
  const Point& end = comparison.alignment.points()[point];
  const Region region = comparison.alignment.region(point);
  const Operators operators = guilty_operators(comparison, end, region);
  Location location;
  location.found = true;
  location.module = guilty_module(comparison, point, region, operators);
  if (operators.module != nullptr) {
    location.op = step_text(*operators.module, operators.reference);
  }
  if (operators.reference != nullptr) {
    location.expected_op = step_text(*operators.reference, operators.module);
  }
  const Step* shown = operators.module != nullptr ? operators.module
                      : end.module.step != 0      ? &comparison.module.at(end.module.step)
                                                  : nullptr;
  if (shown != nullptr) {
    location.source_line = line_text(*shown->node);
    location.code_record = code_record(*shown->node);
  }
  return location;
}

}  // namespace bertjit
