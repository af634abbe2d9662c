// Sizes of a batch inside a trace: recorded, or constants.
//
// In C++ `x.size(1)` is a number like any other, so a trace would take it for a constant and give wrong shapes, or an
// error, at every other length. Parts of a network that need a size go through here.
#pragma once

#include <ATen/ATen.h>

namespace bertjit {

/// Chooses, for recordings on this thread until the end of the scope, whether sizes are recorded as aten::size (true,
/// also the default) or as constants.
class SizeRecording {
 public:
  explicit SizeRecording(bool recorded);
  ~SizeRecording();
  SizeRecording(const SizeRecording&) = delete;
  SizeRecording& operator=(const SizeRecording&) = delete;

 private:
  bool previous_;
};

/// Whether a trace with constant sizes is being recorded.
bool records_constant_sizes();

/// 0, 1, … n-1 with n = x.size(1); int64 [n].
at::Tensor positions_of(const at::Tensor& x);

/// x plus the first rows of `table`, one a position: x [batch, seq, size], table [max_positions, size] ->
/// [batch, seq, size]. A sequence longer than the table is libtorch's error about sizes that do not match.
at::Tensor add_positions(const at::Tensor& x, const at::Tensor& table);

/// [batch, seq, heads * size] -> [batch, heads, seq, size].
at::Tensor split_heads(const at::Tensor& x, int64_t heads);

}  // namespace bertjit
