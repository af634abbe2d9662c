// What TorchScript code would do: the operators it names, however it reaches them, and the hooks that loading runs.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "scan/code_outline.h"
#include "scan/findings.h"
#include "scan/operators.h"

namespace bertjit {

/// All code of one archive. Names are judged when every record is known, since a method may be declared in any.
class CodeScan {
 public:
  CodeScan(const OperatorRules& rules, ScanResult& result, ScanFindings& findings)
      : rules_(rules), result_(result), findings_(findings) {}

  /// One record, "code/__torch__.py". What is too large to be read becomes a finding.
  void add(const std::string& name, std::string text);

  /// The code must define that class, "__torch__.a.B": a pickle in `record` makes objects of it.
  void require(const std::string& name, const std::string& record, uint64_t offset);

  /// Judges what was added, once.
  void run();

 private:
  const OperatorRules& rules_;
  ScanResult& result_;
  ScanFindings& findings_;
  std::deque<CodeRecord> records_;  ///< they hold views into themselves
  size_t total_bytes_ = 0;
  struct Need {
    std::string name;
    std::string record;
    uint64_t offset;
  };
  std::vector<Need> needs_;
};

}  // namespace bertjit
