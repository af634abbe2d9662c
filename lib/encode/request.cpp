#include "encode/request.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "support/error.h"

namespace bertjit {

namespace {

using nlohmann::json;

json parse(std::string_view line) {
  try {
    return json::parse(line);
  } catch (const json::parse_error& error) {
    const size_t column = std::clamp<size_t>(error.byte, 1, line.size() + 1);
    throw Error(ErrorKind::kCorrupt, "is not valid JSON at column " + std::to_string(column));
  } catch (const json::out_of_range&) {
    throw Error(ErrorKind::kCorrupt, "holds a number beyond the range of a double");
  }
}

[[noreturn]] void refuse(const std::string& member, const json& value, const std::string& expected) {
  std::string found = value.dump(-1, ' ', false, json::error_handler_t::replace);
  constexpr size_t kShown = 40;
  if (found.size() > kShown) {
    found = std::string("a longer ") + value.type_name();
  }
  throw Error(ErrorKind::kInvalidArgument, member + " is " + found + ", expected " + expected);
}

/// The member, or null where there is none.
const json& find(const json& object, const char* member) {
  static const json null;
  const auto it = object.find(member);
  return it == object.end() ? null : *it;
}

/// The word that a member stands for: a string, or a boolean.
template <typename Value>
void read_word(const json& object, const char* member, std::optional<Value> (*find_value)(std::string_view),
               const char* words, std::optional<Value>& result) {
  const json& given = find(object, member);
  if (given.is_null()) {
    return;
  }
  if (given.is_string()) {
    result = find_value(given.get_ref<const std::string&>());
  } else if (given.is_boolean()) {
    result = find_value(given.get<bool>() ? "true" : "false");
  } else {
    result.reset();
  }
  if (!result) {
    refuse(member, given, std::string("one of ") + words);
  }
}

}  // namespace

std::optional<PaddingMode> find_padding(std::string_view word) {
  if (word == "max_length") {
    return PaddingMode::kMaxLength;
  }
  if (word == "longest" || word == "true") {
    return PaddingMode::kLongest;
  }
  if (word == "do_not_pad" || word == "false") {
    return PaddingMode::kNone;
  }
  return std::nullopt;
}

std::optional<Truncation> find_truncation(std::string_view word) {
  if (word == "longest_first" || word == "true") {
    return Truncation::kLongestFirst;
  }
  if (word == "only_first") {
    return Truncation::kOnlyFirst;
  }
  if (word == "only_second") {
    return Truncation::kOnlySecond;
  }
  if (word == "do_not_truncate" || word == "false") {
    return Truncation::kNone;
  }
  return std::nullopt;
}

bool implies_truncation(const EncodeCall& call) {
  return call.max_length && !call.truncation && call.padding.value_or(PaddingMode::kNone) == PaddingMode::kNone;
}

EncodeOptions to_options(const EncodeCall& call) {
  EncodeOptions options;
  options.max_length = call.max_length;
  options.padding = call.padding == PaddingMode::kMaxLength ? Padding::kMaxLength : Padding::kNone;
  options.truncation =
      implies_truncation(call) ? Truncation::kLongestFirst : call.truncation.value_or(Truncation::kNone);
  options.special_tokens = call.special_tokens;
  return options;
}

EncodeRequest parse_text(std::string_view text, const EncodeCall& call) {
  const auto tabs = std::count(text.begin(), text.end(), '\t');
  if (tabs > 1) {
    throw Error(ErrorKind::kInvalidArgument,
                "has " + std::to_string(tabs) + " tabs, and one splits a pair; give texts that hold tabs by --jsonl");
  }
  if (tabs == 0) {
    return {std::string(text), std::nullopt, call};
  }
  const size_t tab = text.find('\t');
  return {std::string(text.substr(0, tab)), std::string(text.substr(tab + 1)), call};
}

EncodeRequest parse_json_line(std::string_view line, const EncodeCall& call) {
  const json object = parse(line);
  if (!object.is_object()) {
    refuse("the line", object, "an object with a text");
  }
  EncodeRequest request{"", std::nullopt, call};
  const json& text = find(object, "text");
  if (!text.is_string()) {
    refuse("text", text, "a string");
  }
  request.text = text.get_ref<const std::string&>();
  const json& text_pair = find(object, "text_pair");
  if (text_pair.is_string()) {
    request.text_pair = text_pair.get_ref<const std::string&>();
  } else if (!text_pair.is_null()) {
    refuse("text_pair", text_pair, "a string or null");
  }
  const json& max_length = find(object, "max_length");
  const bool fits = !max_length.is_number_unsigned() || max_length.get<uint64_t>() <= uint64_t{INT64_MAX};
  if (max_length.is_number_integer() && fits) {
    request.call.max_length = max_length.get<int64_t>();
  } else if (!max_length.is_null()) {
    refuse("max_length", max_length, "a whole number or null");
  }
  read_word<PaddingMode>(object, "padding", find_padding, kPaddingWords, request.call.padding);
  read_word<Truncation>(object, "truncation", find_truncation, kTruncationWords, request.call.truncation);
  return request;
}

}  // namespace bertjit
