// The functions, modules and layers of testdata/source/corpus, compiled and run: what Python answers for each is in
// corpus.json (scripts/testdata_source.py, torch 2.13.0). tools/bertjit/corpus_test.cpp takes them through the program.
#include <nlohmann/json.hpp>

#include "infer/input_spec.h"
#include "infer/random_state.h"
#include "infer/values.h"
#include "record/interpreter.h"
#include "record/record.h"
#include "script/script.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

using nlohmann::json;

const json& corpus() {
  static const json document = json::parse(testing::read_bytes(testing::testdata("source/corpus.json")));
  return document;
}

std::string source_of(const json& entry) {
  return (testing::testdata("source/corpus") / entry.at("source").get<std::string>()).string();
}

bool is_random(const json& entry) {
  const auto& findings = entry.at("findings");
  return std::find(findings.begin(), findings.end(), "nondeterminism") != findings.end();
}

/// The inputs of a test in the order of the arguments.
torch::jit::Stack inputs_of(const Object& callable, const json& inputs) {
  torch::jit::Stack values;
  for (const auto& parameter : parameters_of(callable)) {
    if (inputs.contains(parameter.name)) {
      values.push_back(value_from_json(inputs.at(parameter.name), parameter.annotation, parameter.name));
    }
  }
  REQUIRE(values.size() == inputs.size());
  return values;
}

std::vector<c10::TypePtr> types_of(const Object& callable, const torch::jit::Stack& values) {
  std::vector<c10::TypePtr> types;
  for (const auto& value : values) {
    types.push_back(type_of_example(value));
  }
  types.resize(parameters_of(callable).size());
  return types;
}

Program traceable(const Object& callable, const torch::jit::Stack& values) {
  return compile_program(callable, types_of(callable, values), CompileMode::kTrace);
}

/// Fails the test where `output` is not what Python answered, within 1e-5 + 1e-5 of it. Of random outputs only dtype
/// and shape count.
void check_output(const c10::IValue& output, const json& expected, bool random) {
  auto leaves = leaves_of(output, "");
  std::sort(leaves.begin(), leaves.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  REQUIRE(leaves.size() == expected.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    const json& wanted = expected[i];
    INFO("output " << i << " (" << leaves[i].name << ")");
    REQUIRE(leaves[i].value.isTensor());
    const at::Tensor tensor = leaves[i].value.toTensor().detach();
    CHECK(c10::toString(tensor.scalar_type()) == std::string(wanted.at("dtype") == "float32"   ? "Float"
                                                             : wanted.at("dtype") == "float64" ? "Double"
                                                             : wanted.at("dtype") == "int64"   ? "Long"
                                                                                               : "Bool"));
    REQUIRE(tensor.sizes().vec() == wanted.at("shape").get<std::vector<int64_t>>());
    std::vector<double> values;
    for (const auto& value : wanted.at("values")) {
      values.push_back(value.is_boolean() ? static_cast<double>(value.get<bool>()) : value.get<double>());
    }
    const at::Tensor numbers = at::tensor(values, at::kDouble).view(tensor.sizes());
    CHECK((random || at::allclose(tensor.to(at::kDouble), numbers, 1e-5, 1e-5)));
  }
}

/// Runs `test` and fails the case, naming the entry, for what it throws.
template <typename Test>
void guarded(const json& entry, const Test& test) {
  INFO(entry.at("source"));
  try {
    test();
  } catch (const std::exception& error) {
    FAIL_CHECK(entry.at("source") << ": " << error.what());
  }
}

}  // namespace

TEST_CASE("corpus: what is compiled for tracing computes what Python computes") {
  for (const auto& entry : corpus().at("entries")) {
    for (const auto& test : entry.at("keep")) {
      guarded(entry, [&] {
        const Object callable = open_script(source_of(entry), 0).callable;
        if (callable.as<CompiledFunctionObject>() != nullptr) {
          return;  // compiled as it is
        }
        torch::jit::Stack values = inputs_of(callable, test.at("inputs"));
        const Program program = traceable(callable, values);
        RandomState::seeded(0).restore();
        check_output(interpret(program, std::move(values)), test.at("outputs"), false);
      });
    }
  }
}

TEST_CASE("corpus: a recording computes what Python computes, on all inputs that keep its path") {
  for (const auto& entry : corpus().at("entries")) {
    guarded(entry, [&] {
      for (const auto& test : entry.at("keep")) {
        // Opened anew each time: a module may count what it has seen.
        const Object callable = open_script(source_of(entry), 0).callable;
        if (callable.as<CompiledFunctionObject>() != nullptr) {
          return;
        }
        const torch::jit::Stack example = inputs_of(callable, entry.at("example"));
        Recording recording = record_program(traceable(callable, example), example, {});
        INFO(recording.module.get_method("forward").graph()->toString());
        RandomState::seeded(0).restore();
        check_output(recording.module.forward(inputs_of(callable, test.at("inputs"))), test.at("outputs"),
                     is_random(entry));
      }
    });
  }
}

TEST_CASE("corpus: every layer, scripted, computes what Python computes") {
  size_t layers = 0;
  for (const auto& entry : corpus().at("entries")) {
    if (!entry.at("source").get<std::string>().starts_with("layers.py:")) {
      continue;
    }
    ++layers;
    guarded(entry, [&] {
      const Object callable = open_script(source_of(entry), 0).callable;
      const Program program = compile_program(callable, {}, CompileMode::kScript);
      REQUIRE(program.self.has_value());
      torch::jit::Module module = *program.self;
      for (const auto& test : entry.at("keep")) {
        check_output(module.forward(inputs_of(callable, test.at("inputs"))), test.at("outputs"), is_random(entry));
      }
    });
  }
  CHECK(layers >= 70);
}

}  // namespace bertjit
