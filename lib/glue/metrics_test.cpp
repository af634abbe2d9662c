// Expected values: scikit-learn 1.9.1 and scipy 1.17.1 on the same numbers, as each test says.
#include "glue/metrics.h"

#include <cmath>
#include <limits>

#include "glue/comparison.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

using Numbers = std::vector<double>;
using Indices = std::vector<int64_t>;

double metric(const EvalScore& score, const std::string& name) {
  for (const EvalMetric& one : score.metrics) {
    if (one.name == name) {
      return one.value;
    }
  }
  FAIL("no metric " << name);
  return 0;
}

EvalScore score_mrpc(const Indices& labels, const Indices& answers) {
  return score_classes(find_glue_task("mrpc"), labels, answers, "");
}

const double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("metrics: accuracy, precision, recall, F1 and confusion are scikit-learn's") {
  // accuracy_score, precision_recall_fscore_support(average=None).
  const Indices labels{0, 0, 1, 1, 1, 0, 1, 0, 1, 1};
  const Indices answers{0, 1, 1, 1, 0, 0, 1, 1, 1, 1};
  const EvalScore score = score_mrpc(labels, answers);
  CHECK(score.accuracy == Approx(0.7));
  CHECK(score.classes[1].precision == Approx(0.7142857142857143));
  CHECK(score.classes[1].recall == Approx(0.8333333333333334));
  CHECK(score.classes[1].f1 == Approx(0.7692307692307693));
  CHECK(score.classes[0].f1 == Approx(0.5714285714285714));
  CHECK(metric(score, "acc_and_f1") == Approx((0.7 + 0.7692307692307693) / 2));
  CHECK(score.confusion == std::vector<Indices>{{2, 2}, {1, 5}});
}

TEST_CASE("metrics: three classes have no F1 among the metrics, and a figure each") {
  // precision_recall_fscore_support of these gives .6667, .6667, .75 for all three.
  const Indices labels{0, 0, 1, 2, 2, 2, 1, 0, 1, 2};
  const Indices answers{0, 1, 1, 2, 0, 2, 1, 0, 2, 2};
  const EvalScore score = score_classes(find_glue_task("mnli"), labels, answers, "mnli/");
  REQUIRE(score.metrics.size() == 1);
  CHECK(metric(score, "mnli/acc") == Approx(0.7));
  CHECK(score.classes[0].precision == Approx(0.6666666666666666));
  CHECK(score.classes[2].f1 == Approx(0.75));
}

TEST_CASE("metrics: the all-positive baseline of a set with 279 of 408 positive is that of MRPC") {
  // 279/408 and 2*279/(408+279), as published for MRPC's majority class: .6838 and .8122.
  Indices labels(408, 0);
  std::fill_n(labels.begin(), 279, 1);
  const EvalScore score = score_mrpc(labels, Indices(408, 1));
  CHECK(score.accuracy == Approx(0.6838235294117647));
  CHECK(metric(score, "f1") == Approx(0.8122270742358079));
  CHECK(score.classes[0].precision == 0);  // nothing answered: 0, as zero_division=0
}

TEST_CASE("metrics: Matthews' coefficient is scikit-learn's, and 0 where one side is constant") {
  const GlueTask& cola = find_glue_task("cola");
  // matthews_corrcoef([1, 1, 1, 0, 0, 1, 0, 1], [1, 0, 1, 0, 1, 1, 0, 1]) = 0.4666666666666667
  const EvalScore score = score_classes(cola, Indices{1, 1, 1, 0, 0, 1, 0, 1}, Indices{1, 0, 1, 0, 1, 1, 0, 1}, "");
  CHECK(metric(score, "mcc") == Approx(0.4666666666666667));
  CHECK(metric(score_classes(cola, Indices{1, 0, 1}, Indices{1, 1, 1}, ""), "mcc") == 0);
  CHECK(metric(score_classes(cola, Indices{1, 0, 1}, Indices{0, 1, 0}, ""), "mcc") == Approx(-1));
}

