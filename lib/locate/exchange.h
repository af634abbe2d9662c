// The reference's values on their way to the module that runs beside it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include <ATen/ATen.h>

namespace bertjit {

/// Holds the values of the points that the reference has reached and the module has not. The reference waits while
/// there are any, unless the module asks for another: so they are as many as the two orders differ by.
class Exchange {
 public:
  /// Called by the reference: hands over a copy. False once nobody takes any more.
  bool put(size_t point, const at::Tensor& value);
  /// Called by the reference when it is done.
  void finish();

  /// Called by the module: waits for the value; nullopt if the reference ends without it.
  std::optional<at::Tensor> take(size_t point);
  /// Called by the module when it is done.
  void close();

  size_t most_held() const {
    return most_held_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<size_t, at::Tensor> held_;
  std::optional<size_t> wanted_;
  bool finished_ = false;
  bool closed_ = false;
  size_t most_held_ = 0;
};

}  // namespace bertjit
