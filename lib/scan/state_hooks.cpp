#include "scan/state_hooks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "container/bytes.h"
#include "scan/code_limits.h"
#include "scan/operators.h"

namespace bertjit {

namespace {

constexpr const char* kWhy = "it runs when the file is loaded or saved, and does more than pack quantized weights";

/// Of PyTorch's own modules, some of which (torch.ao.nn.quantized) hand their weights on to another that packs them.
constexpr std::string_view kOwnModules = "code/__torch__/torch/";

struct Place {
  const CodeRecord* record;
  const CodeFunction* function;
};

class HookCheck {
 public:
  HookCheck(const std::deque<CodeRecord>& records, ScanFindings& findings) : findings_(findings) {
    for (const CodeRecord& record : records) {
      for (const CodeFunction& function : record.functions) {
        by_name_.emplace(function.name, Place{&record, &function});
      }
    }
  }

  void run() {
    for (const std::string_view hook : {"__setstate__", "__getstate__"}) {
      const auto [begin, end] = by_name_.equal_range(hook);
      for (auto entry = begin; entry != end; ++entry) {
        check_hook(hook, entry->second);
      }
    }
  }

 private:
  void check_hook(std::string_view hook, const Place& place) {
    hook_ = hook;
    packs_ = false;
    seen_.clear();
    open_ = {place};
    follow_operators();
    const size_t refused = refused_.size();
    while (!open_.empty()) {
      const Place next = open_.back();
      open_.pop_back();
      check_body(next);
    }
    if (!packs_ && refused == refused_.size() && !place.record->name.starts_with(kOwnModules)) {
      findings_.add(code_finding(*place.record, place.function->begin, "state-hook",
                                 in_quotes(place.function->class_name) + " has a " + std::string(hook) +
                                     " of its own, and no quantized weights to pack",
                                 kWhy));
    }
  }

  void follow(std::string_view name) {
    if (seen_.insert(name).second) {
      const auto [begin, end] = by_name_.equal_range(name);
      std::for_each(begin, end, [&](const auto& entry) { open_.push_back(entry.second); });
    }
  }

  /// `-x`, `x[0]` and `with x` call what the class of `x` has for them.
  void follow_operators() {
    for (const auto& [name, place] : by_name_) {
      const bool is_special = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
      if (is_special && name != "__init__" && name != "__setstate__" && name != "__getstate__") {
        follow(name);
      }
    }
  }

  void check_body(const Place& place) {
    const CodeRecord& record = *place.record;
    for (size_t i = place.function->begin + 2; i < place.function->end; ++i) {
      const std::string_view token = record.token(i);
      const bool is_member = record.token(i - 1) == ".";
      const bool is_called = record.token(i + 1) == "(";
      if (token == "while" || token == "for") {
        refuse(record, i, "loops by " + in_quotes(token));
      } else if ((token == ")" || token == "]") && is_called) {
        refuse(record, i, "calls what an expression gives");
      } else if (!is_member && token == "torch") {
        check_operator(record, i, "aten::" + std::string(record.token(i + 2)));
      } else if (!is_member && token == "ops") {
        check_operator(record, i, std::string(record.token(i + 2)).append("::").append(record.token(i + 4)));
      } else if (record.is_name(i) && is_called && !is_of_namespace(record, i)) {
        is_member ? check_member_call(record, i, token) : check_bare_call(record, i, token);
      } else if (!is_member && is_function_of_language(token)) {
        refuse(record, i, "takes " + in_quotes(token) + " as a value");
      }
    }
  }

  /// "add" in "torch.add", "linear_prepack" in "ops.quantized.linear_prepack"
  static bool is_of_namespace(const CodeRecord& record, size_t i) {
    const auto is_root = [&](size_t back, std::string_view word) {
      return i >= back && record.token(i - back) == word && record.token(i - 1) == "." &&
             (i == back || record.token(i - back - 1) != ".");
    };
    return is_root(2, "torch") || is_root(4, "ops");
  }

  void check_operator(const CodeRecord& record, size_t i, const std::string& name) {
    packs_ = packs_ || is_packing_operator(name);
    if (!is_state_operator(name)) {
      refuse(record, i, "uses " + in_quotes(name));
    }
  }

  /// Of the code's own functions each is called as a member: "(self).pack(x)", "__torch__.a.pack(x)".
  void check_member_call(const CodeRecord& record, size_t i, std::string_view name) {
    if (by_name_.contains(name)) {
      follow(name);
    } else if (name == "unpack") {
      packs_ = true;
    } else {
      refuse(record, i, "calls " + in_quotes(name));
    }
  }

  void check_bare_call(const CodeRecord& record, size_t i, std::string_view name) {
    constexpr std::string_view kWords[] = {
        "and", "annotate", "bool",   "elif", "float", "getattr",        "if",
        "in",  "int",      "is",     "len",  "list",  "isinstance",     "not",
        "or",  "range",    "return", "str",  "tuple", "unchecked_cast", "uninitialized"};
    if (std::ranges::find(kWords, name) == std::end(kWords)) {
      refuse(record, i, "calls " + in_quotes(name));
    }
  }

  /// Those that do more than compute. Under another name a call of them would look like one of a harmless function.
  static bool is_function_of_language(std::string_view name) {
    constexpr std::string_view kNames[] = {"awaitable", "fork",     "print",           "rpc_async",
                                           "rpc_remote", "rpc_sync", "awaitable_nowait"};
    return std::ranges::find(kNames, name) != std::end(kNames);
  }

  void refuse(const CodeRecord& record, size_t i, const std::string& what) {
    // A function that two hooks call is named once.
    if (refused_.insert(&record.tokens[i]).second) {
      findings_.add(code_finding(record, i, "state-hook", std::string(hook_) + " " + what, kWhy));
    }
  }

  ScanFindings& findings_;
  std::multimap<std::string_view, Place> by_name_;
  std::string_view hook_;
  bool packs_ = false;
  std::set<const CodeToken*> refused_;
  std::set<std::string_view> seen_;
  std::vector<Place> open_;
};

}  // namespace

void check_state_hooks(const std::deque<CodeRecord>& records, ScanFindings& findings) {
  HookCheck(records, findings).run();
}

}  // namespace bertjit
