#include "models/deberta_attention.h"

#include <algorithm>
#include <cmath>

#include "models/masks.h"
#include "models/sizes.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// make_log_bucket_position: distances up to half of the buckets stay, those up to `longest` share the other half.
at::Tensor log_buckets(const at::Tensor& distances, const RelativePositions& positions) {
  const int64_t middle = positions.buckets / 2;
  const at::Tensor is_near = distances.lt(middle).logical_and(distances.gt(-middle));
  const at::Tensor size = at::where(is_near, at::Scalar(middle - 1), distances.abs());
  const at::Tensor logarithm = at::log(size / middle) / positions.log_widest * (middle - 1);
  const at::Tensor far = at::ceil(logarithm) + middle;
  return at::where(size.le(middle), distances.to(at::kFloat), far * distances.sign()).to(at::kLong);
}

std::optional<Linear> make_projection(const Node& node, const std::string& name, int64_t size, bool present) {
  return present ? std::make_optional<Linear>(node.child(name, kLinear), size, size) : std::nullopt;
}

/// The number as a tensor of `dtype` holds it.
double rounded(double value, at::ScalarType dtype) {
  return dtype == at::kHalf       ? static_cast<double>(static_cast<at::Half>(static_cast<float>(value)))
         : dtype == at::kBFloat16 ? static_cast<double>(static_cast<at::BFloat16>(static_cast<float>(value)))
                                  : value;
}

}  // namespace

double RelativePositions::scale(int64_t head_size) const {
  const int64_t factor = 1 + (content_to_position ? 1 : 0) + (position_to_content ? 1 : 0);
  return std::sqrt(static_cast<float>(head_size * factor));
}

RelativePositions read_relative_positions(const Config& config, int64_t max_positions) {
  const std::vector<std::string> kinds = config.words("pos_att_type");
  for (const auto& kind : kinds) {
    // The reference knows no position-to-position scores and passes over the word, which stands in some configs.
    if (kind != "c2p" && kind != "p2c" && kind != "p2p" && !kind.empty()) {
      throw Error(ErrorKind::kUnsupported,
                  config.name() + ": pos_att_type '" + kind + "' is not supported (supported: c2p, p2c, p2p)");
    }
  }
  const auto has = [&](const char* kind) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); };
  const int64_t given = config.signed_count("max_relative_positions", -1);
  const int64_t longest = given < 1 ? max_positions : given;
  const int64_t buckets = config.signed_count("position_buckets", -1);
  // By libtorch, whose last bit may differ from the C library's.
  const double widest = static_cast<double>(longest - 1) / static_cast<double>(buckets / 2);
  const float log_widest = at::log(at::scalar_tensor(widest, at::kFloat)).item<float>();
  return {.enabled = config.flag("relative_attention", false),
          .content_to_position = has("c2p"),
          .position_to_content = has("p2c"),
          .share_projections = config.flag("share_att_key", false),
          .buckets = buckets,
          .longest = longest,
          .log_widest = log_widest};
}

at::Tensor relative_distances(const at::Tensor& x, const RelativePositions& positions) {
  const at::Tensor ids = positions_of(x);
  const at::Tensor distances = ids.unsqueeze(1) - ids.unsqueeze(0);
  return positions.buckets > 0 ? log_buckets(distances, positions) : distances;
}

RelativeRows relative_rows(const at::Tensor& distances, int64_t span) {
  const at::Tensor rows = at::clamp(at::stack({distances, -distances}) + span, 0, 2 * span - 1);
  const at::Tensor first = rows.min();
  const at::Tensor row = at::arange(2 * span, rows.options());
  return {rows - first, row.ge(first).logical_and(row.le(rows.max()))};
}

DisentangledAttention::DisentangledAttention(const Node& node, int64_t hidden_size, int64_t heads,
                                             const RelativePositions& positions)
    : positions_(positions),
      heads_(heads),
      head_size_(hidden_size / heads),
      query_(node.child("query_proj", kLinear), hidden_size, hidden_size),
      key_(node.child("key_proj", kLinear), hidden_size, hidden_size),
      value_(node.child("value_proj", kLinear), hidden_size, hidden_size),
      position_key_(
          make_projection(node, "pos_key_proj", hidden_size,
                          positions.enabled && !positions.share_projections && positions.content_to_position)),
      position_query_(
          make_projection(node, "pos_query_proj", hidden_size,
                          positions.enabled && !positions.share_projections && positions.position_to_content)) {}

at::Tensor DisentangledAttention::position_scores(const at::Tensor& tokens, const Linear& projection,
                                                  const at::Tensor& table, const at::Tensor& index) const {
  const at::Tensor rows = at::unflatten(projection(table), -1, {heads_, head_size_});
  // One product a head for the tokens of all texts; matmul would copy the rows for every text.
  const at::Tensor by_row = at::einsum("bhsd,rhd->bhsr", {tokens, rows});
  return at::gather(by_row, -1, index);
}

AttentionResult DisentangledAttention::operator()(const at::Tensor& hidden, const AttentionContext& context) const {
  const at::Tensor query = split_heads(query_(hidden), heads_);  // [batch, heads, seq, head size]
  const at::Tensor key = split_heads(key_(hidden), heads_);
  const double scale = rounded(positions_.scale(head_size_), query.scalar_type());
  // Divided before the product, which might be too large for float16; the others after it. In float16 and bfloat16 each
  // division rounds, so the reference's order is part of its numbers.
  const at::Tensor scores = at::matmul(query, (key / scale).transpose(-1, -2));  // [batch, heads, seq, seq]
  // In place from here on: at length 512 the memory of a new tensor costs ten times the sum in it.
  at::Tensor relative;
  if (positions_.enabled && positions_.content_to_position) {
    relative = position_scores(query, positions_.share_projections ? key_ : *position_key_, context.relative_table,
                               context.relative.select(0, 0).expand_as(scores))
                   .div_(scale);
  }
  if (positions_.enabled && positions_.position_to_content) {
    const at::Tensor of_keys = position_scores(key, positions_.share_projections ? query_ : *position_query_,
                                               context.relative_table, context.relative.select(0, 1).expand_as(scores))
                                   .div_(scale)
                                   .transpose(-1, -2);
    relative = relative.defined() ? relative.add_(of_keys) : of_keys;
  }
  if (relative.defined()) {
    scores.add_(relative);
  }
  scores.masked_fill_(context.mask, lowest_of(scores.scalar_type()));
  const at::Tensor probabilities = at::softmax(scores, -1);
  const at::Tensor value = split_heads(value_(hidden), heads_);
  return {join_heads(at::matmul(probabilities, value)), probabilities};
}

}  // namespace bertjit
