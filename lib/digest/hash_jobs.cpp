#include "digest/hash_jobs.h"

#include <algorithm>

#include "support/file.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

constexpr size_t kPieceBytes = 1u << 20;

}  // namespace

void HashJobs::hash_piece(Sha512& hash, std::span<const std::byte> bytes) const {
  for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
    const auto piece = bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
    hash.update(piece);
    release_mapped_pages(piece);
    if (count_) {
      count_(piece.size());
    }
  }
}

void HashJobs::add_bytes(std::span<const std::byte> bytes, Sha512Digest& result) {
  jobs_.push_back([this, bytes, &result] {
    Sha512 hash;
    hash_piece(hash, bytes);
    result = hash.finish();
  });
}

void HashJobs::add_record(const ZipArchive& archive, const ZipRecord& record, Sha512Digest& result) {
  jobs_.push_back([this, &archive, &record, &result] {
    Sha512 hash;
    archive.read_pieces(record, [&](std::span<const std::byte> piece) { hash_piece(hash, piece); });
    result = hash.finish();
  });
}

void HashJobs::add_check(const ZipArchive& archive, const ZipRecord& record) {
  jobs_.push_back([&archive, &record] { archive.read_pieces(record, release_mapped_pages); });
}

void HashJobs::add_elements(const ScriptArchive& file, const ScriptTensor& tensor, Sha512Digest& result) {
  jobs_.push_back([this, &file, &tensor, &result] {
    Sha512 hash;
    read_elements(file, tensor, [&](std::span<const std::byte> piece) { hash_piece(hash, piece); });
    result = hash.finish();
  });
}

void HashJobs::run(int threads) {
  for_each_index(jobs_.size(), count_threads(threads), [this](size_t i) { jobs_[i](); });
}

}  // namespace bertjit
