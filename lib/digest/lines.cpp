#include "digest/lines.h"

#include <bit>
#include <cstdio>

#include "container/bytes.h"

namespace bertjit {

std::string as_word(std::string_view text) {
  std::string word;
  for (const char c : text) {
    switch (c) {
      case '\\':
        word += "\\\\";
        break;
      case '\n':
        word += "\\n";
        break;
      case ' ':
        word += "\\s";
        break;
      default:
        word += c;
    }
  }
  return word.empty() ? "\\e" : word;
}

std::string numbers_word(const std::vector<int64_t>& numbers) {
  std::string word = "[";
  for (const int64_t number : numbers) {
    word += (word.size() > 1 ? "," : "") + std::to_string(number);
  }
  return word + "]";
}

std::string double_word(double number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(std::bit_cast<uint64_t>(number)));
  return text;
}

std::string hash_word(std::string_view text) {
  return to_hex(hash_stream_text(text));
}

std::string dtype_word(const ScriptTensor& tensor) {
  const std::string bits = tensor.math_bits.empty() ? "" : "+" + as_word(tensor.math_bits);
  if (!tensor.quantization) {
    return tensor.dtype + bits;
  }
  std::string numbers;
  for (const auto* list : {&tensor.quantization->scales, &tensor.quantization->zero_points}) {
    for (const double number : *list) {
      append_le<uint64_t>(numbers, std::bit_cast<uint64_t>(number));
    }
  }
  return tensor.dtype + ":" + as_word(tensor.quantization->scheme) + ":" + std::to_string(tensor.quantization->axis) +
         ":" + hash_word(numbers) + bits;
}

std::string stream_header(DigestKind kind) {
  return std::string("bertjit.digest.") + digest_kind_name(kind) + "/1\n";
}

std::string weight_lines(const std::vector<WeightEntry>& entries) {
  std::string lines;
  for (const WeightEntry& entry : entries) {
    lines +=
        entry.dtype + " " + numbers_word(entry.shape) + " " + to_hex(entry.digest) + " " + as_word(entry.name) + "\n";
  }
  return lines;
}

Sha512Digest hash_stream_text(std::string_view stream) {
  return hash_bytes(std::as_bytes(std::span(stream)));
}

}  // namespace bertjit
