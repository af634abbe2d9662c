// The format of a value: what stands behind the colon of an f-string, and the conversions of %.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "script/object_values.h"
#include "script/operators.h"
#include "script/python_error.h"
#include "script/python_text.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

// [[fill]align][sign][#][0][width][,][.precision][type]
struct Spec {
  std::string fill = " ";
  char align = '\0';
  char sign = '-';
  bool alternate = false;
  size_t width = 0;
  char group = '\0';
  int precision = -1;
  char type = '\0';
};

constexpr int kMost = 10'000;  ///< of widths and precisions

int read_number(const std::string& text, size_t& at, const SourceRange& where) {
  int number = 0;
  for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > kMost) {
      refuse(where, "ValueError: a format that is wider than " + std::to_string(kMost) + " is outside the subset");
    }
  }
  return number;
}

bool is_align(char c) {
  return c == '<' || c == '>' || c == '=' || c == '^';
}

Spec read_spec(const std::string& text, const SourceRange& where) {
  Spec spec;
  size_t at = 0;
  const auto here = [&] { return at < text.size() ? text[at] : '\0'; };
  const size_t fill = text.empty() ? 0 : characters_of(text).front().size();
  if (fill > 0 && fill < text.size() && is_align(text[fill])) {
    spec.fill = text.substr(0, fill);
    spec.align = text[fill];
    at = fill + 1;
  } else if (is_align(here())) {
    spec.align = text[at++];
  }
  if (here() == '+' || here() == '-' || here() == ' ') {
    spec.sign = text[at++];
  }
  if (here() == '#') {
    spec.alternate = true;
    ++at;
  }
  if (here() == '0') {
    ++at;
    if (spec.align == '\0') {
      spec.fill = "0";
      spec.align = '=';
    }
  }
  spec.width = static_cast<size_t>(read_number(text, at, where));
  if (here() == ',' || here() == '_') {
    spec.group = text[at++];
  }
  if (here() == '.') {
    const size_t first = ++at;
    spec.precision = read_number(text, at, where);
    if (at == first) {
      refuse(where, "ValueError: Format specifier missing precision");
    }
  }
  if (at < text.size()) {
    spec.type = text[at++];
  }
  if (at < text.size()) {
    refuse(where, "ValueError: Invalid format specifier '" + text + "'");
  }
  return spec;
}

std::string repeated(const std::string& text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

// `prefix` is a sign and 0x: what `=` fills behind.
std::string padded(const Spec& spec, const std::string& prefix, const std::string& body, char align) {
  const size_t size = count_characters(prefix) + count_characters(body);
  const size_t missing = spec.width > size ? spec.width - size : 0;
  const char used = spec.align != '\0' ? spec.align : align;
  const size_t left = used == '<' ? 0 : used == '^' ? missing / 2 : missing;
  if (used == '=') {
    return prefix + repeated(spec.fill, missing) + body;
  }
  return repeated(spec.fill, left) + prefix + body + repeated(spec.fill, missing - left);
}

std::string sign_of(bool negative, const Spec& spec) {
  return negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
}

// 1234567.5 -> 1,234,567.5
std::string grouped(const std::string& digits, char group, size_t every) {
  if (group == '\0') {
    return digits;
  }
  size_t whole = digits.find_first_not_of("0123456789abcdefABCDEF");
  whole = whole == std::string::npos ? digits.size() : whole;
  std::string result;
  for (size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % every == 0) {
      result += group;
    }
    result += digits[i];
  }
  return result + digits.substr(whole);
}

// Where grouped digits are filled with zeros, the zeros are grouped too, up to the width.
std::string filled(const Spec& spec, const std::string& prefix, std::string digits, size_t every) {
  if (spec.group != '\0' && spec.align == '=' && spec.fill == "0") {
    while (prefix.size() + grouped(digits, spec.group, every).size() < spec.width) {
      digits = "0" + digits;
    }
  }
  return padded(spec, prefix, grouped(digits, spec.group, every), '>');
}

