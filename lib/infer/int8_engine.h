// What packs and runs int8 layers: one of libtorch's engines, "x86", "fbgemm", "onednn", "qnnpack".
//
// A TorchScript file holds no engine's own form: its layers are packed by whichever is set where it is loaded. In
// Python that is torch.backends.quantized.engine.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

/// The engine at work, "x86"; "none" for a libtorch without any.
std::string int8_engine();

/// The engines that this CPU and this libtorch have, in libtorch's order.
std::vector<std::string> int8_engines();

/// "onednn" on a CPU that multiplies int8 in tiles (AMX), which it alone makes use of: .6 of the time of "x86" for a
/// MiniLM per channel on 8 texts of 128 tokens. Elsewhere the engine at work, which is libtorch's own choice for this
/// CPU.
std::string fastest_int8_engine();

/// Chooses the engine until the end of the scope, for layers that are packed or loaded in it; empty: the fastest.
/// Throws Error(kInvalidArgument) for a word that is none, Error(kUnsupported) for an engine that this CPU or this
/// libtorch lacks, naming those there are.
class Int8EngineGuard {
 public:
  explicit Int8EngineGuard(const std::string& name);
  ~Int8EngineGuard();
  Int8EngineGuard(const Int8EngineGuard&) = delete;
  Int8EngineGuard& operator=(const Int8EngineGuard&) = delete;

 private:
  int previous_;
};

}  // namespace bertjit
