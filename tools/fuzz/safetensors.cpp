// safetensors files; what was read, written and read again is the same.
#include "container/safetensors.h"

#include <algorithm>

#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("input.safetensors", fuzz::as_text(data, size));
  fuzz::answers([&] {
    const TensorFile file = read_safetensors(path);
    size_t total = 0;
    for (const auto& tensor : file.tensors) {
      check_view(tensor);
      total += tensor.bytes.size();
      fuzz::require(file.find(tensor.name) == &tensor, "a tensor is found by its name");
    }
    fuzz::require(total <= size, "tensors lie in the file, once each");

    const auto copy_path = fuzz::scratch_folder() / "copy.safetensors";
    write_safetensors(copy_path, file.tensors, file.metadata);
    const TensorFile copy = read_safetensors(copy_path);
    fuzz::require(copy.metadata == file.metadata, "metadata come back");
    fuzz::require(std::ranges::equal(file.tensors, copy.tensors,
                                     [](const TensorView& a, const TensorView& b) {
                                       return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape &&
                                              std::ranges::equal(a.bytes, b.bytes);
                                     }),
                  "tensors come back");
  });
  return 0;
}
