#include "container/safetensors.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "container/bytes.h"
#include "support/error.h"
#include "support/file.h"

namespace bertjit {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr char kMetadataKey[] = "__metadata__";

struct DTypeCode {
  std::string_view code;
  DType dtype;
};

/// In the order in which the reference library lays tensors out.
constexpr std::array kDTypeCodes{
    DTypeCode{"I64", DType::kInt64}, DTypeCode{"F64", DType::kFloat64},   DTypeCode{"F32", DType::kFloat32},
    DTypeCode{"I32", DType::kInt32}, DTypeCode{"BF16", DType::kBFloat16}, DTypeCode{"F16", DType::kFloat16},
    DTypeCode{"I16", DType::kInt16}, DTypeCode{"I8", DType::kInt8},       DTypeCode{"U8", DType::kUInt8},
    DTypeCode{"BOOL", DType::kBool},
};

size_t layout_rank(DType dtype) {
  return static_cast<size_t>(std::ranges::find(kDTypeCodes, dtype, &DTypeCode::dtype) - kDTypeCodes.begin());
}

/// Where a tensor lies in the bytes after the header.
struct Placement {
  uint64_t begin;
  uint64_t end;
  std::string name;
};

class HeaderReader {
 public:
  HeaderReader(std::shared_ptr<MappedFile> file, TensorFile& result)
      : file_(std::move(file)), bytes_(file_->bytes()), result_(result) {}

  void read() {
    refuse_git_lfs_pointer(result_.path, as_text(bytes_));
    const json header = parse_header();
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataKey) {
        read_metadata(entry);
      } else {
        read_tensor(name, entry);
      }
    }
    check_coverage();
    sort_by_name(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::kCorrupt) const {
    throw Error(kind, result_.path.string() + ": " + what);
  }

  json parse_header() {
    ByteCursor cursor(bytes_, result_.path.string() + ": safetensors file");
    const auto size = cursor.read<uint64_t>();
    if (size > kMaxHeaderBytes || size > cursor.remaining()) {
      fail("declares a header of " + std::to_string(size) + " bytes; " + std::to_string(cursor.remaining()) +
           " follow, and at most " + std::to_string(kMaxHeaderBytes) + " are allowed (truncated, or not safetensors?)");
    }
    const std::string_view text = as_text(cursor.take(size));
    data_ = bytes_.subspan(cursor.position());
    if (!text.starts_with('{')) {
      fail("header does not begin with '{'");
    }
    // A parser keeps one of two equal keys, and which one differs between parsers. Depth is bounded for memory's sake.
    std::vector<std::set<std::string>> keys;
    const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > 3) {
        fail("header is nested too deeply");
      }
      if (event == json::parse_event_t::object_start) {
        keys.emplace_back();
      } else if (event == json::parse_event_t::object_end) {
        keys.pop_back();
      } else if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
        fail("header holds " + in_quotes(parsed.get<std::string>()) + " twice");
      }
      return true;
    };
    try {
      return json::parse(text, check);
    } catch (const json::parse_error& error) {
      fail("header is not valid JSON at its byte " + std::to_string(error.byte));
    } catch (const json::out_of_range&) {
      fail("header holds a number beyond the range of a double");
    }
  }

  void read_metadata(const json& entry) {
    if (!entry.is_object()) {
      fail("__metadata__ is not an object of strings");
    }
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) {
        fail("__metadata__ entry " + in_quotes(key) + " is not a string");
      }
      result_.metadata[key] = value.get<std::string>();
    }
  }

  void read_tensor(const std::string& name, const json& entry) {
    const std::string what = "tensor " + in_quotes(name);
    if (!entry.is_object()) {
      fail(what + " is not described by an object");
    }
    const DType dtype = read_dtype(what, entry);
    std::vector<int64_t> shape;
    for (const uint64_t size : read_numbers(what, entry, "shape")) {
      if (size > static_cast<uint64_t>(INT64_MAX)) {
        fail(what + " has a dimension of " + std::to_string(size));
      }
      shape.push_back(static_cast<int64_t>(size));
    }
    const auto offsets = read_numbers(what, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size()) {
      fail(what + " has data_offsets " + entry["data_offsets"].dump() + ", not two ascending ones within the file's " +
           std::to_string(data_.size()) + " bytes of data (truncated?)");
    }
    const uint64_t size_bytes = offsets[1] - offsets[0];
    const auto needed = tensor_size_bytes(dtype, shape);
    if (needed != size_bytes) {
      fail(what + " has data_offsets [" + std::to_string(offsets[0]) + ", " + std::to_string(offsets[1]) + "], " +
           std::to_string(size_bytes) + " bytes; shape " + shape_text(shape) + " of " + dtype_name(dtype) + " needs " +
           (needed ? std::to_string(*needed) : "more than fit in 63 bits"));
    }
    placements_.push_back({offsets[0], offsets[1], name});
    result_.tensors.push_back({name, dtype, std::move(shape), data_.subspan(offsets[0], size_bytes), file_});
  }

  DType read_dtype(const std::string& what, const json& entry) const {
    const auto value = entry.find("dtype");
    if (value == entry.end() || !value->is_string()) {
      fail(what + " has no dtype");
    }
    const auto& code = value->get_ref<const std::string&>();
    const auto found = std::ranges::find(kDTypeCodes, std::string_view(code), &DTypeCode::code);
    if (found == kDTypeCodes.end()) {
      fail(what + " has dtype " + in_quotes(code) + ", which bertjit does not read", ErrorKind::kUnsupported);
    }
    return found->dtype;
  }

  std::vector<uint64_t> read_numbers(const std::string& what, const json& entry, const char* key) const {
    const auto value = entry.find(key);
    if (value == entry.end() || !value->is_array() ||
        !std::ranges::all_of(*value, [](const json& item) { return item.is_number_unsigned(); })) {
      fail(what + " has no " + key + " of whole numbers");
    }
    return value->get<std::vector<uint64_t>>();
  }

  void check_coverage() {
    std::ranges::sort(placements_, {}, [](const Placement& p) { return std::pair(p.begin, p.end); });
    uint64_t covered = 0;
    const std::string* previous = nullptr;
    for (const Placement& placement : placements_) {
      if (placement.begin < covered) {
        fail("tensors " + in_quotes(*previous) + " and " + in_quotes(placement.name) + " overlap");
      }
      check_no_hole(covered, placement.begin);
      covered = placement.end;
      previous = &placement.name;
    }
    check_no_hole(covered, data_.size());
  }

  void check_no_hole(uint64_t begin, uint64_t end) const {
    if (begin != end) {
      fail("bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of its data belong to no tensor");
    }
  }

  std::shared_ptr<MappedFile> file_;
  std::span<std::byte> bytes_;
  std::span<std::byte> data_;  ///< what follows the header
  std::vector<Placement> placements_;
  TensorFile& result_;
};

