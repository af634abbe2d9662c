// Checkpoints of torch.save, in both forms.
#include "container/pytorch_bin.h"

#include <numeric>

#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("pytorch_model.bin", fuzz::as_text(data, size));
  fuzz::answers([&] {
    unsigned sum = 0;
    for (const auto& tensor : read_pytorch_bin(path).tensors) {
      check_view(tensor);
      sum = std::accumulate(tensor.bytes.begin(), tensor.bytes.end(), sum,
                            [](unsigned so_far, std::byte byte) { return so_far + std::to_integer<unsigned>(byte); });
    }
    volatile unsigned touched = sum;
    static_cast<void>(touched);
  });
  return 0;
}
