// What quantized layers hold: integer weights with a scale, as a rule packed for a kernel into an object of libtorch's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

namespace bertjit {

/// Whether a type is one of libtorch's classes of packed weights: quantized.LinearPackedParamsBase, ….
bool is_packed_type(const c10::TypePtr& type);

/// "weight" and, where there is one, "bias" of an object of such a class, with the bytes that the kernel's own
/// unpacking gives; nothing for any other value, and for a class that libtorch has no unpacking for here.
std::vector<std::pair<std::string, at::Tensor>> unpack_weights(const c10::IValue& value);

/// How integers become numbers: "scale 0.02, zero point 0", or for a scale each of several rows "128 scales along
/// dimension 0"; empty for a tensor that is not quantized.
std::string scale_text(const at::Tensor& tensor);

}  // namespace bertjit
