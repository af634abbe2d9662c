// The shared corpus of faulty and clean exports, made with torch 2.13.0 and transformers 4.57.6: each file beside the
// network of its checkpoint, and beside the network rebuilt from the file itself.
#include <filesystem>

#include <nlohmann/json.hpp>

#include "locate/locate_testing.h"
#include "locate/weight_names.h"
#include "recognise/recognise.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

struct Case {
  nlohmann::json label;
  LoadedModule module;
  BoundBatch inputs;
  Batch named;
};

Case open_case(const std::string& number) {
  const fs::path folder = testing::shared("faults/case-" + number);
  Case item{nlohmann::json::parse(testing::read_bytes(folder / "case.json")), load_module(folder / "model.pt"), {}, {}};
  const ModuleRunner runner(item.module, "model.pt");
  item.named = read_batch(folder / "inputs.npz", runner.signature());
  item.inputs = bind_batch(item.named, runner.signature());
  return item;
}

Location against_source(const std::string& number) {
  const Case item = open_case(number);
  const fs::path folder = testing::shared("faults/case-" + number);
  const auto model = build_model(open_checkpoint(folder / item.label.at("source").get<std::string>()), {});
  RecordableModel reference(*model, "the checkpoint");
  LocateOptions options;
  const Recognition known = recognise(item.module, std::nullopt);
  if (!known.has_names) {
    options.weights = known.weights;
  }
  return locate(item.module.module, item.inputs, reference, bind_batch(item.named, reference.signature()), options);
}

Location against_itself(const std::string& number) {
  const Case item = open_case(number);
  const Recognition known = recognise(item.module, std::nullopt);
  if (!known.recognised()) {
    return {.why_not = known.why_not};
  }
  const auto network = rebuild(known);
  RecordableModel reference(*network, "the rebuilt network");
  LocateOptions options;
  options.weights = known.has_names ? options.weights : known.weights;
  const auto inputs = network_inputs(known, *network, item.inputs.tensors());
  return locate(item.module.module, item.inputs, reference,
                {"rebuilt", {inputs.begin(), inputs.end()}, std::vector<std::string>(inputs.size(), "given")}, options);
}

}  // namespace

TEST_CASE("locate: faults of the shared corpus are found where their labels say") {
  SKIP_WITHOUT_SHARED("faults");
  // Swapped layers and another checkpoint's weights show first in the first layer that uses them.
  for (const std::string number : {"006", "009", "012", "024", "026"}) {
    const std::string where = open_case(number).label.at("where");
    const Location location = against_source(number);
    INFO(number << " " << where << "\n" << testing::text_of(location));
    REQUIRE(location.found);
    const bool is_record = location.code_record == where;
    const bool is_module = is_within(location.module, where) || location.module.ends_with("." + where) ||
                           std::ranges::find(location.also, where) != location.also.end();
    CHECK((is_record || is_module));
  }
  for (const std::string number : {"008", "013"}) {
    CHECK_THAT(against_source(number).module, Catch::Matchers::EndsWith("embeddings.word_embeddings"));
  }
  CHECK_THAT(against_source("018").op, Catch::Matchers::Contains("train=True"));
}

TEST_CASE("locate: clean files of the shared corpus are not accused, beside their source or themselves rebuilt") {
  SKIP_WITHOUT_SHARED("faults");
  for (const std::string number : {"001", "003", "004", "007", "014", "015", "016", "021", "023", "025"}) {
    const Location source = against_source(number);
    INFO(number << "\n" << testing::text_of(source));
    CHECK(!source.found);
    const Location rebuilt = against_itself(number);
    INFO(number << "\n" << testing::text_of(rebuilt));
    CHECK(!rebuilt.found);
  }
}

TEST_CASE("locate: wrong code is found with the network rebuilt from the file itself") {
  SKIP_WITHOUT_SHARED("faults");
  const Location pooler = against_itself("006");
  INFO(testing::text_of(pooler));
  CHECK(pooler.module == "pooler.activation");
  CHECK(pooler.expected_op == "aten::tanh");
}

}  // namespace bertjit
