// numpy's files: .npz archives of arrays, and single .npy arrays.
#include "container/npz.h"

#include "container/npy.h"
#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("input.npz", fuzz::as_text(data, size));
  for (const auto& read : {read_npz, read_npy}) {
    fuzz::answers([&] {
      for (const auto& tensor : read(path).tensors) {
        check_view(tensor);
      }
    });
  }
  return 0;
}
