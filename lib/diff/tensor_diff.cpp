#include "diff/tensor_diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "container/strides.h"
#include "diff/pair_statistics.h"
#include "diff/relation.h"
#include "support/file.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

constexpr uint64_t kPieceBytes = 16u << 20;  ///< compared at a time by one thread
constexpr int64_t kPieceElements = 1 << 20;  ///< measured at a time

/// Whether the elements can be looked at without a copy.
bool lies_in_file(const Contents& contents, const ContentsTensor& tensor) {
  if (tensor.script == nullptr) {
    return true;
  }
  const ZipRecord* record = contents.script->find(tensor.script->record);
  return record != nullptr && record->method == ZipMethod::kStored &&
         is_row_major(tensor.script->shape, tensor.script->strides);
}

/// A run of one pair's elements, or all of them.
struct Piece {
  size_t pair;
  uint64_t begin, end;  ///< bytes, or elements
};

/// Runs of at most `length` of what `total(pair)` counts. Tensors that must be copied to be read stay whole.
template <typename Total>
std::vector<Piece> cut(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs, uint64_t length,
                       const Total& total) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const uint64_t count = total(i);
    const bool whole = !lies_in_file(a, *pairs[i].a) || !lies_in_file(b, *pairs[i].b);
    const uint64_t step = whole ? std::max<uint64_t>(count, 1) : length;
    for (uint64_t begin = 0; begin < count; begin += step) {
      pieces.push_back({i, begin, std::min(count, begin + step)});
    }
  }
  return pieces;
}

/// For each pair whether its bytes are the same; pairs of unlike form are not compared and not the same.
std::vector<char> compare_bytes(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                int threads) {
  std::vector<char> same(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    same[i] = same_form(*pairs[i].a, *pairs[i].b);
  }
  const auto pieces = cut(a, b, pairs, kPieceBytes, [&](size_t i) { return same[i] ? pairs[i].a->size_bytes : 0; });
  std::vector<char> piece_same(pieces.size());
  for_each_index(pieces.size(), threads, [&](size_t i) {
    const Piece& piece = pieces[i];
    std::vector<std::byte> copy_a;
    std::vector<std::byte> copy_b;
    const auto bytes_a = read_tensor(a, *pairs[piece.pair].a, copy_a).subspan(piece.begin, piece.end - piece.begin);
    const auto bytes_b = read_tensor(b, *pairs[piece.pair].b, copy_b).subspan(piece.begin, piece.end - piece.begin);
    piece_same[i] = std::memcmp(bytes_a.data(), bytes_b.data(), bytes_a.size()) == 0;
    release_mapped_pages(bytes_a);
    release_mapped_pages(bytes_b);
  });
  for (size_t i = 0; i < pieces.size(); ++i) {
    same[pieces[i].pair] = same[pieces[i].pair] && piece_same[i];
  }
  return same;
}

bool can_be_measured(const ContentsTensor& a, const ContentsTensor& b) {
  return a.shape == b.shape && a.size_bytes > 0 && element_kind(a.dtype) != ElementForm::kOpaque &&
         element_kind(b.dtype) != ElementForm::kOpaque;
}

std::vector<PairStatistics> measure_pairs(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                          int threads) {
  const auto pieces = cut(a, b, pairs, kPieceElements, [&](size_t i) {
    const ContentsTensor& tensor = *pairs[i].a;
    return can_be_measured(tensor, *pairs[i].b) ? tensor.size_bytes / tensor.element_size : 0;
  });
  std::vector<PairStatistics> measured(pieces.size());
  for_each_index(pieces.size(), threads, [&](size_t i) {
    const Piece& piece = pieces[i];
    const TensorPair& pair = pairs[piece.pair];
    std::vector<std::byte> copy_a;
    std::vector<std::byte> copy_b;
    int64_t row_size = 1;
    for (size_t d = 1; d < pair.a->shape.size(); ++d) {
      row_size *= pair.a->shape[d];
    }
    const auto bytes_a = read_tensor(a, *pair.a, copy_a);
    const auto bytes_b = read_tensor(b, *pair.b, copy_b);
    const bool same_bits = pair.a->dtype == pair.b->dtype && same_quantization(*pair.a, *pair.b);
    measured[i] =
        PairStatistics::measure(make_element_reader(*pair.a), bytes_a, make_element_reader(*pair.b), bytes_b, same_bits,
                                row_size, static_cast<int64_t>(piece.begin), static_cast<int64_t>(piece.end));
    const auto release = [&](std::span<const std::byte> bytes, size_t size) {
      release_mapped_pages(bytes.subspan(piece.begin * size, (piece.end - piece.begin) * size));
    };
    release(bytes_a, pair.a->element_size);
    release(bytes_b, pair.b->element_size);
  });
  std::vector<PairStatistics> totals(pairs.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    totals[pieces[i].pair].append(measured[i]);
  }
  return totals;
}

DiffTensor describe_pair(const Contents& a, const Contents& b, const TensorPair& pair,
                         const PairStatistics& statistics) {
  DiffTensor tensor{.name = pair.a->name, .name_in_b = pair.b->name, .role = pair.a->role};
  const auto dtype_text = [](const ContentsTensor& side) {
    return side.dtype + (side.quantization.empty() ? "" : " (" + side.quantization + ")");
  };
  tensor.dtype_a = dtype_text(*pair.a);
  tensor.dtype_b = dtype_text(*pair.b);
  tensor.shape_a = pair.a->shape;
  tensor.shape_b = pair.b->shape;
  if (can_be_measured(*pair.a, *pair.b)) {
    statistics.write(pair.a->shape, tensor);
  }
  std::vector<std::byte> copy_a;
  std::vector<std::byte> copy_b;
  const LoadedTensor loaded_a{*pair.a, make_element_reader(*pair.a), read_tensor(a, *pair.a, copy_a)};
  const LoadedTensor loaded_b{*pair.b, make_element_reader(*pair.b), read_tensor(b, *pair.b, copy_b)};
  describe_relation(loaded_a, loaded_b, tensor);
  release_mapped_pages(loaded_a.bytes);
  release_mapped_pages(loaded_b.bytes);
  return tensor;
}

}  // namespace

std::vector<DiffTensor> diff_tensors(const Contents& a, const Contents& b, const std::vector<TensorPair>& pairs,
                                     int threads) {
  const auto same = compare_bytes(a, b, pairs, threads);
  std::vector<TensorPair> unlike;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (!same[i]) {
      unlike.push_back(pairs[i]);
    }
  }
  const auto statistics = measure_pairs(a, b, unlike, threads);
  std::vector<DiffTensor> result(unlike.size());
  for_each_index(unlike.size(), threads, [&](size_t i) { result[i] = describe_pair(a, b, unlike[i], statistics[i]); });
  return result;
}

}  // namespace bertjit
