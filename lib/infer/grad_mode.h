// PyTorch's three gradient modes, as plain data.
#pragma once

namespace bertjit {

enum class GradMode {
  kOn,         ///< Python's default: outputs carry a grad_fn where parameters require grad
  kOff,        ///< torch.no_grad()
  kInference,  ///< torch.inference_mode()
};

/// "on", "off", "inference".
inline const char* grad_mode_name(GradMode mode) {
  return mode == GradMode::kOn ? "on" : mode == GradMode::kOff ? "off" : "inference";
}

}  // namespace bertjit
