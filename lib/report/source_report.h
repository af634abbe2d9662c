// What a command made of its checkpoint, for people (standard error) and programs. trace, run and verify share it.
#pragma once

#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "source/source_choice.h"

namespace bertjit {

/// "bertjit trace: ./m: BertForSequenceClassification (architectures of config.json), 2 labels, float32; inputs
/// input_ids, attention_mask, token_type_ids", then the notes, one line each. `command` is "bertjit trace".
void print_choice(const std::string& command, const SourceChoice& choice, std::ostream& out);

/// "architectures", "option", "claims", "assumed".
const char* head_origin_name(HeadOrigin origin);

/// {"path", "architecture", "head", "head_from", "listed_head", "num_labels", "inputs", "weights", "dtype",
/// "stored_dtype", "notes"}; head_from is head_origin_name().
nlohmann::ordered_json choice_to_json(const SourceChoice& choice);

}  // namespace bertjit
