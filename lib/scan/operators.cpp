#include "scan/operators.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "container/bytes.h"
#include "container/torchscript_tensors.h"
#include "scan/operator_names.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr std::string_view kCustomClasses = "__torch__.torch.classes.";

using Names = std::unordered_set<std::string_view>;

Names split(std::string_view text) {
  Names names;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    names.insert(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

const Names& known_aten() {
  static const Names kNames = split(operator_names::kAten);
  return kNames;
}

const Names& known_prim() {
  static const Names kNames = split(operator_names::kPrim);
  return kNames;
}

/// All of whose operators compute: quantized arithmetic, its packed weights, and kernels of the CPU.
constexpr auto kKnownNamespaces = std::to_array<std::string_view>(
    {"quantized", "_quantized", "sparse", "onednn", "mkl", "mkldnn_prepacked", "prepacked", "quantization"});

constexpr auto kKnownOthers = std::to_array<std::string_view>({
    "mkldnn::_convolution_pointwise",
    "mkldnn::_convolution_pointwise_",
    "mkldnn::_convolution_transpose_pointwise",
    "mkldnn::_linear_pointwise",
    "mkldnn::_reorder_convolution_transpose_weight",
    "mkldnn::_reorder_convolution_weight",
    "mkldnn::_reorder_linear_weight",
    "profiler::_record_function_enter",
    "profiler::_record_function_enter_new",
    "profiler::_record_function_exit",
    "torchvision::deform_conv2d",
    "torchvision::nms",
    "torchvision::ps_roi_align",
    "torchvision::ps_roi_pool",
    "torchvision::roi_align",
    "torchvision::roi_pool",
});

/// Reasons for what is known to do more; a name that ends in "::" is a namespace.
struct Forbidden {
  std::string_view name;
  const char* why;
};

constexpr auto kForbidden = std::to_array<Forbidden>({
    {"aten::from_file", "reads and writes a file by its name, mapped into a tensor"},
    {"aten::save", "writes a file by its name"},
    {"aten::data_ptr", "gives away addresses"},
    {"mkldnn::data_ptr", "gives away addresses"},
    {"aten::set", "lays a tensor over another's raw storage"},
    {"aten::set_", "lays a tensor over another's raw storage"},
    {"aten::set_data", "lays a tensor over another's raw storage"},
    {"aten::_reshape_alias", "shows memory behind a tensor's own"},
    {"aten::_nested_view_from_buffer", "takes offsets that it does not check"},
    {"aten::_nested_view_from_buffer_copy", "takes offsets that it does not check"},
    {"aten::_nested_view_from_jagged", "takes offsets that it does not check"},
    {"aten::_nested_view_from_jagged_copy", "takes offsets that it does not check"},
    {"aten::_unsafe_index", "takes indices that it does not check"},
    {"aten::_unsafe_index_put", "takes indices that it does not check"},
    {"aten::_unsafe_masked_index", "takes indices that it does not check"},
    {"aten::_unsafe_masked_index_put_accumulate", "takes indices that it does not check"},
    {"aten::_index_put_impl", "takes indices that it need not check"},
    {"aten::_copy_from_and_resize", "resizes another's storage"},
    {"aten::_resize_output", "resizes another's storage"},
    {"aten::_resize_output_", "resizes another's storage"},
    {"aten::sparse_resize", "takes indices out of bounds"},
    {"aten::sparse_resize_", "takes indices out of bounds"},
    {"aten::to_here", "reads from another machine"},
    {"aten::local_value", "reads what belongs to other machines"},
    {"aten::confirmed_by_owner", "asks another machine"},
    {"aten::owner_name", "names another machine"},
    {"aten::get_gradients", "reads what belongs to other machines"},
    {"prim::rpc_async", "calls another machine"},
    {"prim::rpc_remote", "calls another machine"},
    {"prim::rpc_sync", "calls another machine"},
    {"prim::PythonOp", "runs Python"},
    {"prim::IgnoredPythonOp", "runs Python"},
    {"c10d::", "talks to other processes"},
    {"_c10d_functional::", "talks to other processes"},
    {"_c10d_functional_autograd::", "talks to other processes"},
    {"symm_mem::", "shares memory with other processes"},
    {"image::", "reads and writes files"},
    {"video_reader::", "reads files"},
    {"debugprims::", "reads files"},
    {"inductor::", "reinterprets raw memory"},
});

const char* forbidden_reason(std::string_view name) {
  for (const Forbidden& entry : kForbidden) {
    if (entry.name.ends_with("::") ? name.starts_with(entry.name) : name == entry.name) {
      return entry.why;
    }
  }
  return nullptr;
}

std::string_view namespace_of(std::string_view name) {
  return name.substr(0, name.find("::"));
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// "aten::save" for "torch.save", "save" and itself; "my::op" for "ops.my.op".
std::string full_name(const std::string& given) {
  std::string name = given;
  if (name.starts_with("ops.") && name.find('.', 4) != std::string::npos) {
    name = name.substr(4).replace(name.find('.', 4) - 4, 1, "::");
  } else if (name.starts_with("torch.")) {
    name = "aten::" + name.substr(6);
  } else if (name.find("::") == std::string::npos) {
    name = "aten::" + name;
  }
  const size_t colons = name.find("::");
  const std::string_view last = std::string_view(name).substr(colons + 2);
  if (!is_name(namespace_of(name)) || !(last == "*" || is_name(last))) {
    throw Error(ErrorKind::kInvalidArgument,
                "--allow " + given + ": is no name of an operator such as aten::from_file, torch.from_file or my::*");
  }
  return name;
}

}  // namespace

OperatorRules::OperatorRules(const std::vector<std::string>& allow) {
  for (const std::string& name : allow) {
    allowed_.insert(full_name(name));
  }
}

bool OperatorRules::is_allowed(const std::string& name) const {
  return allowed_.contains(name) || allowed_.contains(std::string(namespace_of(name)) + "::*");
}

std::optional<std::string> OperatorRules::fault_of(const std::string& name) const {
  const std::string_view space = namespace_of(name);
  const std::string_view last = std::string_view(name).substr(std::min(space.size() + 2, name.size()));
  if (is_allowed(name)) {
    return std::nullopt;
  }
  if (const char* reason = forbidden_reason(name)) {
    return reason;
  }
  const bool known = space == "aten"   ? known_aten().contains(last)
                     : space == "prim" ? known_prim().contains(last)
                                       : std::ranges::find(kKnownNamespaces, space) != kKnownNamespaces.end() ||
                                             std::ranges::find(kKnownOthers, name) != kKnownOthers.end();
  return known ? std::nullopt
               : std::optional<std::string>("is not among the operators known to do no more than compute");
}

bool OperatorRules::is_forbidden_method(std::string_view name) const {
  const std::string full = "aten::" + std::string(name);
  return forbidden_reason(full) != nullptr && !is_allowed(full);
}

bool is_state_operator(std::string_view name) {
  static const Names kNames = split(
      "aten::__contains__ aten::__getitem__ aten::__is__ aten::__isnot__ aten::__not__ aten::append aten::dequantize "
      "aten::dim aten::eq aten::extend aten::format aten::ge aten::gt aten::items aten::keys aten::le aten::len "
      "aten::list aten::lt aten::ne aten::select aten::size aten::slice aten::values prim::RaiseException prim::device "
      "prim::dtype");
  return kNames.contains(name) || is_packing_operator(name);
}

bool is_packing_operator(std::string_view name) {
  constexpr std::string_view kParts[] = {"prepack", "unpack", "make_quantized_cell_params"};
  return std::ranges::find(kKnownNamespaces, namespace_of(name)) != kKnownNamespaces.end() &&
         std::ranges::any_of(kParts, [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

bool is_known_custom_class(std::string_view name) {
  static const Names kNames = split(
      "quantized.LinearPackedParamsBase quantized.Conv2dPackedParamsBase quantized.Conv3dPackedParamsBase "
      "quantized.EmbeddingPackedParamsBase sparse.LinearPackedParamsBase rnn.CellParamsBase "
      "xnnpack.LinearOpContext xnnpack.Conv2dOpContext xnnpack.TransposeConv2dOpContext mkldnn.ConvOpContext "
      "profiler._RecordFunction");
  return kNames.contains(name);
}

bool is_script_import(const std::string& name) {
  return name.starts_with(kCustomClasses) ? is_known_custom_class(name.substr(kCustomClasses.size()))
                                          : is_script_global(name);
}

}  // namespace bertjit
