#include "infer/input_spec.h"

#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/frontend/script_type_parser.h>

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;

namespace {

c10::TypePtr type(const std::string& text) {
  return text.empty() ? nullptr : torch::jit::ScriptTypeParser().parseType(text);
}

/// The value for an argument of that type; "" for none declared.
c10::IValue value(const std::string& text, const std::string& type_name, uint64_t seed = 7) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return parse_input_spec(split_input_spec(text).spec, type(type_name), generator, text);
}

at::Tensor spec(const std::string& text, uint64_t seed = 7) {
  return value(text, "Tensor", seed).toTensor();
}

std::vector<double> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kDouble).flatten().contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::string refusal(const std::string& text, const std::string& type_name = "Tensor") {
  const Error error = error_of([&] { value(text, type_name); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("input spec: a JSON literal is int64 or float32, with or without a name") {
  CHECK(split_input_spec("input_ids=[[101, 7592, 102]]").name == "input_ids");
  const at::Tensor named = spec("input_ids=[[101, 7592, 102]]");
  CHECK(named.scalar_type() == at::kLong);
  CHECK(named.sizes() == at::IntArrayRef({1, 3}));
  CHECK(values(named) == std::vector<double>{101, 7592, 102});
  CHECK(split_input_spec("[[1], [2]]").name.empty());
  CHECK(split_input_spec("{\"a=b\": 1}").name.empty());
  CHECK(spec("[1, 2.5]").scalar_type() == at::kFloat);
  CHECK(spec("9007199254740993").item<int64_t>() == 9007199254740993);  // 2^53 + 1
  // torch.tensor(…) of each in Python, torch 2.13.0.
  CHECK(spec("[true, false]").scalar_type() == at::kBool);
  CHECK(spec("[True, 2]").scalar_type() == at::kLong);
  CHECK(spec("[true, 0.5]").scalar_type() == at::kFloat);
  CHECK(spec("0.5").scalar_type() == at::kFloat);
  CHECK(spec("true").scalar_type() == at::kBool);
  CHECK(std::isnan(spec("[1, nan]")[1].item<float>()));
  CHECK(spec("-inf").item<float>() == -std::numeric_limits<float>::infinity());
  CHECK(spec("5").sizes().empty());
  CHECK(values(spec("x=-3")) == std::vector<double>{-3});
}

TEST_CASE("input spec: made tensors have the shape, the default dtype and the dtype asked for") {
  CHECK(spec("rand:3x4x5").sizes() == at::IntArrayRef({3, 4, 5}));
  CHECK(spec("rand:2").scalar_type() == at::kFloat);
  CHECK(spec("randn:2x2").scalar_type() == at::kFloat);
  CHECK(spec("ones:2x7").scalar_type() == at::kLong);
  CHECK(values(spec("zeros:1x2")) == std::vector<double>{0, 0});
  CHECK(values(spec("mask=ones:1x2")) == std::vector<double>{1, 1});
  CHECK(spec("randint(0,100):2x7").scalar_type() == at::kLong);
  CHECK(spec("ones:2x7:float32").scalar_type() == at::kFloat);
  CHECK(spec("[[1, 2]]:int32").scalar_type() == at::kInt);
  CHECK(spec("randn:2:float16").scalar_type() == at::kHalf);
  CHECK(spec("randint(0,2):4:bool").scalar_type() == at::kBool);
  CHECK(spec("rand:").sizes().empty());
  CHECK(spec("ones::float64").scalar_type() == at::kDouble);
}

TEST_CASE("input spec: random numbers are those of torch.manual_seed(7) in Python") {
  // Python, torch 2.13.0: torch.manual_seed(7) before each of rand(2, 2), randn(2, 2), randn(4, 5) (16 numbers and more
  // are made another way), randint(0, 100, (2, 3)), randint(-5, 5, (2, 3)).
  const auto close = [](const at::Tensor& tensor, const std::vector<float>& expected) {
    REQUIRE(tensor.numel() == static_cast<int64_t>(expected.size()));
    CHECK(at::equal(tensor.flatten(), at::tensor(expected)));
  };
  close(spec("rand:2x2"), {0.53492254f, 0.198803186f, 0.659211695f, 0.656890273f});
  // The last bits of log and cos differ between vector instruction sets.
  const auto near = [](const at::Tensor& tensor, const std::vector<float>& expected) {
    REQUIRE(tensor.numel() == static_cast<int64_t>(expected.size()));
    CHECK(at::allclose(tensor.flatten(), at::tensor(expected), 1e-6, 1e-6));
  };
  near(spec("randn:2x2"), {-0.146795094f, 0.786141276f, 0.94682163f, -1.114344f});
  near(spec("randn:4x5"),
       {-0.820134521f, 0.395631164f,  0.898908496f,  -1.38840389f,   0.198445052f, 0.782072663f, 1.03910768f,
        -0.724510729f, -0.848908603f, -1.21692944f,  -0.0810215846f, 1.36148512f,  -2.0614779f,  0.674100697f,
        -1.32334578f,  -1.35976899f,  -0.866701603f, -0.564006686f,  -2.05646253f, -0.356722534f});
  CHECK(values(spec("randint(0,100):2x3")) == std::vector<double>{15, 92, 21, 86, 83, 47});
  CHECK(values(spec("randint(-5,5):2x3")) == std::vector<double>{0, -3, -4, 1, -2, 2});
}

TEST_CASE("input spec: the same seed gives the same numbers, whatever was drawn before; another seed others") {
  const at::Tensor first = spec("rand:4", 1);
  at::rand({100});
  CHECK(at::equal(spec("rand:4", 1), first));
  CHECK_FALSE(at::equal(spec("rand:4", 2), first));
}

TEST_CASE("input spec: what is wrong is said with the word itself") {
  CHECK_THAT(refusal("[[1, 2], [3]]"), Equals("input '[[1, 2], [3]]': its lists are not all of one length"));
  CHECK_THAT(refusal("[1, [2]]"), Contains("not all of one length"));
  CHECK_THAT(refusal("[[1], 2]"), Contains("not all of one length"));
  CHECK_THAT(refusal("[]"), Contains("holds an empty list"));
  CHECK_THAT(refusal("[[], []]"), Contains("holds an empty list"));
  CHECK_THAT(refusal("[1, 2"), Equals("input '[1, 2': expected ',' or ']' before its end"));
  CHECK_THAT(refusal("[1, 2]]"), Equals("input '[1, 2]]': ']' is left over"));
  CHECK_THAT(refusal("[1 2]"), Equals("input '[1 2]': expected ',' or ']' before 2"));
  CHECK_THAT(refusal("[1, x]"), Contains("expected a JSON list or KIND:SHAPE"));
  CHECK_THAT(refusal("[1]:int7"), Equals("input '[1]:int7': 'int7' is no dtype"));
  CHECK_THAT(refusal("99999999999999999999"), Contains("holds a whole number beyond int64"));
  CHECK_THAT(refusal("{a: 1}"), Contains("'a' is no key: a key is a quoted text or a whole number"));
  CHECK_THAT(refusal("{\"a\" 1}"), Contains("expected ':' before 1"));
  CHECK_THAT(refusal("[\"a]"), Contains("a text has no closing quote"));
  CHECK_THAT(refusal("[\"a\"]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[null]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[{}]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[1e999]"), Contains("expected a JSON list or KIND:SHAPE"));
  CHECK_THAT(refusal("ids=blub:1x7"),
             Equals("input 'ids=blub:1x7': 'blub' is not known (known: rand, randn, ones, zeros, randint(LOW,HIGH), or "
                    "a JSON list)"));
  CHECK_THAT(refusal("randint(5,5):1"), Contains("expected randint(LOW,HIGH) with LOW below HIGH"));
  CHECK_THAT(refusal("randint(5):1"), Contains("expected randint(LOW,HIGH)"));
  CHECK_THAT(refusal("randint(a,b):1"), Contains("expected randint(LOW,HIGH)"));
  CHECK_THAT(refusal("ones:1x7:int7"), Equals("input '1x7:int7': expected a shape such as 8x128"));
  CHECK_THAT(refusal("hello"), Contains("expected a JSON list or KIND:SHAPE"));
  CHECK_THAT(refusal(""), Contains("expected a JSON list or KIND:SHAPE"));
  CHECK_THAT(refusal("ids="), Contains("expected a JSON list or KIND:SHAPE"));
  const std::string deep(17, '[');
  CHECK_THAT(refusal(deep + "1" + std::string(17, ']')), Contains("nested more than 16 deep"));
}

TEST_CASE("input spec: what random words of one command draw follows from one to the next, as in Python") {
  // Python, torch 2.13.0: torch.manual_seed(7); torch.rand(3); torch.rand(3); torch.randn(2); torch.randint(0, 100,
  // (2,)); torch.rand(()).
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const auto next = [&](const std::string& text) {
    return parse_input_spec(text, c10::TensorType::get(), generator, text).toTensor();
  };
  CHECK(at::equal(next("rand:3"), at::tensor({0.53492254f, 0.198803186f, 0.659211695f})));
  CHECK(at::equal(next("rand:3"), at::tensor({0.656890273f, 0.232761562f, 0.425061405f})));
  CHECK(at::allclose(next("randn:2"), at::tensor({-1.25140011f, -1.88406754f}), 1e-6, 1e-6));
  CHECK(at::equal(next("randint(0,100):2"), at::tensor({58, 31}, at::kLong)));
  CHECK(next("rand:").item<float>() == 0.286839008f);
  // In one word they are drawn from left to right.
  const auto pair = value("[rand:3, rand:3]", "List[Tensor]").toTensorVector();
  CHECK(at::equal(pair.at(0), at::tensor({0.53492254f, 0.198803186f, 0.659211695f})));
  CHECK(at::equal(pair.at(1), at::tensor({0.656890273f, 0.232761562f, 0.425061405f})));
}

TEST_CASE("input spec: a declared type says what a literal means") {
  CHECK(value("n=12", "int").toInt() == 12);
  CHECK(value("n=12", "float").toDouble() == 12);
  CHECK(value("n=12", "Tensor").toTensor().dim() == 0);
  CHECK(value("n=12", "Optional[int]").toInt() == 12);
  CHECK(value("n=None", "Optional[int]").isNone());
  CHECK(value("n=null", "Optional[Tensor]").isNone());
  CHECK(value("flag=true", "bool").toBool());
  CHECK(value("mode=sum", "str").toStringRef() == "sum");
  CHECK(value("mode=\"a b\"", "str").toStringRef() == "a b");
  CHECK(value("mode='it\\'s'", "str").toStringRef() == "it's");
  CHECK(value("mode=ones:1x2", "str").toStringRef() == "ones:1x2");
  CHECK(value("mode=None", "Optional[str]").isNone());
  CHECK(value("sizes=[2, 3]", "List[int]").toIntVector() == std::vector<int64_t>{2, 3});
  CHECK(value("sizes=(2, 3)", "List[int]").toIntVector() == std::vector<int64_t>{2, 3});
  CHECK(value("sizes=[2, 3]", "List[float]").toDoubleVector() == std::vector<double>{2, 3});
  CHECK(value("sizes=[]", "List[int]").isIntList());
  CHECK(value("xs=[[1, 2], [3]]", "List[Tensor]").toTensorVector().at(0).sizes() == at::IntArrayRef({2}));
  CHECK(value("xs=[[1, 2], [3]]", "List[List[int]]").toListRef()[1].toIntVector() == std::vector<int64_t>{3});
  CHECK(value("x=[1, 2]:int32", "Optional[Tensor]").toTensor().scalar_type() == at::kInt);
  const c10::IValue pair = value("p=([1.5], 2)", "Tuple[Tensor, int]");
  CHECK(pair.toTupleRef().elements()[0].toTensor().scalar_type() == at::kFloat);
  CHECK(pair.toTupleRef().elements()[1].toInt() == 2);
  const c10::IValue dict = value("d={\"h\": rand:2, 'c': [1]:float32}", "Dict[str, Tensor]");
  CHECK(dict.type()->annotation_str() == "Dict[str, Tensor]");
  CHECK(dict.toGenericDict().at("c").toTensor().scalar_type() == at::kFloat);
  CHECK(value("d={1: 2}", "Dict[int, int]").toGenericDict().at(int64_t{1}).toInt() == 2);
  CHECK(value("d={}", "Dict[str, int]").type()->annotation_str() == "Dict[str, int]");
}

TEST_CASE("input spec: where no type is declared, numbers and lists of numbers are tensors, other lists are lists") {
  CHECK(value("5", "").toTensor().dim() == 0);
  CHECK(value("[[1, 2], [3, 4]]", "").toTensor().sizes() == at::IntArrayRef({2, 2}));
  CHECK(value("[rand:3, rand:4]", "").type()->annotation_str() == "List[Tensor]");
  CHECK(value("[[1, 2], rand:4]", "").toTensorVector().size() == 2);
  CHECK(value("(rand:3, [1], 4)", "").type()->annotation_str() == "Tuple[Tensor, Tensor, Tensor]");
  CHECK(value("{'x': [1, 2], 'y': rand:4}", "").type()->annotation_str() == "Dict[str, Tensor]");
  CHECK(value("(rand:3, (rand:3, {'k': rand:2}))", "").type()->annotation_str() ==
        "Tuple[Tensor, Tuple[Tensor, Dict[str, Tensor]]]");
  CHECK(value("'text'", "").toStringRef() == "text");
  CHECK(value("none=None", "").isNone());
}

TEST_CASE("input spec: what does not fit the declared type is left as Python has it, for binding to refuse") {
  CHECK(value("n=0.5", "int").isDouble());
  CHECK(value("n='a'", "int").isString());
  CHECK(value("xs=[1, 'a']", "List[int]").type()->annotation_str() == "List[Any]");
  CHECK(value("p=(1, 2, 3)", "Tuple[int, int]").type()->annotation_str() == "Tuple[int, int, int]");
  CHECK_THAT(refusal("n=fast", "int"), Contains("expected a JSON list or KIND:SHAPE"));
}

TEST_CASE("input spec: JSON of a file means the same") {
  const auto of_json = [](const std::string& text, const std::string& type_name) {
    return value_from_json(nlohmann::json::parse(text), type(type_name), "x.json: x");
  };
  CHECK(of_json("[[1, 2]]", "Tensor").toTensor().scalar_type() == at::kLong);
  CHECK(of_json("[[1, 2], [3]]", "List[Tensor]").toTensorVector().at(1).sizes() == at::IntArrayRef({1}));
  CHECK(of_json("{\"h\": [1.5]}", "Dict[str, Tensor]").toGenericDict().at("h").toTensor().item<float>() == 1.5F);
  CHECK(of_json("[[1], 2]", "Tuple[Tensor, int]").toTupleRef().elements()[1].toInt() == 2);
  CHECK(of_json("null", "Optional[int]").isNone());
  CHECK(of_json("\"sum\"", "str").toStringRef() == "sum");
  CHECK_THAT(error_of([&] { of_json("\"sum\"", "Tensor"); }).what(),
             Equals("input 'x.json: x': holds something that is no number"));
  CHECK_THAT(error_of([&] { of_json("18446744073709551615", "Tensor"); }).what(), Contains("beyond int64"));
}

TEST_CASE("input spec: shapes") {
  CHECK(parse_shape("8x128") == std::vector<int64_t>{8, 128});
  CHECK(parse_shape("7") == std::vector<int64_t>{7});
  for (const char* wrong : {"", "x", "8x", "x8", "0x7", "-1x7", "8*7", "8 x 7", "1.5"}) {
    INFO(wrong);
    CHECK_THAT(error_of([&] { parse_shape(wrong); }).what(), Contains("expected a shape such as 8x128"));
  }
  for (const char* large : {"1x2147483649", "65536x65536", "99999999x99999999"}) {
    INFO(large);
    CHECK_THAT(error_of([&] { parse_shape(large); }).what(), Contains("a tensor of that shape has more than"));
  }
}

}  // namespace bertjit
