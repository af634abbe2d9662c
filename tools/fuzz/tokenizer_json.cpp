// tokenizer.json, alone in its folder.
#include "fuzz/tokenizer_use.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::write_scratch("tokenizer.json", fuzz::as_text(data, size));
  fuzz::use_tokenizer(fuzz::scratch_folder());
  return 0;
}
