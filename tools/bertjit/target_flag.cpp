#include "target_flag.h"

#include "support/error.h"
#include "support/words.h"

namespace bertjit {

namespace {

constexpr const char* kFusedAttention = "aten::scaled_dot_product_attention";
constexpr const char* kFusedLinear = "mkldnn::_linear_pointwise";

bool is_given(const CLI::App& command, const std::string& flag) {
  return command.get_option(flag)->count() > 0;
}

[[noreturn]] void contradict(const Target& target, const std::string& flag, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, flag + ": --target " + target.name + " " + why);
}

}  // namespace

CLI::Option* add_target_flag(CLI::App& command, std::optional<Target>& target) {
  std::string names;
  for (const auto& name : target_names()) {
    names += name + "|";
  }
  return command
      .add_option_function<std::string>(
          "--target", [&target](const std::string& name) { target = load_target(name); },
          "Where the file is to run: operators, devices, dtypes and shapes are held to that profile")
      ->option_text(names + "FILE.json");
}

void apply_target(const CLI::App& command, TraceOptions& options) {
  if (!options.target) {
    return;
  }
  const Target& target = *options.target;
  if (const OperatorFit fused = fit_operator(target, kFusedAttention); !fused.taken) {
    if (is_given(command, "--attention") && options.source.model.attention == AttentionKind::kSdpa) {
      contradict(target, "--attention sdpa",
                 std::string("needs --attention eager: ") + kFusedAttention + " " + fused.note);
    }
    options.source.model.attention = AttentionKind::kEager;
  }
  if (const OperatorFit fused = fit_operator(target, kFusedLinear); options.fuse && !fused.taken) {
    contradict(target, "--fuse", std::string("does not have ") + kFusedLinear + ": it " + fused.note);
  }
  const std::string& dtype = options.source.dtype;
  if (!dtype.empty() && dtype != "auto" && !target.takes_dtype(dtype)) {
    contradict(target, "--dtype " + dtype, "computes in " + joined(target.dtypes));
  }
  if (target.fixed_shapes) {
    if (options.script) {
      contradict(target, "--script", "needs fixed shapes, and what is scripted keeps its loops and branches");
    }
    options.fixed_shapes = true;
  }
}

}  // namespace bertjit
