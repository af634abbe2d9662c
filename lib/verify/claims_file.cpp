#include "verify/claims_file.h"

#include <algorithm>

#include "models/model.h"
#include "recognise/naming.h"
#include "support/error.h"
#include "support/json.h"

namespace bertjit {

namespace {

bool claims_nothing(const Claims& claims) {
  return claims.architecture.empty() && claims.head.empty() && claims.inputs.empty() && claims.outputs.empty() &&
         claims.dtype.empty() && !claims.dynamic_batch && !claims.dynamic_length && claims.attn_implementation.empty();
}

}  // namespace

Claims with_class_name(Claims claims) {
  const auto heads = registered_heads();
  const bool is_class = std::ranges::find(heads, claims.head, &HeadEntry::head) != heads.end();
  const auto kind = is_class ? std::nullopt : class_of_claims(claims);
  if (kind) {
    const auto entry = std::ranges::find_if(heads, [&](const HeadEntry& head) {
      return head.model_type == claims.architecture && head.head.ends_with(kind->kind);
    });
    claims.head = entry == heads.end() ? claims.head : entry->head;
  }
  return claims;
}

Claims read_claims(const std::string& path) {
  const nlohmann::json json = read_json_file(path);
  const bool is_nested = json.is_object() && json.contains("claims") && json["claims"].is_object();
  Claims claims = claims_from_json((is_nested ? json["claims"] : json).dump(), path);
  if (claims_nothing(claims)) {
    throw Error(ErrorKind::kCorrupt, path +
                                         ": claims nothing; expected fields such as architecture, head, inputs, "
                                         "outputs, dtype (docs/formats/claims.md)");
  }
  return with_class_name(std::move(claims));
}

}  // namespace bertjit