/// Views in the order in which they are written, each checked.
std::vector<const TensorView*> laid_out(const std::string& path, std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  std::set<std::string_view> names{kMetadataKey};
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw Error(ErrorKind::kInvalidArgument, "cannot write " + path + ": tensor name " + in_quotes(tensor.name) +
                                                   (tensor.name == kMetadataKey ? " is reserved" : " occurs twice"));
    }
    check_view(tensor);
    order.push_back(&tensor);
  }
  std::ranges::sort(order, {}, [](const TensorView* t) { return std::pair(layout_rank(t->dtype), t->name); });
  return order;
}

/// Assembled as text, since a JSON object of the library would put __metadata__ among the tensors, sorted by name.
std::string make_header(const std::vector<const TensorView*>& order,
                        const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += json(kMetadataKey).dump() + ":" + json(metadata).dump();
  }
  uint64_t offset = 0;
  for (const TensorView* tensor : order) {
    const uint64_t end = offset + tensor->bytes.size();
    header += header.size() > 1 ? "," : "";
    header += json(tensor->name).dump() + ":{\"dtype\":\"" + std::string(kDTypeCodes[layout_rank(tensor->dtype)].code) +
              "\",\"shape\":" + json(tensor->shape).dump() + ",\"data_offsets\":[" + std::to_string(offset) + "," +
              std::to_string(end) + "]}";
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  TensorFile result{.path = path};
  HeaderReader(std::make_shared<MappedFile>(path), result).read();
  return result;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto order = laid_out(path.string(), tensors);
  std::string header;
  try {
    header = make_header(order, metadata);
  } catch (const json::type_error&) {
    throw Error(ErrorKind::kInvalidArgument, "cannot write " + path.string() + ": a name or metadata is not UTF-8");
  }
  std::string size;
  append_le<uint64_t>(size, header.size());
  AtomicFile file(path);
  file.write(size + header);
  for (const TensorView* tensor : order) {
    file.write(tensor->bytes);
  }
  file.commit();
}

}  // namespace bertjit
