#include "container/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "container/bytes.h"
#include "container/strides.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

struct Description {
  std::string_view text;
  DType dtype;
};

constexpr std::array kDescriptions{
    Description{"|b1", DType::kBool},    Description{"|u1", DType::kUInt8},   Description{"|i1", DType::kInt8},
    Description{"<i2", DType::kInt16},   Description{"<i4", DType::kInt32},   Description{"<i8", DType::kInt64},
    Description{"<f2", DType::kFloat16}, Description{"<f4", DType::kFloat32}, Description{"<f8", DType::kFloat64},
};

struct Header {
  std::optional<std::string> description;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

/// Parses the one form of Python dict literal that numpy writes: three known keys in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const std::string key = parse_string();
      expect(':');
      if (key == "descr" && !header.description) {
        header.description = parse_description();
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = parse_bool();
      } else if (key == "shape" && !header.shape) {
        header.shape = parse_shape();
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty() || !header.description || !header.fortran_order || !header.shape) {
      fail();
    }
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kCorrupt, what_ + " has a .npy header that is not a dict of descr, fortran_order and shape");
  }

  void skip_space() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \n"), text_.size()));
  }

  bool accept(char c) {
    skip_space();
    if (!text_.starts_with(c)) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) {
      fail();
    }
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) {
      return false;
    }
    text_.remove_prefix(word.size());
    return true;
  }

  std::string parse_string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') {
      expect(quote);
    }
    const size_t length = text_.find(quote);
    if (length == std::string_view::npos) {
      fail();
    }
    std::string value(text_.substr(0, length));
    text_.remove_prefix(length + 1);
    return value;
  }

  std::string parse_description() {
    skip_space();
    if (text_.starts_with('[')) {
      throw Error(ErrorKind::kUnsupported, what_ + " has a structured dtype, which bertjit does not read");
    }
    return parse_string();
  }

  bool parse_bool() {
    if (accept_word("True")) {
      return true;
    }
    if (!accept_word("False")) {
      fail();
    }
    return false;
  }

  std::vector<int64_t> parse_shape() {
    std::vector<int64_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t size = 0;
      const auto [end, status] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (status != std::errc() || size < 0) {
        fail();
      }
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& what_;
};

void refuse_objects(const std::string& description, const std::string& what) {
  if (description.find('O') != std::string::npos || description.starts_with("object")) {
    throw Error(ErrorKind::kUnsafe, what + " holds Python objects (dtype " + in_quotes(description) +
                                        "), which only unpickling could read; save it with a numeric dtype");
  }
}

[[noreturn]] void refuse_dtype(const std::string& description, const std::string& what) {
  throw Error(ErrorKind::kUnsupported, what + " has dtype " + in_quotes(description) + ", which bertjit does not read");
}

DType dtype_of(const std::string& description, const std::string& what) {
  refuse_objects(description, what);
  const auto found = std::ranges::find(kDescriptions, std::string_view(description), &Description::text);
  if (found == kDescriptions.end()) {
    refuse_dtype(description, what);
  }
  return found->dtype;
}

/// Bytes of an element of "<f4", "|S5", "<U1": byte order, kind and size, of text in characters of four bytes.
/// numpy's array interface protocol.
uint64_t item_size(const std::string& description, const std::string& what) {
  constexpr std::string_view kOrders = "<>|=";
  constexpr std::string_view kKinds = "biufcSUV";
  refuse_objects(description, what);
  if (description.size() < 3 || kOrders.find(description[0]) == std::string_view::npos ||
      kKinds.find(description[1]) == std::string_view::npos) {
    refuse_dtype(description, what);
  }
  uint32_t size = 0;
  const char* const end = description.data() + description.size();
  const auto [digits_end, status] = std::from_chars(description.data() + 2, end, size);
  if (status != std::errc() || digits_end != end) {
    refuse_dtype(description, what);
  }
  return description[1] == 'U' ? uint64_t{size} * 4 : size;
}

struct Preamble {
  Header header;
  size_t size_bytes;  ///< the elements begin behind it
};

