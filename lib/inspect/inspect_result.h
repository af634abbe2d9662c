// What `inspect` found, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "container/archive_listing.h"
#include "module/claims.h"

namespace bertjit {

/// A parameter, a buffer, another tensor that a module keeps under a name, or one that a quantized layer keeps packed
/// for its kernel.
struct DescribedTensor {
  enum class Kind { kParameter, kBuffer, kAttribute, kPacked };

  std::string name;  ///< dotted, from the module that was asked for
  Kind kind = Kind::kParameter;
  std::string dtype;  ///< "float32"
  std::vector<int64_t> shape;
  bool requires_grad = false;
  uint64_t size_bytes = 0;
  std::string shares;  ///< an earlier name whose storage this one views; empty if it has its own
  std::string scale;   ///< "scale 0.02, zero point 0", "128 scales along dimension 0"; empty if it is not quantized
};

/// "parameter", "buffer", "attribute", "packed".
constexpr const char* tensor_kind_name(DescribedTensor::Kind kind) {
  switch (kind) {
    case DescribedTensor::Kind::kParameter:
      return "parameter";
    case DescribedTensor::Kind::kBuffer:
      return "buffer";
    case DescribedTensor::Kind::kAttribute:
      return "attribute";
    case DescribedTensor::Kind::kPacked:
      return "packed";
  }
  return "";
}

/// What a module keeps beside tensors and submodules.
struct DescribedAttribute {
  std::string name;
  std::string type;   ///< as an annotation: "List[str]"
  std::string value;  ///< as Python writes it; empty for what is long or has no literal
};

struct DescribedModule {
  std::string name;            ///< last part of the path; empty for the root
  std::string path;            ///< dotted; empty for the root
  std::string class_name;      ///< "BertLayer"
  std::string qualified_name;  ///< "__torch__.transformers.models.bert.modeling_bert.BertLayer"
  std::optional<bool> training;
  std::vector<std::string> methods;
  std::vector<DescribedTensor> tensors;        ///< its own, in the file's order
  std::vector<DescribedAttribute> attributes;  ///< its own
  std::vector<DescribedModule> children;
  int64_t parameter_count = 0;  ///< elements of parameters and packed weights, of submodules too; shared ones once
  uint64_t size_bytes = 0;      ///< of these and buffers, with those of submodules; shared ones once
};

struct DescribedArgument {
  std::string name;
  std::string type;                          ///< as an annotation: "Optional[Tensor]"
  std::optional<std::string> default_value;  ///< as Python writes it
};

struct NamedCount {
  std::string name;
  int64_t count = 0;
};

/// An operator that draws random numbers.
struct RandomOperator {
  std::string name;      ///< "aten::dropout"
  std::string location;  ///< "model.py:12:8"; empty if not known
};

/// What is known without a flag.
struct ModuleSummary {
  std::optional<Claims> claims;
  std::string class_name;      ///< "PlaceholderModule" is what torch.jit.save makes of a function
  std::string qualified_name;  ///< in the file
  int64_t module_count = 0;
  int64_t parameter_count = 0;
  int64_t parameter_tensors = 0;
  int64_t buffer_tensors = 0;
  uint64_t size_bytes = 0;                    ///< of parameters, packed weights and buffers, shared ones once
  std::vector<NamedCount> dtypes;             ///< tensors of each
  std::vector<std::string> training_modules;  ///< paths of modules whose flag is set; "" for the root
  std::vector<std::string> methods;           ///< of the root
  std::string method;                         ///< the one that what follows is about; empty if there is none
  std::vector<DescribedArgument> inputs;      ///< without self
  std::vector<DescribedArgument> outputs;     ///< tuples flattened; named by the claims, else "0", "1.0"
  std::vector<NamedCount> operators;          ///< with called methods; most frequent first
  std::vector<NamedCount> control;            ///< prim::If, prim::Loop, calls that stay calls, prim::Print
  std::vector<RandomOperator> random;         ///< in order
  std::vector<std::string> quantized;         ///< what shows that it is: operators, dtypes, classes; empty if nothing
  std::vector<DescribedTensor> constants;     ///< tensors in the code
  std::vector<std::string> source_files;      ///< files that the code's source lines name, sorted
};

struct CodeText {
  std::string method;
  std::string text;                        ///< Python's `.code`
  std::vector<DescribedTensor> constants;  ///< CONSTANTS.c0, c1, … of the text
};

struct GraphText {
  std::string method;
  bool inlined = false;
  std::string text;  ///< Python's `str(graph)`
};

/// A graph to draw: constants are folded into the nodes that use them.
struct DrawnNode {
  enum class Kind { kOperator, kInput, kOutput, kAttribute, kControl, kCall };

  Kind kind = Kind::kOperator;
  std::string title;                 ///< "aten::linear", "input_ids", "encoder.layer.0.weight"
  std::vector<std::string> details;  ///< constant arguments; the source line last
};

struct DrawnEdge {
  size_t from = 0;
  size_t to = 0;
  std::string label;     ///< the value's name
  bool control = false;  ///< between an if or a loop and its block
};

/// A block: the graph itself, or a branch or loop body.
struct DrawnBlock {
  std::string title;  ///< "then", "else", "loop"
  std::vector<size_t> nodes;
  std::vector<DrawnBlock> blocks;
};

struct DrawnGraph {
  std::string method;
  bool inlined = false;
  std::vector<DrawnNode> nodes;
  std::vector<DrawnEdge> edges;
  DrawnBlock root;
};

struct SizeGroup {
  std::string name;
  int64_t items = 0;  ///< storages or records
  uint64_t size_bytes = 0;
};

/// Names of one content.
struct RepeatedTensor {
  std::vector<std::string> names;
  uint64_t size_bytes = 0;  ///< of one of them
};

struct SizeBreakdown {
  /// Of the file; of all storages where there is no file.
  uint64_t total_bytes = 0;
  /// They add up to total_bytes.
  std::vector<SizeGroup> groups;
  /// Equal bytes in storages of their own: tied weights that were cloned. Tensors whose elements are all one value are
  /// equal by chance and left out. Largest first.
  std::vector<RepeatedTensor> stored_twice;
  /// One storage under several names.
  std::vector<RepeatedTensor> shared;
};

/// What was asked for is set, the rest is not.
struct InspectResult {
  std::string module;                     ///< path as given
  std::string submodule;                  ///< as given
  std::optional<ArchiveListing> archive;  ///< with summary and records, where there is a file
  std::optional<ModuleSummary> summary;
  std::optional<CodeText> code;
  std::optional<GraphText> graph;
  std::optional<DrawnGraph> drawing;
  std::optional<DescribedModule> tree;
  std::optional<std::vector<DescribedTensor>> params;
  bool records = false;  ///< archive's records were asked for
  std::optional<SizeBreakdown> size;
};

}  // namespace bertjit
