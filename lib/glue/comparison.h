// Two models' answers to the same rows.
#pragma once

#include <span>

#include "glue/glue_result.h"

namespace bertjit {

/// `second` beside `first`. `labels` as EvalData::labels; empty: nobody is right.
///
/// Models may name their outputs in another order, so logits are compared where both have one for each class, class by
/// class: `first_order` and `second_order` say which class each output is for, both empty for a regression.
EvalComparison compare_answers(const EvalAnswers& first, const EvalAnswers& second, std::span<const int64_t> labels,
                               std::span<const size_t> first_order, std::span<const size_t> second_order);

}  // namespace bertjit
