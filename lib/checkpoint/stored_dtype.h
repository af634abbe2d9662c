// In which floating dtype published weights are stored, and what becomes of them in another.
#pragma once

#include <string>

#include "container/tensors.h"

namespace bertjit {

/// The floating dtype that holds every floating tensor of the file exactly: theirs if they agree, float32 for a mixture
/// of 16-bit ones, else the widest. float32 if there are none.
///
/// transformers' dtype="auto" asks config.json first, which says what the model was trained in and not what the file
/// holds, and else the first tensor.
DType stored_dtype(const TensorFile& weights);

/// "weights are float16, converted to float32; --dtype float16 keeps them"; empty if all are of `dtype` already. Of a
/// dtype that cannot hold them all it says "rounded".
std::string conversion_note(const TensorFile& weights, DType dtype);

}  // namespace bertjit
