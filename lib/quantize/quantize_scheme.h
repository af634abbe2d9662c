// How numbers are rounded to int8, in plain data.
#pragma once

namespace bertjit {

enum class QuantizeScheme {
  kPerTensor,   ///< one scale for a weight, one for an activation: torch.ao.quantization.quantize_dynamic
  kPerChannel,  ///< one scale for each row of a weight, one for an activation
  kPerToken,    ///< one scale for each row of a weight, and a range for each token of an activation
  kAuto,        ///< of options alone: the first of these, in this order, that holds the limits of a task
};

/// "per-tensor", "per-channel", "per-token", "auto".
constexpr const char* scheme_name(QuantizeScheme scheme) {
  switch (scheme) {
    case QuantizeScheme::kPerTensor:
      return "per-tensor";
    case QuantizeScheme::kPerChannel:
      return "per-channel";
    case QuantizeScheme::kPerToken:
      return "per-token";
    case QuantizeScheme::kAuto:
      return "auto";
  }
  return "";
}

/// Whether activations are rounded to 7 bits in place of 8, so that no sum of two products overflows 16 bits on a CPU
/// without instructions for int8 (AVX2, AVX-512 without VNNI).
enum class ReduceRange {
  kAuto,  ///< as PyTorch for per-tensor and per-channel (on); for per-token and kAuto where this CPU needs it
  kOn,
  kOff,
};

/// What becomes of word tables and other embeddings.
enum class EmbeddingScheme {
  kFloat32,
  kInt8,  ///< a byte a number, scale and zero point for each row
};

}  // namespace bertjit
