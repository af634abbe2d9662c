// `--input NAME=SPEC`, for arguments of many types.
#include "infer/input_spec.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cctype>
#include <cmath>

#include "fuzz/fuzz.h"

using namespace bertjit;

namespace {

const std::vector<c10::TypePtr>& argument_types() {
  static const std::vector<c10::TypePtr> types{
      nullptr,
      c10::TensorType::get(),
      c10::IntType::get(),
      c10::StringType::get(),
      c10::OptionalType::create(c10::FloatType::get()),
      c10::ListType::create(c10::IntType::get()),
      c10::TupleType::create({c10::TensorType::get(), c10::ListType::ofFloats()}),
      c10::DictType::create(c10::StringType::get(), c10::TensorType::get()),
      c10::UnionType::create({c10::IntType::get(), c10::StringType::get(), c10::TensorType::get()})};
  return types;
}

/// A word such as ones:4000x4000 is meant to take memory; what its numbers come to is kept small here.
bool asks_for_much(std::string_view text) {
  double product = 1;
  for (size_t i = 0; i < text.size();) {
    double number = 0;
    for (; i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0; ++i) {
      number = number * 10 + (text[i] - '0');
    }
    product *= std::max(number, 1.0);
    i += i < text.size() ? 1 : 0;
  }
  return product > 1e6 &&
         (text.find("rand") != text.npos || text.find("ones:") != text.npos || text.find("zeros:") != text.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::as_text(data, size));
  if (asks_for_much(text)) {
    return -1;
  }
  const InputSpec spec = split_input_spec(text);
  fuzz::answers([&] { parse_shape(text); });
  for (const auto& type : argument_types()) {
    at::Generator generator = at::detail::createCPUGenerator(1);
    fuzz::answers([&] { parse_input_spec(spec.spec, type, generator, text); });
  }
  return 0;
}
