// `roundtrip`: load, save, load.
//
// Proves that the module survives being saved again: the same outputs bit for bit, the same parameters, the same code,
// and a second save with the same bytes. Does not prove that the first file is right.
#include "compare/compare.h"
#include "compare/graphs.h"
#include "module/saved_image.h"
#include "verify/check.h"

namespace bertjit {

namespace {

/// Parameters and buffers that are not the same in both, by name.
std::vector<std::string> different_tensors(const torch::jit::Module& left, const torch::jit::Module& right) {
  std::vector<std::string> names;
  std::map<std::string, at::Tensor> other;
  for (const auto& item : right.named_parameters()) {
    other.emplace(item.name, item.value);
  }
  for (const auto& item : right.named_buffers()) {
    other.emplace(item.name, item.value);
  }
  const auto compare = [&](const std::string& name, const at::Tensor& value) {
    const auto it = other.find(name);
    if (it == other.end() || value.requires_grad() != it->second.requires_grad() ||
        !(value.is_quantized() || same_bits(value.detach(), it->second.detach()))) {
      names.push_back(name);
    }
  };
  for (const auto& item : left.named_parameters()) {
    compare(item.name, item.value);
  }
  for (const auto& item : left.named_buffers()) {
    compare(item.name, item.value);
  }
  return names;
}

}  // namespace

CheckResult check_roundtrip(const VerifyContext& context) {
  CheckResult result{"roundtrip", Verdict::kPass, "", "", {}};
  const SaveOptions save_options{"archive", {}};
  SavedImage first(context.module.module(), save_options);
  ModuleRunner again({first.load("the saved copy"), std::nullopt}, "the saved copy");

  const c10::IValue before = context.module.run_on_copy(context.example, GradMode::kOff);
  const c10::IValue after = again.run_on_copy(context.example, GradMode::kOff);
  const auto left = output_tensors(before);
  const auto right = output_tensors(after);
  bool same_outputs = !left.empty() && left.size() == right.size();
  for (size_t i = 0; same_outputs && i < left.size(); ++i) {
    same_outputs = same_bits(left[i], right[i]);
  }
  const auto tensors = different_tensors(context.module.module(), again.module());
  const auto graphs = compare_graphs(canonical_graph(context.module.module()), canonical_graph(again.module()));
  SavedImage second(again.module(), save_options);
  const bool same_save = first.same_bytes(second);

  result.evidence = {{"outputs", static_cast<int64_t>(left.size())},
                     {"same_outputs", same_outputs},
                     {"graph_lines", static_cast<int64_t>(graphs.nodes)},
                     {"different_graph_lines", static_cast<int64_t>(graphs.different_lines)},
                     {"first_graph_line_before", graphs.expected_line},
                     {"first_graph_line_after", graphs.actual_line},
                     {"different_tensors", tensors},
                     {"same_saves", same_save}};
  if (!same_save) {
    result.evidence.push_back({"first_save_sha512", to_hex(first.sha512())});
    result.evidence.push_back({"second_save_sha512", to_hex(second.sha512())});
  }
  if (!same_outputs || !tensors.empty() || !graphs.matches) {
    result.verdict = Verdict::kFail;
    result.where = !tensors.empty() ? tensors.front() : "";
    result.summary = !tensors.empty()  ? "tensor " + tensors.front() + " changed when saved and loaded again"
                     : !graphs.matches ? "the code changed when saved and loaded again"
                                       : "outputs changed when saved and loaded again";
    return result;
  }
  result.summary = "saved and loaded again: " + counted(static_cast<int64_t>(left.size()), "output") +
                   " equal bit for bit, same tensors and code" +
                   (same_save ? ", a second save has the same bytes" : "");
  return result;
}

}  // namespace bertjit
