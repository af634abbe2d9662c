#include "digest/weight_names.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <string_view>
#include <tuple>

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// Of the first BERT release, whose TensorFlow names transformers still takes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOldNames{{
    {"LayerNorm.gamma", "LayerNorm.weight"},
    {"LayerNorm.beta", "LayerNorm.bias"},
}};

/// Not weights: made anew when the model is built.
constexpr std::array<std::string_view, 2> kMadeBuffers{"embeddings.position_ids", "embeddings.token_type_ids"};

/// Repeats what another name holds, if it is tied to it.
constexpr auto kTiedNames = std::to_array<std::string_view>({
    "predictions.decoder.weight",
    "predictions.decoder.bias",
    "lm_head.decoder.weight",
    "lm_head.decoder.bias",
    "lm_head.weight",
    "vocab_projector.weight",
    "generator_lm_head.weight",
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
});

constexpr std::string_view kPositionTable = "embed_positions.weight";
constexpr double kLongestWavelength = 10000.0;

/// Whether the last parts of the name are those.
bool ends_in(std::string_view name, std::string_view parts) {
  return name.ends_with(parts) && (name.size() == parts.size() || name[name.size() - parts.size() - 1] == '.');
}

template <class Names>
bool ends_in_any(std::string_view name, const Names& names) {
  return std::ranges::any_of(names, [&](std::string_view parts) { return ends_in(name, parts); });
}

void use_new_names(std::vector<WeightEntry>& entries) {
  for (WeightEntry& entry : entries) {
    for (const auto& [old_name, new_name] : kOldNames) {
      if (ends_in(entry.name, old_name)) {
        entry.name.replace(entry.name.size() - old_name.size(), old_name.size(), new_name);
      }
    }
  }
}

using Value = std::tuple<std::string, std::vector<int64_t>, Sha512Digest>;

Value value_of(const WeightEntry& entry) {
  return {entry.dtype, entry.shape, entry.digest};
}

std::string why_left_out(const WeightEntry& entry, const std::set<Value>& own_values) {
  if (ends_in_any(entry.name, kMadeBuffers)) {
    return "made anew with every model";
  }
  if (ends_in_any(entry.name, kTiedNames) && own_values.contains(value_of(entry))) {
    return "repeats another tensor";
  }
  if (ends_in(entry.name, kPositionTable)) {
    std::vector<std::byte> copy;
    return is_sinusoid_table(entry.read(copy), entry.dtype, entry.shape) ? "a table of sines and cosines" : "";
  }
  return "";
}

void leave_out(std::vector<WeightEntry>& entries, std::vector<std::string>& notes) {
  std::set<Value> own_values;
  for (const WeightEntry& entry : entries) {
    if (!ends_in_any(entry.name, kTiedNames)) {
      own_values.insert(value_of(entry));
    }
  }
  std::vector<WeightEntry> kept;
  for (WeightEntry& entry : entries) {
    const std::string reason = why_left_out(entry, own_values);
    if (reason.empty()) {
      kept.push_back(std::move(entry));
    } else {
      notes.push_back("left out " + in_quotes(entry.name) + ": " + reason);
    }
  }
  entries = std::move(kept);
}

/// The first part of all names, with the dot; empty if they do not share one or a name has no other.
std::string common_part(const std::vector<WeightEntry>& entries) {
  if (entries.empty()) {
    return "";
  }
  const std::string part = entries.front().name.substr(0, entries.front().name.find('.') + 1);
  const bool is_common =
      std::ranges::all_of(entries, [&](const WeightEntry& entry) { return entry.name.starts_with(part); });
  return is_common ? part : "";
}

void strip_common_parts(std::vector<WeightEntry>& entries, std::vector<std::string>& notes) {
  std::string stripped;
  for (std::string part = common_part(entries); !part.empty(); part = common_part(entries)) {
    for (WeightEntry& entry : entries) {
      entry.name.erase(0, part.size());
    }
    stripped += part;
  }
  if (!stripped.empty()) {
    notes.push_back("left out " + in_quotes(stripped) + " before every name");
  }
}

double bfloat16_value(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

double float16_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const double size = exponent == 0    ? std::ldexp(mantissa, -24)
                      : exponent == 31 ? (mantissa == 0 ? INFINITY : NAN)
                                       : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

/// How the elements of a dtype are read, and how far rounding to it can be from the number.
struct FloatingType {
  std::string_view dtype;
  size_t size;
  double tolerance;
  double (*value)(std::span<const std::byte> bytes, size_t offset);
};

constexpr FloatingType kFloatingTypes[] = {
    {"float64", 8, 0x1p-22, [](auto bytes, size_t at) { return std::bit_cast<double>(load_le<uint64_t>(bytes, at)); }},
    {"float32", 4, 0x1p-22,
     [](auto bytes, size_t at) { return double{std::bit_cast<float>(load_le<uint32_t>(bytes, at))}; }},
    {"float16", 2, 0x1p-11, [](auto bytes, size_t at) { return float16_value(load_le<uint16_t>(bytes, at)); }},
    {"bfloat16", 2, 0x1p-8, [](auto bytes, size_t at) { return bfloat16_value(load_le<uint16_t>(bytes, at)); }},
};

}  // namespace

bool is_sinusoid_table(std::span<const std::byte> bytes, const std::string& dtype, const std::vector<int64_t>& shape) {
  const auto type = std::ranges::find(kFloatingTypes, std::string_view(dtype), &FloatingType::dtype);
  if (type == std::end(kFloatingTypes) || shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
    return false;
  }
  const auto columns = static_cast<size_t>(shape[1]);
  const size_t sines = (columns + 1) / 2;
  for (size_t position = 0; position < static_cast<size_t>(shape[0]); ++position) {
    for (size_t column = 0; column < columns; ++column) {
      const bool is_sine = column < sines;
      const double exponent =
          2.0 * static_cast<double>(is_sine ? column : column - sines) / static_cast<double>(columns);
      const double angle = static_cast<double>(position) / std::pow(kLongestWavelength, exponent);
      const double actual = type->value(bytes, (position * columns + column) * type->size);
      if (!(std::abs(actual - (is_sine ? std::sin(angle) : std::cos(angle))) <= type->tolerance)) {
        return false;
      }
    }
  }
  return true;
}

std::vector<WeightEntry> canonical_weights(std::vector<WeightEntry> entries, const std::string& source,
                                           std::vector<std::string>& notes) {
  use_new_names(entries);
  leave_out(entries, notes);
  strip_common_parts(entries, notes);
  std::ranges::sort(entries, {}, &WeightEntry::name);
  const auto twice = std::ranges::adjacent_find(entries, {}, &WeightEntry::name);
  if (twice != entries.end()) {
    throw Error(ErrorKind::kUnsupported, source + ": two tensors come to the name " + in_quotes(twice->name));
  }
  return entries;
}

}  // namespace bertjit
