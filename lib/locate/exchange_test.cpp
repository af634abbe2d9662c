#include "locate/exchange.h"

#include <functional>
#include <thread>

#include "testing/testing.h"

namespace bertjit {

namespace {

/// Puts 0, 1, … with their number as value while `take` runs; returns how many were taken over.
int put_in_order(Exchange& exchange, int count, const std::function<void()>& take) {
  int put = 0;
  std::thread producer([&] {
    while (put < count && exchange.put(static_cast<size_t>(put), at::full({1}, put))) {
      ++put;
    }
    exchange.finish();
  });
  take();
  exchange.close();
  producer.join();
  return put;
}

}  // namespace

TEST_CASE("exchange: in one order one value is held at a time, in another as many as it differs by") {
  Exchange same;
  put_in_order(same, 100, [&] {
    for (size_t i = 0; i < 100; ++i) {
      CHECK(same.take(i)->item<int>() == static_cast<int>(i));
    }
  });
  CHECK(same.most_held() == 1);

  Exchange other;
  put_in_order(other, 99, [&] {
    for (size_t i = 0; i < 99; i += 3) {
      for (const size_t j : {i + 2, i, i + 1}) {
        CHECK(other.take(j)->item<int>() == static_cast<int>(j));
      }
    }
  });
  CHECK(other.most_held() == 3);
}

TEST_CASE("exchange: a value that never comes is none, and who puts it learns when nobody takes any more") {
  Exchange exchange;
  put_in_order(exchange, 3, [&] { CHECK(!exchange.take(7)); });
  Exchange closed;
  CHECK(put_in_order(closed, 1000, [&] { CHECK(closed.take(4)); }) < 1000);
}

TEST_CASE("exchange: what is handed over does not change with the reference's own tensor") {
  Exchange exchange;
  at::Tensor value = at::zeros({1});
  std::thread producer([&] {
    exchange.put(0, value);
    exchange.finish();
  });
  const auto taken = exchange.take(0);
  producer.join();
  value.fill_(1);
  CHECK(taken->item<int>() == 0);
}

}  // namespace bertjit
