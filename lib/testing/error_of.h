// The Error an action throws, for tests of messages and kinds.
#pragma once

#include <functional>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit::testing {

/// The Error that `action` throws; fails the test if it throws none.
inline Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no Error was thrown");
  throw;
}

}  // namespace bertjit::testing
