// The index of weights in several files, beside two shards that are whole.
#include "container/shards.h"

#include <array>

#include "container/safetensors.h"
#include "fuzz/fuzz.h"

using namespace bertjit;

namespace {

void write_shards() {
  std::array<std::byte, 8> bytes{};
  for (const char* name : {"a", "b"}) {
    const TensorView tensor{.name = name, .dtype = DType::kFloat32, .shape = {2}, .bytes = bytes};
    write_safetensors(fuzz::scratch_folder() / (std::string(name) + ".safetensors"), std::span(&tensor, 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool written = (write_shards(), true);
  static_cast<void>(written);
  const auto index = fuzz::write_scratch("model.safetensors.index.json", fuzz::as_text(data, size));
  fuzz::answers([&] {
    for (const auto& path : list_shards(index)) {
      fuzz::require(path.parent_path() == fuzz::scratch_folder(), "a shard lies beside its index");
    }
  });
  fuzz::answers([&] { read_shards(index); });
  return 0;
}
