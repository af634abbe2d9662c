// The weights of the file under judgement, by the names they have in a checkpoint.
#pragma once

#include <map>
#include <set>
#include <string>

#include "verify/check.h"

namespace bertjit {

/// Every tensor that the module keeps: parameters, buffers, weights of int8 layers dequantized. Where its own names
/// are not the checkpoint's, because the network is a part of another module ("model.bert.…") or torch.jit.freeze left
/// none, the names are those that recognising the network gives.
///
/// `wanted`: names that decide which of the two is meant; empty: the network's names where it is recognised.
std::map<std::string, at::Tensor> file_weights(const VerifyContext& context, const std::set<std::string>& wanted = {});

/// A path in the file as the checkpoint has it: without what stands before the network ("model.").
std::string checkpoint_path(const VerifyContext& context, const std::string& path);

/// Whether the file is allowed to hold int8: it says so, or says nothing of its dtype and is quantized.
bool may_be_quantized(const VerifyContext& context);

}  // namespace bertjit
