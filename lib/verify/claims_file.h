// `--claims`: what a file is said to be, by someone else than the file.
#pragma once

#include <string>

#include "module/claims.h"

namespace bertjit {

/// Reads docs/formats/claims.md's JSON, alone or as the field "claims" of a larger document. A head may be the word for
/// it ("mlm", "qa") where the architecture is known.
///
/// Throws Error(kNotFound, kIo); Error(kCorrupt) as claims_from_json does, and for a document that claims nothing: a
/// file of something else, given by mistake, must not hold the module to nothing.
Claims read_claims(const std::string& path);

/// The claims with the head's class name in place of a word for it: "BertForMaskedLM" for "mlm" of a bert.
Claims with_class_name(Claims claims);

}  // namespace bertjit
