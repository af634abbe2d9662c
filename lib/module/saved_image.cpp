#include "module/saved_image.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "module/archive_memory.h"

namespace bertjit {

namespace {

/// What is smaller is copied.
constexpr size_t kLeastBorrowed = 64u << 10;

/// Where the module's parameters lie: begin → end. Buffers are copied: a module may change them as it runs.
class Memory {
 public:
  explicit Memory(const torch::jit::Module& module) {
    for (const at::Tensor& tensor : module.parameters()) {
      add(tensor);
    }
  }

  bool holds(std::span<const std::byte> bytes) const {
    auto after = ends_.upper_bound(bytes.data());
    return bytes.size() >= kLeastBorrowed && after != ends_.begin() && bytes.data() + bytes.size() <= (--after)->second;
  }

 private:
  void add(const at::Tensor& tensor) {
    if (tensor.has_storage() && tensor.storage().data() != nullptr) {
      const auto* begin = static_cast<const std::byte*>(tensor.storage().data());
      const std::byte*& end = ends_[begin];
      end = std::max(end, begin + tensor.storage().nbytes());
    }
  }

  std::map<const std::byte*, const std::byte*> ends_;
};

}  // namespace

SavedImage::SavedImage(const torch::jit::Module& module, const SaveOptions& options) : module_(module) {
  const Memory memory(module);
  serialize_module(module, options, [&](std::span<const std::byte> bytes) {
    if (memory.holds(bytes)) {
      pieces_.push_back({{const_cast<std::byte*>(bytes.data()), bytes.size()}, nullptr});
      return;
    }
    auto copy = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
    pieces_.push_back({*copy, copy});
  });
}

uint64_t SavedImage::size_bytes() const {
  uint64_t size = 0;
  for (const Piece& piece : pieces_) {
    size += piece.bytes.size();
  }
  return size;
}

const Sha512Digest& SavedImage::sha512() {
  if (!sha512_) {
    Sha512 digest;
    for (const Piece& piece : pieces_) {
      digest.update(piece.bytes);
    }
    sha512_ = digest.finish();
  }
  return *sha512_;
}

bool SavedImage::same_bytes(const SavedImage& other) const {
  return std::ranges::equal(pieces_, other.pieces_, [](const Piece& left, const Piece& right) {
    return left.bytes.size() == right.bytes.size() &&
           (left.bytes.data() == right.bytes.data() ||
            std::memcmp(left.bytes.data(), right.bytes.data(), left.bytes.size()) == 0);
  });
}

torch::jit::Module SavedImage::load(const std::string& name) const {
  std::vector<std::span<std::byte>> spans;
  auto owner = std::make_shared<SavedImage>(*this);
  for (const Piece& piece : owner->pieces_) {
    spans.push_back(piece.bytes);
  }
  return load_archive(std::make_shared<const ArchiveMemory>(std::move(spans), std::move(owner)), name,
                      [](const std::string& record) { return !record.starts_with("code/"); });
}

}  // namespace bertjit
