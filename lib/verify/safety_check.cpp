// `safety`: may libtorch see this file at all?
//
// Proves that the archive reads as one and the same file to every program, that its CRCs fit, that its pickles import
// nothing but what makes tensors and the archive's own classes, and that its code uses operators that only compute, in
// hooks that loading runs (`__setstate__`) only those that set state. Does not prove that the model computes the right
// thing, or that libtorch has no fault of its own in an operator that is on the list.
#include "scan/safety.h"
#include "verify/check.h"

namespace bertjit {

CheckResult check_safety(const VerifyOptions& options) {
  return options.safety
             ? *options.safety
             : judge_safety(options.module, {.allow = options.source.guard.allow, .threads = options.threads});
}

}  // namespace bertjit
