// TorchScript archives: values, classes and tensors, and the digests of what they mean.
#include "container/torchscript.h"

#include "digest/digest.h"
#include "fuzz/fuzz.h"

using namespace bertjit;

namespace {

/// Tensors of stride 0 may be far larger than their file; reading them is slow, and all alike.
constexpr uint64_t kMaxElements = 1 << 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("input.pt", fuzz::as_text(data, size));
  fuzz::answers([&] {
    const ScriptArchive file = read_torchscript(path);
    uint64_t elements = 0;
    for (const auto& tensor : file.tensors) {
      elements += tensor.size_bytes;
      if (elements > kMaxElements) {
        return;
      }
      fuzz::answers([&] {
        uint64_t given = 0;
        read_elements(file, tensor, [&](std::span<const std::byte> piece) { given += piece.size(); });
        std::vector<std::byte> copy;
        fuzz::require(given == tensor.size_bytes && read_elements(file, tensor, copy).size() == given,
                      "a tensor's elements are as many as its shape says");
      });
    }
    for (const auto kind : {DigestKind::kContent, DigestKind::kWeights, DigestKind::kCode}) {
      fuzz::answers([&] { digest_meaning(path, kind, {.threads = 1}); });
    }
  });
  return 0;
}
