#include "mutate/mutate.h"

#include <algorithm>
#include <map>
#include <set>

#include <ATen/ATen.h>

#include "module/load.h"
#include "testing/error_of.h"
#include "trace/trace.h"

namespace bertjit {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::testdata;

namespace {

std::string traced(const std::string& model, const fs::path& path, AttentionKind attention) {
  TraceOptions options;
  options.source.path = testdata(model).string();
  options.source.model.attention = attention;
  options.source.model.tie = Tie::kShare;
  options.output = path.string();
  REQUIRE(trace(options).passed);
  return options.output;
}

std::map<std::string, at::Tensor> parameters(const LoadedModule& loaded) {
  std::map<std::string, at::Tensor> result;
  for (const auto& item : loaded.module.named_parameters()) {
    result.emplace(item.name, item.value);
  }
  return result;
}

/// Whether `name` is a weight of one of `modules` or below it.
bool lies_in(const std::string& name, const std::vector<std::string>& modules) {
  return std::ranges::any_of(
      modules, [&](const std::string& module) { return module.empty() || name.starts_with(module + "."); });
}

std::vector<c10::IValue> example() {
  const at::Tensor ids = at::arange(2 * 9, at::kLong).mul(7).remainder(120).add(5).view({2, 9});
  at::Tensor mask = at::ones_like(ids);
  mask[1].narrow(0, 6, 3).zero_();
  at::Tensor segments = at::zeros_like(ids);
  segments.narrow(1, 4, 5).fill_(1);
  return {ids, mask, segments};
}

/// Every tensor that forward gives, one after the other.
std::vector<at::Tensor> run(const std::string& path) {
  LoadedModule loaded = load_module(path);
  const at::NoGradGuard no_grad;
  const c10::IValue output = loaded.module.forward(example());
  std::vector<at::Tensor> tensors;
  for (const auto& item : output.isTuple() ? output.toTupleRef().elements().vec() : std::vector{output}) {
    tensors.push_back(item.toTensor());
  }
  return tensors;
}

bool are_equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::ranges::equal(a, b, [](const at::Tensor& x, const at::Tensor& y) {
    return x.scalar_type() == y.scalar_type() && at::equal(x, y);
  });
}

/// What shows after the run.
const std::set<std::string> kSameOutputs = {"argument_changed"};

}  // namespace

TEST_CASE("mutate: there are at least 30 mutations, each with a name of its own") {
  std::set<std::string> names;
  for (const Mutation& mutation : all_mutations()) {
    CHECK(std::string(mutation.description) != "");
    names.insert(mutation.name);
  }
  CHECK(names.size() == all_mutations().size());
  CHECK(names.size() >= 30);
}

TEST_CASE("mutate: the same seed gives the same bytes, and every mutation gives others than the good file's") {
  const TempDir dir;
  const std::string good = traced("tiny-bert-mlm", dir / "good.pt", AttentionKind::kEager);
  fs::create_directory(dir / "again");
  for (const Mutation& mutation : all_mutations()) {
    INFO(mutation.name);
    const auto first = mutate_file(mutation.name, good, dir / "broken.pt", {.seed = 3});
    const auto second = mutate_file(mutation.name, good, dir / "again" / "broken.pt", {.seed = 3});
    REQUIRE(first.has_value() == second.has_value());
    if (first) {
      CHECK(first->what == second->what);
      CHECK_FALSE(first->where.empty());
      CHECK(testing::read_bytes(dir / "broken.pt") == testing::read_bytes(dir / "again" / "broken.pt"));
      CHECK(testing::read_bytes(dir / "broken.pt") != testing::read_bytes(good));
      fs::remove(dir / "broken.pt");
      fs::remove(dir / "again" / "broken.pt");
    } else {
      CHECK_FALSE(fs::exists(dir / "broken.pt"));
    }
  }
}

TEST_CASE("mutate: a change of weights touches those of the module that it names, and no code") {
  const TempDir dir;
  const std::string good = traced("tiny-bert-mlm", dir / "good.pt", AttentionKind::kSdpa);
  const LoadedModule intact = load_module(good);
  const auto expected = parameters(intact);
  for (const Mutation& mutation : all_mutations()) {
    if (mutation.kind != MutationKind::kWeights) {
      continue;
    }
    for (const uint64_t seed : {1, 2, 3}) {
      INFO(mutation.name << " seed " << seed);
      const auto mutated = mutate_file(mutation.name, good, dir / "broken.pt", {.seed = seed});
      REQUIRE(mutated);
      const LoadedModule loaded = load_module(dir / "broken.pt");
      size_t changed = 0;
      for (const auto& [name, value] : parameters(loaded)) {
        if (!at::equal(value, expected.at(name))) {
          ++changed;
          INFO(name << " is not in " << mutated->where.front());
          CHECK(lies_in(name, mutated->where));
        }
      }
      CHECK(changed > 0);
    }
  }
}

TEST_CASE("mutate: changed code loads, and where it runs on the example it gives other outputs") {
  const TempDir dir;
  for (const AttentionKind attention : {AttentionKind::kEager, AttentionKind::kSdpa}) {
    const std::string good = traced("tiny-bert", dir / "good.pt", attention);
    const auto expected = run(good);
    for (const Mutation& mutation : all_mutations()) {
      if (mutation.kind != MutationKind::kCode) {
        continue;
      }
      INFO(mutation.name << " " << attention_name(attention));
      const auto mutated = mutate_file(mutation.name, good, dir / "broken.pt", {.seed = 5, .batch = 2, .length = 9});
      if (!mutated) {
        continue;
      }
      const bool is_baked =
          std::string(mutation.name).ends_with("_baked") && mutation.name != std::string("mask_baked");
      CHECK(are_equal(run((dir / "broken.pt").string()), expected) ==
            (is_baked || kSameOutputs.contains(mutation.name)));
    }
  }
}

TEST_CASE("mutate: claims change, and nothing else; waste leaves outputs as they are") {
  const TempDir dir;
  const std::string good = traced("tiny-bert-mlm", dir / "good.pt", AttentionKind::kSdpa);
  const std::string claims = claims_to_json(*load_module(good).claims);
  const auto expected = run(good);
  for (const Mutation& mutation : all_mutations()) {
    const bool is_claim = mutation.kind == MutationKind::kClaims;
    if (!is_claim && mutation.kind != MutationKind::kWaste) {
      continue;
    }
    INFO(mutation.name);
    if (mutate_file(mutation.name, good, dir / "broken.pt", {.seed = 1})) {
      CHECK(are_equal(run((dir / "broken.pt").string()), expected));
      CHECK((claims_to_json(*load_module(dir / "broken.pt").claims) != claims) == is_claim);
    }
  }
}

TEST_CASE("mutate: a mutation that nobody knows is an error") {
  const TempDir dir;
  CHECK(testing::error_of([&] { mutate_file("no_such", dir / "a.pt", dir / "b.pt"); }).kind() ==
        ErrorKind::kInvalidArgument);
}

}  // namespace bertjit
