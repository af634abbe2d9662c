#include "load_guard.h"

namespace bertjit {

void add_load_flags(CLI::App& command, LoadGuard& guard) {
  command.add_flag("--no-scan", guard.no_scan,
                   "Load TorchScript files without a scan: only those that people you trust made (see scan)");
  add_allow_flag(command, guard);
}

void add_allow_flag(CLI::App& command, LoadGuard& guard) {
  command.add_option("--allow", guard.allow, "An operator for the scan to let pass: my::op, or my::*; may be repeated")
      ->option_text("OP")
      ->allow_extra_args(false);
}

}  // namespace bertjit
