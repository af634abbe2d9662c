// Names of operators that do no more than compute, one space between them.
//
// Those that libtorch 2.13 registers (torch._C._jit_get_all_schemas()) and a few of older releases, less: what touches
// files, other processes or machines, raw storage and addresses; what makes tensors of indices it does not check
// (_sparse_…_unsafe, nested views of buffers); gradients of operators; and what only a compiler's passes, a device
// other than the CPU's or PyTorch's own tests use. The operators of 2,400 files were held against the list: traces and
// scripted modules of the whole BERT family by transformers 4 and by bertjit, quantized, frozen, and of the documents'
// examples.
#pragma once

#include <string_view>

namespace bertjit::operator_names {

extern const std::string_view kAten;
extern const std::string_view kPrim;

}  // namespace bertjit::operator_names