std::string integer_digits(uint64_t value, unsigned base, bool upper) {
  std::string digits;
  do {
    digits += (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
    value /= base;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string format_integer(int64_t value, const Spec& spec, const SourceRange& where) {
  if (spec.precision >= 0) {
    refuse(where, "ValueError: Precision not allowed in integer format specifier");
  }
  const uint64_t size = value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  const unsigned base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : std::tolower(spec.type) == 'x' ? 16 : 10;
  const std::string mark = base != 10 && spec.alternate ? std::string("0") + spec.type : "";
  return filled(spec, sign_of(value < 0, spec) + mark, integer_digits(size, base, spec.type == 'X'),
                base == 10 ? 3 : 4);
}

std::string printed(const std::string& conversion, int precision, double value) {
  const int size = std::snprintf(nullptr, 0, conversion.c_str(), precision, value);
  std::string text(static_cast<size_t>(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), conversion.c_str(), precision, value);
  text.resize(static_cast<size_t>(size));
  return text;
}

// Without a type, digits are those of repr or, with a precision, of `g`; there is one behind the point, which counts.
std::string general_digits(double value, const Spec& spec) {
  if (spec.precision < 0) {
    return text_of(Object{c10::IValue(value)});
  }
  const int precision = std::max(spec.precision, 1);
  std::string scientific = printed("%.*e", precision - 1, value);
  const size_t e = scientific.find('e');
  if (std::atoi(scientific.c_str() + e + 1) < precision - 1) {
    const std::string digits = printed("%.*g", precision, value);
    return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  }
  if (scientific.find('.') < e) {
    const size_t last = scientific.find_last_not_of('0', e - 1);
    const size_t kept = scientific[last] == '.' ? last : last + 1;
    scientific.erase(kept, e - kept);
  }
  return scientific;
}

std::string format_float(double value, const Spec& spec) {
  const bool upper = std::isupper(static_cast<unsigned char>(spec.type)) != 0;
  const std::string sign = sign_of(std::signbit(value) && !std::isnan(value), spec);
  const double size = std::fabs(value);
  if (!std::isfinite(value)) {
    const std::string word = std::isnan(value) ? upper ? "NAN" : "nan" : upper ? "INF" : "inf";
    return padded(spec, sign, spec.type == '%' ? word + "%" : word, '>');
  }
  const int precision = spec.precision >= 0 ? spec.precision : 6;
  if (spec.type == '%') {
    return filled(spec, sign, printed("%.*f", precision, size * 100) + "%", 3);
  }
  if (spec.type == '\0') {
    return filled(spec, sign, general_digits(size, spec), 3);
  }
  const char type = spec.type == 'n' ? 'g' : spec.type;
  return filled(spec, sign, printed(std::string("%") + (spec.alternate ? "#" : "") + ".*" + type, precision, size), 3);
}

std::string format_string(const std::string& text, const Spec& spec, const SourceRange& where) {
  if (spec.align == '=' && spec.fill == "0") {
    Spec left = spec;
    left.align = '<';
    return format_string(text, left, where);
  }
  if (spec.align == '=') {
    refuse(where, "ValueError: '=' alignment not allowed in string format specifier");
  }
  std::string body = text;
  if (spec.precision >= 0) {
    const auto characters = characters_of(text);
    body.clear();
    for (size_t i = 0; i < std::min(characters.size(), static_cast<size_t>(spec.precision)); ++i) {
      body += characters[i];
    }
  }
  return padded(spec, "", body, '<');
}

[[noreturn]] void unknown_type(const Spec& spec, const Object& value, const SourceRange& where) {
  refuse(where, std::string("ValueError: Unknown format code '") + spec.type + "' for object of type '" +
                    python_type_name(value) + "'");
}

}  // namespace

std::string format_value(const Object& value, const std::string& conversion, const std::string& spec_text,
                         const SourceRange& where) {
  const auto* tensor = tensor_of(value);
  if (tensor != nullptr && tensor->dim() == 0 && conversion.empty()) {
    return format_value(from_ivalue(c10::IValue(tensor->item())), "", spec_text, where);
  }
  const bool converted = !conversion.empty();
  const std::string text = converted && conversion != "s" ? repr_text(value, conversion == "a") : text_of(value);
  if (spec_text.empty()) {
    return text;
  }
  const Spec spec = read_spec(spec_text, where);
  const auto integer = integer_of(value);
  const auto number = number_of(value);
  if (converted || string_of(value) != nullptr) {
    if (spec.type != '\0' && spec.type != 's') {
      unknown_type(spec, converted ? string_object("") : value, where);
    }
    return format_string(text, spec, where);
  }
  if (integer && std::string_view("bcdoxXn").find(spec.type == '\0' ? 'd' : spec.type) != std::string_view::npos) {
    return spec.type == 'c' ? padded(spec, "", std::string(1, static_cast<char>(*integer)), '<')
                            : format_integer(*integer, spec, where);
  }
  if (number && (spec.type == '\0' || std::string_view("eEfFgGn%").find(spec.type) != std::string_view::npos)) {
    return format_float(*number, spec);
  }
  if (number) {
    unknown_type(spec, value, where);
  }
  refuse(where, "TypeError: unsupported format string passed to " + python_type_name(value) + ".__format__");
}

namespace {

// The conversions of `text % values`.
class PercentReader {
 public:
  PercentReader(const std::string& text, const Object& values, const SourceRange& where)
      : text_(text), values_(values), where_(where) {
    if (const auto tuple = values.as<TupleObject>()) {
      items_ = tuple->items;
    } else {
      items_ = {values};
    }
  }

  std::string read() {
    std::string result;
    while (at_ < text_.size()) {
      if (text_[at_] != '%') {
        result += text_[at_++];
      } else if (text_.compare(at_, 2, "%%") == 0) {
        result += '%';
        at_ += 2;
      } else {
        ++at_;
        result += conversion();
      }
    }
    if (next_ < items_.size() && !values_.as<DictObject>()) {
      refuse(where_, "TypeError: not all arguments converted during string formatting");
    }
    return result;
  }

 private:
  std::string conversion() {
    std::optional<Object> named;
    if (at_ < text_.size() && text_[at_] == '(') {
      named = entry();
    }
    Spec spec;
    for (; at_ < text_.size() && std::string_view("-+ #0").find(text_[at_]) != std::string_view::npos; ++at_) {
      flag(text_[at_], spec);
    }
    spec.width = static_cast<size_t>(size(spec));
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      spec.precision = size(spec);
    }
    while (at_ < text_.size() && std::string_view("hlL").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
    if (at_ >= text_.size()) {
      refuse(where_, "ValueError: incomplete format");
    }
    spec.type = text_[at_++];
    return converted(named ? *named : next(), spec);
  }

  static void flag(char c, Spec& spec) {
    if (c == '-') {
      spec.align = '<';
      spec.fill = " ";
    } else if (c == '0' && spec.align == '\0') {
      spec.align = '=';
      spec.fill = "0";
    } else if (c == '#') {
      spec.alternate = true;
    } else if (c == '+' || (c == ' ' && spec.sign == '-')) {
      spec.sign = c;
    }
  }

  int size(Spec& spec) {
    if (at_ >= text_.size() || text_[at_] != '*') {
      return read_number(text_, at_, where_);
    }
    ++at_;
    const auto given = integer_of(next());
    if (!given || std::abs(*given) > kMost) {
      refuse(where_, "TypeError: * wants int");
    }
    if (*given < 0) {
      flag('-', spec);
    }
    return static_cast<int>(std::abs(*given));
  }

  Object entry() {
    const size_t end = text_.find(')', at_);
    const auto dict = values_.as<DictObject>();
    if (end == std::string::npos || !dict) {
      refuse(where_, dict ? "ValueError: incomplete format key" : "TypeError: format requires a mapping");
    }
    const std::string key = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    for (const auto& [known, value] : dict->items) {
      if (string_of(known) != nullptr && *string_of(known) == key) {
        return value;
      }
    }
    refuse(where_, "KeyError: '" + key + "'");
  }

  Object next() {
    if (next_ >= items_.size()) {
      refuse(where_, "TypeError: not enough arguments for format string");
    }
    return items_[next_++];
  }

  std::string converted(const Object& value, Spec spec) const {
    const auto* tensor = tensor_of(value);
    const Object plain =
        tensor != nullptr && tensor->numel() == 1 && std::string_view("rsa").find(spec.type) == std::string_view::npos
            ? from_ivalue(c10::IValue(tensor->item()))
            : value;
    const auto number = number_of(plain);
    const char type = spec.type;
    const bool text = type == 's' || type == 'r' || type == 'a' || (type == 'c' && string_of(plain) != nullptr);
    if (text) {
      spec.type = 's';
      spec.fill = " ";
      spec.align = spec.align == '<' ? '<' : '>';
      return format_string(type == 's' || type == 'c' ? text_of(plain) : repr_text(plain, type == 'a'), spec, where_);
    }
    if (std::string_view("diuoxXceEfFgG").find(type) == std::string_view::npos) {
      refuse(where_, std::string("ValueError: unsupported format character '") + type + "'");
    }
    if (!number) {
      refuse(where_,
             std::string("TypeError: %") + type + " format: a real number is required, not " + python_type_name(plain));
    }
    if (type == 'c') {
      return padded(spec, "", std::string(1, static_cast<char>(*number)), '>');
    }
    if (std::string_view("eEfFgG").find(type) != std::string_view::npos) {
      return format_float(*number, spec);
    }
    spec.type = type == 'i' || type == 'u' ? 'd' : type;
    const auto integer = integer_of(plain);
    if (!integer && spec.type != 'd') {
      refuse(where_, std::string("TypeError: %") + type + " format: an integer is required, not float");
    }
    const int digits = spec.precision;
    spec.precision = -1;
    if (digits > 0) {
      refuse(where_, "a precision of an integer is outside the subset");
    }
    return format_integer(integer ? *integer : static_cast<int64_t>(*number), spec, where_);
  }

  const std::string& text_;
  const Object& values_;
  const SourceRange& where_;
  std::vector<Object> items_;
  size_t at_ = 0;
  size_t next_ = 0;
};

}  // namespace

std::string percent_format(const std::string& text, const Object& values, const SourceRange& where) {
  return PercentReader(text, values, where).read();
}

}  // namespace bertjit
