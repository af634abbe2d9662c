#include "support/signal_hold.h"

#include <unistd.h>

#include <optional>
#include <thread>

#include "testing/testing.h"

namespace bertjit {

namespace {

volatile std::sig_atomic_t seen = 0;

void count(int) {
  seen = seen + 1;
}

/// A handler of the program's own, until the end of the scope.
class Handler {
 public:
  Handler(int signal, void (*handler)(int)) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, &before_);
  }
  ~Handler() {
    ::sigaction(signal_, &before_, nullptr);
  }

 private:
  int signal_;
  struct sigaction before_ {};
};

}  // namespace

TEST_CASE("signal hold: a signal waits for the end of the scope and then comes, to whichever thread it was sent") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const Handler handler(signal, count);
    seen = 0;
    {
      const SignalHold hold;
      std::thread([signal] { ::raise(signal); }).join();
      ::kill(::getpid(), signal);
      CHECK(seen == 0);
    }
    CHECK(seen == 1);
    ::raise(signal);
    CHECK(seen == 2);
  }
}

TEST_CASE("signal hold: what did not come does not come, and what is ignored stays ignored") {
  const Handler handler(SIGINT, count);
  const Handler ignored(SIGHUP, SIG_IGN);
  seen = 0;
  {
    const SignalHold hold;
    ::raise(SIGHUP);
  }
  { const SignalHold hold; }
  CHECK(seen == 0);
}

}  // namespace bertjit
