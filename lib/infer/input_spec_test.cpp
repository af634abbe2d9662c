#include "infer/input_spec.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;

namespace {

at::Tensor spec(const std::string& text, uint64_t seed = 7) {
  return parse_input_spec(text, seed).tensor;
}

std::vector<double> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kDouble).flatten().contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::string refusal(const std::string& text) {
  const Error error = error_of([&] { parse_input_spec(text, 0); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

}  // namespace

TEST_CASE("input spec: a JSON literal is int64 or float32, with or without a name") {
  const NamedTensor named = parse_input_spec("input_ids=[[101, 7592, 102]]", 0);
  CHECK(named.name == "input_ids");
  CHECK(named.tensor.scalar_type() == at::kLong);
  CHECK(named.tensor.sizes() == at::IntArrayRef({1, 3}));
  CHECK(values(named.tensor) == std::vector<double>{101, 7592, 102});
  CHECK(parse_input_spec("[[1], [2]]", 0).name.empty());
  CHECK(spec("[1, 2.5]").scalar_type() == at::kFloat);
  CHECK(spec("[true, false]").scalar_type() == at::kLong);
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
  CHECK_THAT(refusal("[1, 2"), Contains("is not valid JSON"));
  CHECK_THAT(refusal("[\"a\"]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[null]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[{}]"), Contains("holds something that is no number"));
  CHECK_THAT(refusal("[1e999]"), Contains("is not valid JSON"));
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

TEST_CASE("input spec: shapes") {
  CHECK(parse_shape("8x128") == std::vector<int64_t>{8, 128});
  CHECK(parse_shape("7") == std::vector<int64_t>{7});
  for (const char* wrong : {"", "x", "8x", "x8", "0x7", "-1x7", "8*7", "1x2147483649", "65536x65536", "8 x 7", "1.5"}) {
    INFO(wrong);
    CHECK_THAT(error_of([&] { parse_shape(wrong); }).what(), Contains("expected a shape such as 8x128"));
  }
}

}  // namespace bertjit
