#include "conform/misfits.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/ir/constants.h>

#include "compare/describe.h"
#include "recognise/called_code.h"
#include "record/location.h"

namespace bertjit {

namespace {

/// Operators that turn a size of a tensor into a value.
constexpr std::array<std::string_view, 5> kSizeReaders = {"aten::size", "aten::sym_size", "aten::_shape_as_tensor",
                                                          "aten::numel", "aten::sym_numel"};

/// Operators that make a tensor of what they are given; of a number one without dimensions, which every device takes.
constexpr std::array<std::string_view, 3> kTensorOf = {"aten::tensor", "aten::as_tensor", "aten::scalar_tensor"};

/// Keys under which an operator may have what runs on a CPU.
constexpr std::array kCpuKeys = {c10::DispatchKey::CPU, c10::DispatchKey::QuantizedCPU, c10::DispatchKey::SparseCPU,
                                 c10::DispatchKey::MkldnnCPU};

/// Whether the libtorch at hand can run it on the CPU. What is no operator of the dispatcher (prim::If, arithmetic of
/// numbers) always does.
bool has_cpu_kernel(const CodeNode& node) {
  const auto* schema = node.maybeSchema();
  const auto handle =
      schema == nullptr ? std::nullopt : c10::Dispatcher::singleton().findSchema(schema->operator_name());
  return !handle || std::ranges::any_of(
                        kCpuKeys, [&](c10::DispatchKey key) { return handle->hasComputedKernelForDispatchKey(key); });
}

std::string device_type(const c10::Device& device) {
  return c10::DeviceTypeName(device.type(), /*lower_case=*/true);
}

/// Whether a node makes a tensor without looking at one, and leaves open on which device: then it is the CPU.
bool makes_tensor_without_device(const CodeNode& node) {
  const auto* schema = node.maybeSchema();
  if (schema == nullptr || node.outputs().size() != 1 || !node.output()->type()->isSubtypeOf(*c10::TensorType::get())) {
    return false;
  }
  const bool is_number = std::ranges::find(kTensorOf, schema->name()) != kTensorOf.end() &&
                         node.input(0)->type()->kind() != c10::TypeKind::ListType;
  bool is_open = false;
  for (size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    if (is_number || node.input(i)->type()->isSubtypeOf(*c10::TensorType::get())) {
      return false;
    }
    if (schema->arguments()[i].name() == "device") {
      const auto value = torch::jit::toIValue(node.input(i));
      is_open = value && value->isNone();
    }
  }
  return is_open;
}

class Search {
 public:
  explicit Search(const Target& target) : target_(target) {}

  CodeFit run(const torch::jit::Module& module) {
    visit_called_code(module, [this](const CodeNode& node, const std::string& path, const CodePaths&) {
      ++fit_.operators;
      look_at_operator(node, path);
      look_at_devices(node, path);
      look_at_sizes(node, path);
    });
    for (const auto& parameter : module.named_parameters()) {
      look_at_weight(parameter.name, parameter.value);
    }
    for (const auto& buffer : module.named_buffers()) {
      look_at_weight(buffer.name, buffer.value);
    }
    return std::move(fit_);
  }

 private:
  void look_at_operator(const CodeNode& node, const std::string& path) {
    const std::string name = node.kind().toQualString();
    const OperatorFit fit = fit_operator(target_, name);
    if (!fit.taken) {
      add({"operator", name, path, "", "", fit.note}, node);
    } else if (!fit.note.empty()) {
      add_conditional(name, fit.note, path);
    } else if (target_.kernels == "CPU" && !has_cpu_kernel(node)) {
      add({"operator", name, path, "", "", "has no kernel for CPUs in this libtorch"}, node);
    }
  }

  void look_at_devices(const CodeNode& node, const std::string& path) {
    const std::string name = node.kind().toQualString();
    for (const CodeValue* input : node.inputs()) {
      const auto value =
          input->node()->kind() == c10::prim::Constant ? torch::jit::toIValue(input) : std::optional<c10::IValue>();
      if (value && value->isDevice() && !target_.takes_device(device_type(value->toDevice()))) {
        add({"device", name, path, "", "", "has device " + value->toDevice().str() + " baked in"}, node);
      }
    }
    if (!target_.takes_device("cpu") && makes_tensor_without_device(node)) {
      add({"device", name, path, "", "", "names no device, and makes its tensor on the CPU"}, node);
    }
  }

  void look_at_sizes(const CodeNode& node, const std::string& path) {
    if (fit_.size_read.what.empty() &&
        std::ranges::find(kSizeReaders, node.kind().toQualString()) != kSizeReaders.end()) {
      fit_.size_read =
          placed({"shape", node.kind().toQualString(), path, "", "", "asks for a size of its input"}, node);
    }
  }

  void look_at_weight(const std::string& name, const at::Tensor& value) {
    const std::string dtype = value.defined() && value.is_floating_point() ? dtype_text(value) : "";
    if (!dtype.empty() && !target_.takes_dtype(dtype)) {
      const size_t dot = name.rfind('.');
      add({"dtype", name, dot == std::string::npos ? "" : name.substr(0, dot), "", "",
           "is " + dtype + ", which " + target_.name + " does not compute in"});
    }
  }

  static Misfit placed(Misfit misfit, const CodeNode& node) {
    misfit.record = code_record(node);
    const SourceLocation archived = location_of(node.sourceRange());
    if (!misfit.record.empty() && archived.file.ends_with(misfit.record)) {
      misfit.record += ":" + std::to_string(archived.line);
    }
    const SourceLocation original = location_of(source_range(node));
    if (misfit.record.empty() || original.file != archived.file) {
      misfit.line = location_text(original);
    }
    return misfit;
  }

  void add(Misfit misfit, const CodeNode& node) {
    if (Misfit* same = find(misfit)) {
      ++same->times;
    } else {
      add(placed(std::move(misfit), node));
    }
  }

  void add(Misfit misfit) {
    places_.emplace(key(misfit), fit_.misfits.size());
    fit_.misfits.push_back(std::move(misfit));
  }

  /// The same fault in the same module.
  Misfit* find(const Misfit& misfit) {
    const auto it = places_.find(key(misfit));
    return it == places_.end() ? nullptr : &fit_.misfits[it->second];
  }

  static std::string key(const Misfit& misfit) {
    return misfit.rule + '\n' + misfit.what + '\n' + misfit.module + '\n' + misfit.why;
  }

  void add_conditional(const std::string& op, const std::string& note, const std::string& path) {
    const auto same = std::ranges::find(fit_.conditional, op, &ConditionalUse::op);
    if (same == fit_.conditional.end()) {
      fit_.conditional.push_back({op, note, path});
    } else {
      ++same->times;
    }
  }

  const Target& target_;
  CodeFit fit_;
  std::map<std::string, size_t> places_;
};

}  // namespace

CodeFit find_misfits(const torch::jit::Module& module, const Target& target) {
  return Search(target).run(module);
}

}  // namespace bertjit
