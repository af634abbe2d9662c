#include "bench/measure.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <ATen/Parallel.h>

#include "bench/statistics.h"
#include "infer/guards.h"
#include "support/flight_recorder.h"
#include "support/stopwatch.h"

namespace bertjit {

namespace {

constexpr int kFirstRuns = 3;
constexpr int64_t kDefaultRuns = 10;
constexpr double kDefaultSeconds = 1;
constexpr int64_t kDefaultMostRuns = 1000;

/// One model on one batch.
struct Lane {
  Contestant* contestant;
  const BoundBatch* batch;
  BenchRow row;
};

/// The models on the same inputs and threads: they take turns.
struct Group {
  int threads;
  std::vector<Lane> lanes;
};

std::vector<int64_t> first_shape(const BoundBatch& batch) {
  const auto tensor = std::ranges::find_if(batch.values, [](const c10::IValue& value) { return value.isTensor(); });
  return tensor == batch.values.end() ? std::vector<int64_t>() : tensor->toTensor().sizes().vec();
}

double seconds_of_a_run(Lane& lane) {
  const Stage stage("run", lane.row.model, lane.row.inputs);
  const BoundBatch copy = lane.batch->copy();
  const Stopwatch watch;
  const c10::IValue outputs = lane.contestant->runner().run(copy, GradMode::kInference);
  return watch.seconds();
}

Group group_of(std::vector<Contestant>& contestants, size_t round, int threads) {
  Group group{threads, {}};
  for (Contestant& contestant : contestants) {
    if (round < contestant.batches.size()) {
      const BoundBatch& batch = contestant.batches[round];
      group.lanes.push_back({&contestant,
                             &batch,
                             {.model = contestant.source.name,
                              .kind = contestant.description.kind,
                              .inputs = batch.origin,
                              .shape = first_shape(batch)}});
    }
  }
  return group;
}

/// Of times that were taken in turns: what slowed one turn down is in both of its times.
double median_ratio(const std::vector<double>& first, const std::vector<double>& second) {
  std::vector<double> ratios;
  for (size_t i = 0; i < first.size(); ++i) {
    ratios.push_back(first[i] / second[i]);
  }
  return quantile(std::move(ratios), 0.5);
}

/// One measurement, step by step.
class Measurement {
 public:
  Measurement(std::vector<Contestant>& contestants, const BenchOptions& options)
      : options_(options), limits_(limits_of(options)) {
    size_t rounds = 0;
    for (const Contestant& contestant : contestants) {
      rounds = std::max(rounds, contestant.batches.size());
    }
    for (const int threads : options.threads) {
      for (size_t round = 0; round < rounds; ++round) {
        groups_.push_back(group_of(contestants, round, threads));
      }
    }
  }

  std::vector<BenchRow> run() {
    for (Group& group : groups_) {
      take_first_runs(group);
    }
    for (const Group& group : groups_) {
      announce(expected_turns(group) * group.lanes.size());
    }
    std::vector<BenchRow> rows;
    for (Group& group : groups_) {
      take_turns(group);
      finish(group);
      for (Lane& lane : group.lanes) {
        rows.push_back(std::move(lane.row));
      }
    }
    return rows;
  }

 private:
  void take_first_runs(Group& group) const {
    const ThreadGuard guard(group.threads);
    for (Lane& lane : group.lanes) {
      lane.row.threads = at::get_num_threads();
      lane.contestant->memory.begin();
      lane.contestant->begin_row();
      for (int run = 0; run < kFirstRuns; ++run) {
        lane.row.first_s.push_back(seconds_of_a_run(lane));
      }
      lane.row.peak_bytes = lane.contestant->memory.most();
      lane.contestant->end_row();
      lane.contestant->memory.end();
    }
  }

  void take_turns(Group& group) const {
    const ThreadGuard guard(group.threads);
    const size_t expected = expected_turns(group);
    for (Lane& lane : group.lanes) {
      lane.contestant->begin_row();
    }
    size_t turns = 0;
    for (int64_t run = 0; run < kFirstRuns + options_.warmup; ++run) {
      turn(group);
      advance(group, ++turns, expected);
    }
    double seconds = 0;
    for (int64_t run = 0; run < limits_.most && (run < limits_.least || seconds < limits_.least_s); ++run) {
      const std::vector<double> times = turn(group);
      for (size_t i = 0; i < times.size(); ++i) {
        group.lanes[i].row.runs_s.push_back(times[i]);
        seconds += times[i];
      }
      advance(group, ++turns, expected);
    }
    for (; turns < expected; ++turns) {
      advance(group, turns + 1, expected);
    }
    for (Lane& lane : group.lanes) {
      lane.contestant->end_row();
    }
  }

  static std::vector<double> turn(Group& group) {
    std::vector<double> times;
    for (Lane& lane : group.lanes) {
      times.push_back(seconds_of_a_run(lane));
    }
    return times;
  }

  static void finish(Group& group) {
    for (Lane& lane : group.lanes) {
      lane.row.figures = summarize_runs(lane.row.runs_s);
      lane.row.speedup = median_ratio(group.lanes.front().row.runs_s, lane.row.runs_s);
    }
  }

  /// By what the third run took; what it comes to is only known in the end.
  size_t expected_turns(const Group& group) const {
    double seconds = 0;
    for (const Lane& lane : group.lanes) {
      seconds += lane.row.first_s.back();
    }
    const double by_time = seconds > 0 ? limits_.least_s / seconds : 0;
    const double runs =
        std::min(std::max(static_cast<double>(limits_.least), by_time), static_cast<double>(limits_.most));
    return static_cast<size_t>(kFirstRuns + options_.warmup) + static_cast<size_t>(runs);
  }

  void announce(size_t runs) const {
    if (options_.progress != nullptr) {
      options_.progress->add_total(runs);
    }
  }

  void advance(const Group& group, size_t turns, size_t expected) const {
    if (options_.progress != nullptr && turns <= expected) {
      options_.progress->advance(group.lanes.size());
    }
  }

  const BenchOptions& options_;
  RunLimits limits_;
  std::vector<Group> groups_;
};

}  // namespace

RunLimits limits_of(const BenchOptions& options) {
  if (!options.runs && !options.duration_s) {
    return {kDefaultRuns, kDefaultSeconds, kDefaultMostRuns};
  }
  return {options.runs.value_or(kDefaultRuns), options.duration_s.value_or(0), std::numeric_limits<int64_t>::max()};
}

std::vector<BenchRow> measure(std::vector<Contestant>& contestants, const BenchOptions& options) {
  return Measurement(contestants, options).run();
}

}  // namespace bertjit