Preamble read_preamble(std::span<const std::byte> bytes, const std::string& what) {
  ByteCursor cursor(bytes, what);
  if (as_text(cursor.take(kMagic.size())) != kMagic) {
    throw Error(ErrorKind::kCorrupt, what + " is not in .npy format");
  }
  const auto major = cursor.read<uint8_t>();
  const auto minor = cursor.read<uint8_t>();
  if (major < 1 || major > 3 || minor != 0) {
    throw Error(ErrorKind::kUnsupported, what + " is in .npy format " + std::to_string(major) + "." +
                                             std::to_string(minor) + ", not 1.0 to 3.0");
  }
  const uint32_t header_size = major == 1 ? cursor.read<uint16_t>() : cursor.read<uint32_t>();
  Header header = HeaderParser(as_text(cursor.take(header_size)), what).parse();
  return {std::move(header), cursor.position()};
}

}  // namespace

TensorView parse_npy(std::span<std::byte> bytes, const std::string& what, const std::string& name,
                     std::vector<std::byte>& copy) {
  const auto [header, preamble_size] = read_preamble(bytes, what);
  const DType dtype = dtype_of(*header.description, what);
  const auto data = bytes.subspan(preamble_size);
  const auto needed = tensor_size_bytes(dtype, *header.shape);
  if (needed != data.size()) {
    throw Error(ErrorKind::kCorrupt, what + " has " + std::to_string(data.size()) + " bytes of data; shape " +
                                         shape_text(*header.shape) + " of " + dtype_name(dtype) + " needs " +
                                         (needed ? std::to_string(*needed) : "more than fit in 63 bits"));
  }
  const auto strides = *header.fortran_order ? column_major_strides(*header.shape) : row_major_strides(*header.shape);
  if (is_row_major(*header.shape, strides)) {
    return {name, dtype, *header.shape, data};
  }
  copy = copy_row_major(data, dtype_size(dtype), *header.shape, strides);
  return {name, dtype, *header.shape, copy};
}

void check_npy(std::span<const std::byte> start, uint64_t size_bytes, const std::string& what) {
  const auto [header, preamble_size] = read_preamble(start, what);
  const uint64_t item = item_size(*header.description, what);
  const auto count = tensor_size_bytes(DType::kUInt8, *header.shape);
  const uint64_t data_size = size_bytes - preamble_size;
  uint64_t needed = 0;
  if (!count || __builtin_mul_overflow(*count, item, &needed) || needed != data_size) {
    throw Error(ErrorKind::kCorrupt, what + " has " + std::to_string(data_size) + " bytes of data; shape " +
                                         shape_text(*header.shape) + " of " + in_quotes(*header.description) +
                                         " needs another number");
  }
}

std::string make_npy_header(const TensorView& tensor) {
  const auto found = std::ranges::find(kDescriptions, tensor.dtype, &Description::dtype);
  if (found == kDescriptions.end()) {
    throw Error(ErrorKind::kUnsupported, "tensor " + in_quotes(tensor.name) + " is " + dtype_name(tensor.dtype) +
                                             ", which numpy does not have; write a .safetensors file instead");
  }
  std::string sizes;
  for (const int64_t size : tensor.shape) {
    sizes += std::to_string(size) + (tensor.shape.size() == 1 ? "," : ", ");
  }
  if (tensor.shape.size() > 1) {
    sizes.resize(sizes.size() - 2);
  }
  std::string dict =
      "{'descr': '" + std::string(found->text) + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  const size_t preamble = kMagic.size() + 4;
  const size_t total = (preamble + dict.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  if (total - preamble > UINT16_MAX) {
    throw Error(ErrorKind::kUnsupported, "tensor " + in_quotes(tensor.name) + " has " +
                                             std::to_string(tensor.shape.size()) + " dimensions, too many for .npy");
  }
  dict.resize(total - preamble - 1, ' ');
  std::string header(kMagic);
  header += {1, 0};
  append_le<uint16_t>(header, static_cast<uint16_t>(dict.size() + 1));
  return header + dict + "\n";
}

TensorFile read_npy(const std::filesystem::path& path) {
  struct Storage {
    explicit Storage(const std::filesystem::path& path) : file(path) {}
    MappedFile file;
    std::vector<std::byte> copy;
  };
  auto storage = std::make_shared<Storage>(path);
  TensorFile result{.path = path};
  result.tensors.push_back(
      parse_npy(storage->file.bytes(), path.string() + ": array", path.stem().string(), storage->copy));
  result.tensors.back().storage = storage;
  return result;
}

}  // namespace bertjit
