// The post-processors of tokenizer.json: what stands around the texts.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "tokenize/template.h"

namespace bertjit {

/// Makes the template of a tokenizer.json: `object` is its member "post_processor", or nullptr for none.
///
/// Known are TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (which changes nothing here: offsets) and
/// a Sequence with at most one of the first three. `file` stands first in messages. Throws Error(kUnsupported) for
/// another type, or a template that does not hold each text exactly once; Error(kCorrupt) if a field is missing or of a
/// wrong type.
EncodingTemplate parse_post_processor(const nlohmann::json* object, const std::string& file);

}  // namespace bertjit
