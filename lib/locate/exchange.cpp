#include "locate/exchange.h"

#include <algorithm>
#include <utility>

namespace bertjit {

bool Exchange::put(size_t point, const at::Tensor& value) {
  at::Tensor copy = value.detach().clone();  // the reference may go on to change its own in place
  std::unique_lock lock(mutex_);
  held_.insert_or_assign(point, std::move(copy));
  most_held_ = std::max(most_held_, held_.size());
  changed_.notify_all();
  changed_.wait(lock, [this] { return closed_ || held_.empty() || (wanted_ && !held_.contains(*wanted_)); });
  return !closed_;
}

void Exchange::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

std::optional<at::Tensor> Exchange::take(size_t point) {
  std::unique_lock lock(mutex_);
  wanted_ = point;
  changed_.notify_all();
  changed_.wait(lock, [&] { return finished_ || held_.contains(point); });
  wanted_.reset();
  const auto found = held_.find(point);
  if (found == held_.end()) {
    return std::nullopt;
  }
  at::Tensor value = std::move(found->second);
  held_.erase(found);
  changed_.notify_all();
  return value;
}

void Exchange::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  held_.clear();
  changed_.notify_all();
}

}  // namespace bertjit