TEST_CASE("metrics: an answer of NaN is right nowhere") {
  const EvalScore score = score_mrpc({1, 0, 1, 0}, {1, -1, -1, 0});
  CHECK(score.right == 2);
  CHECK(score.accuracy == Approx(0.5));
  CHECK(score.classes[1].recall == Approx(0.5));
  CHECK(score.classes[1].precision == Approx(1));
}

TEST_CASE("metrics: Pearson and Spearman are scipy's, ties and all") {
  const Numbers x{1, 2, 2, 5, 3.5, 4};
  const Numbers y{.1, .3, .2, .9, .9, .4};
  CHECK(pearson_correlation(x, y) == Approx(0.832724307380778).epsilon(1e-14));
  CHECK(spearman_correlation(x, y) == Approx(0.8823529411764706).epsilon(1e-14));
  const EvalScore score = score_regression(x, y, "");
  CHECK(metric(score, "corr") == Approx((0.832724307380778 + 0.8823529411764706) / 2));
}

TEST_CASE("metrics: a constant side or a NaN leaves no correlation") {
  CHECK(std::isnan(pearson_correlation(Numbers{1, 2, 3}, Numbers{2, 2, 2})));
  CHECK(std::isnan(spearman_correlation(Numbers{1, 2, 3}, Numbers{2, 2, 2})));
  CHECK(std::isnan(pearson_correlation(Numbers{1, 2, 3}, Numbers{1, kNan, 3})));
  CHECK(std::isnan(spearman_correlation(Numbers{1, 2, 3}, Numbers{1, kNan, 3})));
}

TEST_CASE("metrics: McNemar's exact p is scipy's binomtest") {
  // binomtest(b, b + c, 0.5).pvalue
  CHECK(mcnemar_p(14, 16) == Approx(0.8555355519056321).epsilon(1e-10));
  CHECK(mcnemar_p(3, 9) == Approx(0.14599609375).epsilon(1e-10));
  CHECK(mcnemar_p(9, 3) == Approx(0.14599609375).epsilon(1e-10));
  CHECK(mcnemar_p(0, 5) == Approx(0.0625).epsilon(1e-10));
  CHECK(mcnemar_p(10, 31) == Approx(0.0014504910141113214).epsilon(1e-10));
  CHECK(mcnemar_p(200, 260) == Approx(0.0058839224731039984).epsilon(1e-10));
  CHECK(mcnemar_p(0, 0) == 1);
  CHECK(mcnemar_p(7, 7) == 1);
  CHECK(mcnemar_p(20000, 21000) > 0);  // 0.5^41000 is no double
}

TEST_CASE("comparison: changed answers, for better and worse, and logits of the same classes") {
  EvalAnswers first{.outputs = 2, .logits = {1, 0, 0, 1, 1, 0, 0, 1}, .answers = {0, 1, 0, 1}};
  first.score = score_mrpc({0, 1, 1, 0}, first.answers);
  // Outputs the other way round; the second row's answer is another one, and wrong.
  EvalAnswers second{.outputs = 2, .logits = {0, 1, .25, .5, 0, 1, 1, 0}, .answers = {0, 0, 0, 1}};
  second.score = score_mrpc({0, 1, 1, 0}, second.answers);
  const std::vector<size_t> order{0, 1};
  const std::vector<size_t> reversed{1, 0};
  const EvalComparison comparison = compare_answers(first, second, Indices{0, 1, 1, 0}, order, reversed);
  CHECK(comparison.changed == 1);
  CHECK(comparison.only_first == 1);
  CHECK(comparison.only_this == 0);
  CHECK(comparison.max_abs_logit_difference == Approx(0.75));
  CHECK(comparison.mean_abs_logit_difference == Approx((0.5 + 0.75) / 8));
  CHECK(comparison.metric_differences[0].value == Approx(-0.25));
}

TEST_CASE("comparison: a NaN logit makes the difference NaN") {
  const EvalAnswers first{.outputs = 1, .logits = {1, 2}};
  const EvalAnswers second{.outputs = 1, .logits = {kNan, 2}};
  CHECK(std::isnan(compare_answers(first, second, {}, {}, {}).max_abs_logit_difference));
}

}  // namespace bertjit
