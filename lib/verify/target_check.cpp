// `target`: does it fit where it is to run?
//
// Proves that every operator of the code is one that the target's profile has (docs/formats/target.md), that the code
// names no other device, that weights are of its dtypes, that shapes are fixed where it compiles for one, and for
// mobile that the file, as bytecode of libtorch's own lite interpreter, gives the same outputs. Does not prove that a
// phone, a GPU or an accelerator's compiler takes it: none of these is run here, and lists of operators are what others
// publish.
#include "conform/conform.h"
#include "verify/check.h"

namespace bertjit {

CheckResult check_fit(const VerifyContext& context) {
  if (!context.options.target) {
    return skipped("target", "no --target NAME given");
  }
  return check_target(*context.options.target, {context.module, context.example, context.claims, context.tolerance});
}

}  // namespace bertjit
