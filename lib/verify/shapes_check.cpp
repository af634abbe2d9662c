// `shapes`: which batch sizes and lengths does it take?
//
// Proves, for a grid of batch sizes and lengths, that the module runs, and with --source that it gives the numbers of
// the source there. Does not prove anything of shapes outside the grid.
//
// Where the source is a program whose inputs are no ids, shapes are made up from the example; what it refuses itself is
// not asked of the module.
//
// A length that fails is a finding, not a fault, unless the file claims to take every length. Wrong numbers always are.
#include <algorithm>
#include <set>

#include "infer/batch.h"
#include "support/error.h"
#include "verify/check.h"

namespace bertjit {

namespace {

struct Cell {
  int64_t batch;
  int64_t length;
  std::string outcome;  ///< "works", "fails", "wrong numbers", "refused" by module and source alike
  std::string detail;
};

std::vector<std::pair<int64_t, int64_t>> grid(const VerifyContext& context) {
  const int64_t longest = context.module.signature().max_positions;
  std::set<int64_t> lengths{1, 2, 3, 7, 33, context.example.tensor(0).size(-1)};
  std::vector<std::pair<int64_t, int64_t>> cells;
  for (const int64_t batch : {1, 2, 3}) {
    for (const int64_t length : lengths) {
      if (longest == 0 || length <= longest) {
        cells.emplace_back(batch, length);
      }
    }
  }
  if (longest > 0 && !lengths.contains(longest)) {
    cells.emplace_back(1, longest);
  }
  return cells;
}

/// [batch, length], with the example's number of choices between them where the model takes choices.
std::vector<int64_t> cell_shape(const VerifyContext& context, int64_t batch, int64_t length) {
  const at::Tensor& example = context.example.tensor(0);
  return example.dim() == 3 ? std::vector<int64_t>{batch, example.size(1), length}
                            : std::vector<int64_t>{batch, length};
}

BoundBatch cell_inputs(const VerifyContext& context, int64_t batch, int64_t length) {
  const bool is_program = context.source != nullptr && context.source->is_program();
  return context.module.bind(shape_batch(cell_shape(context, batch, length), context.module.signature(),
                                         context.options.inputs.seed, is_program ? &context.example : nullptr));
}

void compare_cell(const VerifyContext& context, const BoundBatch& inputs, Cell& cell) {
  const InputVerdict verdict = check_input(*context.source, context.module, inputs, source_comparison(context));
  if (verdict.verdict == Verdict::kSkip) {
    cell.outcome = "refused";
    cell.detail = verdict.source_error;
  } else if (!verdict.trace_error.empty()) {
    cell.outcome = "fails";
    cell.detail = verdict.trace_error;
  } else if (verdict.verdict == Verdict::kFail) {
    cell.outcome = "wrong numbers";
    cell.detail = verdict.complaint;
  }
}

Cell try_cell(const VerifyContext& context, int64_t batch, int64_t length) {
  Cell cell{batch, length, "works", ""};
  const BoundBatch inputs = cell_inputs(context, batch, length);
  if (context.source != nullptr) {
    compare_cell(context, inputs, cell);
    return cell;
  }
  try {
    context.module.run_on_copy(inputs, GradMode::kOff);
  } catch (const Error& error) {
    cell.outcome = "fails";
    cell.detail = error.what();
  }
  return cell;
}

std::string cell_name(const Cell& cell) {
  return std::to_string(cell.batch) + "x" + std::to_string(cell.length);
}

/// The smallest cell with that outcome, by number of tokens.
const Cell* smallest(const std::vector<Cell>& cells, const std::string& outcome) {
  const Cell* best = nullptr;
  for (const auto& cell : cells) {
    if (cell.outcome == outcome && (best == nullptr || cell.batch * cell.length < best->batch * best->length)) {
      best = &cell;
    }
  }
  return best;
}

}  // namespace

CheckResult check_shapes(const VerifyContext& context) {
  const auto& values = context.example.values;
  const int64_t rank = values.empty() || !values[0].isTensor() ? 0 : values[0].toTensor().dim();
  if (rank != 2 && (rank != 3 || context.module.signature().inputs[0].rank != 3)) {
    return skipped("shapes", "the inputs are not [batch, length]");
  }
  try {
    cell_inputs(context, 1, 1);
  } catch (const Error& error) {
    return skipped("shapes", error.what());
  }
  std::vector<Cell> cells;
  for (const auto& [batch, length] : grid(context)) {
    cells.push_back(try_cell(context, batch, length));
  }
  const auto count = [&cells](const char* outcome) {
    return std::count_if(cells.begin(), cells.end(), [&](const Cell& cell) { return cell.outcome == outcome; });
  };
  const auto works = count("works");
  const auto asked = static_cast<int64_t>(cells.size()) - count("refused");
  if (asked == 0) {
    return skipped("shapes", "the source itself takes no shape of the grid");
  }
  const Cell* wrong = smallest(cells, "wrong numbers");
  const Cell* fails = smallest(cells, "fails");
  const auto& claims = context.module.claims();
  const bool claims_dynamic = claims && claims->dynamic_length == true && claims->dynamic_batch == true;

  CheckResult result{"shapes", Verdict::kPass, "", "", {}};
  result.summary =
      std::to_string(works) + " of " + std::to_string(asked) + " batch x length shapes work" +
      (context.source == nullptr ? "; numbers not compared, that needs --source" : " and equal the source");
  if (wrong != nullptr) {
    result.verdict = Verdict::kFail;
    result.where = cell_name(*wrong);
    result.summary = "wrong numbers at " + cell_name(*wrong) + ": " + wrong->detail;
  } else if (fails != nullptr && claims_dynamic) {
    result.verdict = Verdict::kFail;
    result.where = cell_name(*fails);
    result.summary = "claims to take every shape, fails at " + cell_name(*fails);
  } else if (fails != nullptr) {
    result.summary += "; the smallest that fails is " + cell_name(*fails);
  }
  if (works == 0 && result.verdict == Verdict::kPass) {
    result.verdict = Verdict::kFail;
    result.summary = "no shape of the grid works";
  }
  if (asked < static_cast<int64_t>(cells.size())) {
    result.summary += "; source and module refuse " + std::to_string(count("refused")) + " more";
  }
  EvidenceRows rows;
  for (const auto& cell : cells) {
    rows.push_back(
        {{"batch", cell.batch}, {"length", cell.length}, {"outcome", cell.outcome}, {"detail", cell.detail}});
  }
  result.evidence = {{"works", static_cast<int64_t>(works)},
                     {"cells", static_cast<int64_t>(cells.size())},
                     {"claims_dynamic_shapes", claims_dynamic},
                     {"grid", std::move(rows)}};
  return result;
}

}  // namespace bertjit
