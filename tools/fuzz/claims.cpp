// Claims in an archive; what was read, written and read again is the same.
#include "module/claims.h"

#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::answers([&] {
    const Claims claims = claims_from_json(std::string(fuzz::as_text(data, size)), "claims.json");
    const std::string written = claims_to_json(claims);
    fuzz::require(claims_to_json(claims_from_json(written, "claims.json")) == written, "claims come back");
  });
  return 0;
}
