// The words of a digest's stream (docs/formats/digests.md, "Words").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checksum/sha512.h"
#include "container/torchscript.h"
#include "digest/digest.h"
#include "digest/weight_names.h"

namespace bertjit {

/// Text that may hold anything as one word: a backslash, a newline and a space become "\\", "\n", "\s"; empty text
/// becomes "\e".
std::string as_word(std::string_view text);

/// "[2,3]"
std::string numbers_word(const std::vector<int64_t>& numbers);

/// Sixteen hexadecimal digits: the bits of the IEEE 754 double, most significant first.
std::string double_word(double number);

/// SHA-512 of a text in hexadecimal digits.
std::string hash_word(std::string_view text);

/// "float32", "qint8:per_tensor_affine:0:<SHA-512 of scales and zero points>"; "+conj" behind it for such views.
std::string dtype_word(const ScriptTensor& tensor);

/// The first line of a stream: "bertjit.digest.weights/1\n".
std::string stream_header(DigestKind kind);

/// "float32 [2,3] <SHA-512> name\n" for each.
std::string weight_lines(const std::vector<WeightEntry>& entries);

/// The digest whose stream that is.
Sha512Digest hash_stream_text(std::string_view stream);

}  // namespace bertjit
