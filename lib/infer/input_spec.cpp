#include "infer/input_spec.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "infer/spec_node.h"

namespace bertjit {

namespace {

// A typed shape should not be able to ask for all memory: 2^31 elements are 16 GiB of int64.
constexpr int64_t kMaxElements = int64_t{1} << 31;

constexpr const char* kExpected = "expected a JSON list or KIND:SHAPE, e.g. [[101, 102]] or ones:1x7";

constexpr const char* kBeyond = "holds a whole number beyond int64";

constexpr std::array<std::pair<const char*, at::ScalarType>, 10> kDTypes = {{{"bool", at::kBool},
                                                                             {"uint8", at::kByte},
                                                                             {"int8", at::kChar},
                                                                             {"int16", at::kShort},
                                                                             {"int32", at::kInt},
                                                                             {"int64", at::kLong},
                                                                             {"float16", at::kHalf},
                                                                             {"bfloat16", at::kBFloat16},
                                                                             {"float32", at::kFloat},
                                                                             {"float64", at::kDouble}}};

std::optional<at::ScalarType> find_dtype(std::string_view name) {
  for (const auto& [known, type] : kDTypes) {
    if (name == known) {
      return type;
    }
  }
  return std::nullopt;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

/// Python's or JSON's word for a value.
std::optional<SpecNode> parse_constant(std::string_view word) {
  if (word == "true" || word == "True" || word == "false" || word == "False") {
    return SpecNode::of_bool(word == "true" || word == "True");
  }
  if (word == "null" || word == "None") {
    return SpecNode{};
  }
  if (const auto integer = parse_number<int64_t>(word)) {
    return SpecNode::of_int(*integer);
  }
  const auto real = parse_number<double>(word);  // takes inf and nan too
  return real ? std::optional(SpecNode::of_float(*real)) : std::nullopt;
}

/// Reads a SPEC from left to right, and draws its random numbers on the way.
class SpecParser {
 public:
  SpecParser(std::string_view spec, at::Generator& generator, const std::string& text)
      : spec_(spec), generator_(generator), text_(text) {}

  SpecNode parse() {
    SpecNode node = parse_value(0);
    skip_space();
    if (position_ < spec_.size()) {
      refuse_spec(text_, "'" + std::string(spec_.substr(position_)) + "' is left over");
    }
    return node;
  }

 private:
  void skip_space() {
    while (position_ < spec_.size() && (spec_[position_] == ' ' || spec_[position_] == '\n')) {
      ++position_;
    }
  }
  char peek() {
    skip_space();
    return position_ < spec_.size() ? spec_[position_] : '\0';
  }
  bool take(char wanted) {
    const bool is_there = peek() == wanted;
    position_ += is_there ? 1 : 0;
    return is_there;
  }
  [[noreturn]] void refuse_here(const std::string& expected) {
    const std::string found = position_ < spec_.size() ? std::string(1, spec_[position_]) : "its end";
    refuse_spec(text_, "expected " + expected + " before " + found);
  }
  /// After an element: a comma, or the closing bracket, which stays.
  void end_element(char close) {
    if (peek() != close && !take(',')) {
      std::string expected = "',' or '";
      refuse_here((expected += close) + "'");
    }
  }

  SpecNode parse_value(size_t depth) {
    if (depth > kDeepestSpec) {
      refuse_spec(text_, "is nested more than " + std::to_string(kDeepestSpec) + " deep");
    }
    SpecNode node;
    switch (peek()) {
      case '[':
        node = parse_items(']', SpecNode::Kind::kList, depth);
        break;
      case '(':
        node = parse_items(')', SpecNode::Kind::kTuple, depth);
        break;
      case '{':
        node = parse_dict(depth);
        break;
      case '"':
      case '\'':
        node = parse_string();
        break;
      default:
        return parse_word();
    }
    if (position_ < spec_.size() && spec_[position_] == ':') {
      ++position_;
      const std::string_view name = take_word();
      node.dtype = find_dtype(name);
      if (!node.dtype) {
        refuse_spec(text_, "'" + std::string(name) + "' is no dtype");
      }
    }
    return node;
  }

  SpecNode parse_items(char close, SpecNode::Kind kind, size_t depth) {
    SpecNode node{.kind = kind};
    ++position_;
    while (!take(close)) {
      node.items.push_back(parse_value(depth + 1));
      end_element(close);
    }
    return node;
  }

  SpecNode parse_dict(size_t depth) {
    SpecNode node{.kind = SpecNode::Kind::kDict};
    ++position_;
    while (!take('}')) {
      node.keys.push_back(parse_key());
      if (!take(':')) {
        refuse_here("':'");
      }
      node.items.push_back(parse_value(depth + 1));
      end_element('}');
    }
    return node;
  }

  SpecNode parse_key() {
    if (peek() == '"' || peek() == '\'') {
      return parse_string();
    }
    const size_t end = std::min(spec_.find(':', position_), spec_.size());
    const std::string_view word = spec_.substr(position_, end - position_);
    const auto integer = parse_number<int64_t>(word);
    if (!integer) {
      refuse_spec(text_, "'" + std::string(word) + "' is no key: a key is a quoted text or a whole number");
    }
    position_ = end;
    return SpecNode::of_int(*integer);
  }

  /// Between quotes; a backslash stands for the character after it, n and t for line end and tab.
  SpecNode parse_string() {
    const char quote = spec_[position_++];
    std::string value;
    while (position_ < spec_.size() && spec_[position_] != quote) {
      char c = spec_[position_++];
      if (c == '\\' && position_ < spec_.size()) {
        c = spec_[position_++];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      value += c;
    }
    if (position_ == spec_.size()) {
      refuse_spec(text_, "a text has no closing quote");
    }
    ++position_;
    return SpecNode::of_string(std::move(value));
  }

  /// Up to what ends an element; the comma of randint(0,100) does not.
  std::string_view take_word() {
    const size_t begin = position_;
    int64_t depth = 0;
    for (; position_ < spec_.size(); ++position_) {
      const char c = spec_[position_];
      depth += c == '(' ? 1 : 0;
      if (depth == 0 && (c == ',' || c == ']' || c == '}' || c == ')' || c == ' ')) {
        break;
      }
      depth -= c == ')' ? 1 : 0;
    }
    return spec_.substr(begin, position_ - begin);
  }

  SpecNode parse_word() {
    std::string_view word = take_word();
    std::optional<at::ScalarType> dtype;
    if (const size_t colon = word.rfind(':'); colon != std::string_view::npos) {
      dtype = find_dtype(word.substr(colon + 1));
      word = dtype ? word.substr(0, colon) : word;
    }
    SpecNode node;
    const size_t colon = word.find(':');
    if (const auto constant = parse_constant(word)) {
      node = *constant;
      if (node.kind == SpecNode::Kind::kFloat && word.find_first_not_of("+-0123456789") == std::string_view::npos) {
        refuse_spec(text_, kBeyond);
      }
    } else if (colon != std::string_view::npos) {
      const std::string sizes(word.substr(colon + 1));
      node.kind = SpecNode::Kind::kTensor;
      node.tensor =
          make_tensor(std::string(word.substr(0, colon)), sizes.empty() ? std::vector<int64_t>{} : parse_shape(sizes));
    } else {
      refuse_spec(text_, kExpected);
    }
    node.dtype = dtype;
    return node;
  }

  at::Tensor make_tensor(const std::string& kind, const std::vector<int64_t>& shape) {
    if (kind == "rand") {
      return at::rand(shape, generator_);
    }
    if (kind == "randn") {
      return at::randn(shape, generator_);
    }
    if (kind == "ones" || kind == "zeros") {
      return at::full(shape, kind == "ones" ? 1 : 0, at::kLong);
    }
    if (kind.starts_with("randint(") && kind.ends_with(")")) {
      const std::string range = kind.substr(8, kind.size() - 9);
      const size_t comma = range.find(',');
      const auto low = parse_number<int64_t>(range.substr(0, comma));
      const auto high = comma == std::string::npos ? std::nullopt : parse_number<int64_t>(range.substr(comma + 1));
      if (!low || !high || *low >= *high) {
        refuse_spec(text_, "expected randint(LOW,HIGH) with LOW below HIGH");
      }
      return at::randint(*low, *high, shape, generator_, at::kLong);
    }
    refuse_spec(text_,
                "'" + kind + "' is not known (known: rand, randn, ones, zeros, randint(LOW,HIGH), or a JSON list)");
  }

  std::string_view spec_;
  at::Generator& generator_;
  const std::string& text_;
  size_t position_ = 0;
};

SpecNode node_of_json(const nlohmann::json& json, const std::string& name, size_t depth) {
  if (depth > kDeepestSpec) {
    refuse_spec(name, "is nested more than " + std::to_string(kDeepestSpec) + " deep");
  }
  if (json.is_structured()) {
    SpecNode node{.kind = json.is_array() ? SpecNode::Kind::kList : SpecNode::Kind::kDict};
    for (const auto& [key, item] : json.items()) {
      if (json.is_object()) {
        node.keys.push_back(SpecNode::of_string(key));
      }
      node.items.push_back(node_of_json(item, name, depth + 1));
    }
    return node;
  }
  if (json.is_string()) {
    return SpecNode::of_string(json.get<std::string>());
  }
  if (json.is_boolean()) {
    return SpecNode::of_bool(json.get<bool>());
  }
  if (json.is_number_float()) {
    return SpecNode::of_float(json.get<double>());
  }
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    refuse_spec(name, kBeyond);
  }
  return json.is_number() ? SpecNode::of_int(json.get<int64_t>()) : SpecNode{};
}

/// Whether texts are what is wanted, and so need no quotes.
bool takes_text(const c10::TypePtr& type) {
  const c10::TypePtr wanted = type != nullptr && type->kind() == c10::TypeKind::OptionalType
                                  ? type->expectRef<c10::OptionalType>().getElementType()
                                  : type;
  return wanted != nullptr &&
         (wanted->kind() == c10::TypeKind::StringType || wanted->kind() == c10::TypeKind::DeviceObjType);
}

}  // namespace

InputSpec split_input_spec(const std::string& text) {
  const size_t equals = text.find('=');
  const bool named = equals != std::string::npos && text.find_first_of("[:({\"'") > equals;
  return named ? InputSpec{text.substr(0, equals), text.substr(equals + 1)} : InputSpec{"", text};
}

c10::IValue parse_input_spec(const std::string& spec, const c10::TypePtr& type, at::Generator& generator,
                             const std::string& text) {
  const bool is_quoted = spec.starts_with("\"") || spec.starts_with("'");
  const bool is_none = spec == "None" || spec == "null";
  if (takes_text(type) && !is_quoted && !is_none) {
    return spec;
  }
  return value_of(SpecParser(spec, generator, text).parse(), type, text);
}

c10::IValue value_from_json(const nlohmann::json& json, const c10::TypePtr& type, const std::string& name) {
  return value_of(node_of_json(json, name, 0), type, name);
}

std::vector<int64_t> parse_shape(const std::string& text) {
  std::vector<int64_t> shape;
  int64_t elements = 1;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('x', begin), text.size());
    const auto size = parse_number<int64_t>(std::string_view(text).substr(begin, end - begin));
    if (!size || *size < 1) {
      refuse_spec(text, "expected a shape such as 8x128");
    }
    if (*size > kMaxElements || (elements *= *size) > kMaxElements) {
      refuse_spec(text, "a tensor of that shape has more than " + std::to_string(kMaxElements) + " elements");
    }
    shape.push_back(*size);
    begin = end + 1;
  }
  return shape;
}

}  // namespace bertjit
