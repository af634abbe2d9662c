#include "models/sizes.h"

#include <torch/csrc/jit/frontend/tracer.h>

namespace bertjit {

namespace tracer = torch::jit::tracer;

namespace {

thread_local bool t_sizes_recorded = true;

/// Makes the argument "end" of the next operator, whose value is x.size(1), the recorded size instead of a constant.
void stash_length_as_end(const at::Tensor& x) {
  if (tracer::isTracing() && t_sizes_recorded) {
    tracer::ArgumentStash::stashValue("end", 0, tracer::getSizeOf(x, 1), c10::IntType::get());
  }
}

}  // namespace

SizeRecording::SizeRecording(bool recorded) : previous_(t_sizes_recorded) {
  t_sizes_recorded = recorded;
}

SizeRecording::~SizeRecording() {
  t_sizes_recorded = previous_;
}

bool records_constant_sizes() {
  return tracer::isTracing() && !t_sizes_recorded;
}

at::Tensor positions_of(const at::Tensor& x) {
  stash_length_as_end(x);
  return at::arange(x.size(1), at::TensorOptions(at::kLong).device(x.device()));
}

at::Tensor add_positions(const at::Tensor& x, const at::Tensor& table) {
  stash_length_as_end(x);
  const at::Tensor rows = at::slice(table, 0, 0, x.size(1));
  if (records_constant_sizes()) {
    // Broadcasting would say "the size of tensor a must match the size of tensor b" at another length; expanding says
    // what the Hugging Face guide documents: "The expanded size of the tensor (3) must match the existing size (7) at
    // non-singleton dimension 2".
    return x + rows.t().unsqueeze(0).expand_as(x.transpose(1, 2)).transpose(1, 2);
  }
  return x + rows;
}

at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  const int64_t head_size = x.size(-1) / heads;
  // unflatten needs no size of the batch; view pins batch and length, so that a trace with constant sizes fails at any
  // other, length 1 included, where broadcasting would give wrong numbers in silence.
  const at::Tensor split = records_constant_sizes() ? x.view({x.size(0), x.size(1), heads, head_size})
                                                    : at::unflatten(x, -1, {heads, head_size});
  return split.transpose(1, 2);
}

}  // namespace bertjit
