#include "scan/code_scan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "container/bytes.h"
#include "container/torchscript_classes.h"
#include "scan/code_limits.h"
#include "scan/state_hooks.h"

namespace bertjit {

namespace {

/// A BERT has 100 KB; a program of 20,000 unrolled lines 2 MB. Its tokens take eight times as much memory.
constexpr size_t kMaxCodeBytes = 64u << 20;

using Names = std::set<std::string_view>;

/// What the code of all records declares.
struct Declared {
  Names functions;
  Names attributes;                             ///< of any class
  std::unordered_set<std::string> definitions;  ///< "__torch__.a.B"
};

Declared collect(const std::deque<CodeRecord>& records) {
  Declared declared;
  for (const CodeRecord& record : records) {
    for (const std::string_view name : record.definitions) {
      declared.definitions.insert(qualifier_of_record(record.name).append(".").append(name));
    }
    for (const CodeFunction& function : record.functions) {
      declared.functions.insert(function.name);
    }
    for (const std::string& attribute : record.attributes) {
      declared.attributes.insert(std::string_view(attribute).substr(attribute.find('.') + 1));
    }
  }
  return declared;
}

/// Whether the name, or what it is a member of, is defined: "__torch__.a.B" for "__torch__.a.B.forward".
bool is_defined(const Declared& declared, std::string name) {
  while (!declared.definitions.contains(name)) {
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos) {
      return false;
    }
    name.resize(dot);
  }
  return true;
}

/// Where a class should be defined: "code/__torch__/a.py" for "__torch__.a.B".
std::string record_for(std::string name) {
  name.resize(std::min(name.rfind('.'), name.size()));
  std::ranges::replace(name, '.', '/');
  return "code/" + name + ".py";
}

constexpr const char* kUndefinedWhy = "the archive is not complete";

/// Judges the names in one record.
class RecordScan {
 public:
  RecordScan(const CodeRecord& record, const Declared& declared, const OperatorRules& rules, ScanResult& result,
             ScanFindings& findings)
      : record_(record), declared_(declared), rules_(rules), result_(result), findings_(findings) {}

  void run() {
    for (size_t i = 0; i < record_.tokens.size(); ++i) {
      while (function_ < record_.functions.size() && record_.functions[function_].end <= i) {
        ++function_;
      }
      if (!record_.is_name(i)) {
        continue;
      }
      if (i > 0 && record_.token(i - 1) == "." && i >= skip_until_) {
        judge_attribute(i, record_.token(i));
      } else if (i >= skip_until_) {
        judge_name(i);
      }
    }
  }

 private:
  void add(size_t i, const char* rule, const std::string& found, const std::string& why) {
    findings_.add(code_finding(record_, i, rule, found, why));
  }

  void judge_name(size_t i) {
    const std::string_view name = record_.token(i);
    const std::string_view next = record_.token(i + 1);
    if (name == "torch") {
      judge_torch(i);
    } else if (name == "ops") {
      judge_ops(i);
    } else if (name == "CONSTANTS" && has_member(i)) {
      skip_until_ = i + 3;
    } else if (name == "__torch__") {
      judge_class(i);
    } else if (name == "import" || name == "from") {
      judge_import(i);
    } else if (name == "getattr" && next == "(") {
      judge_getattr(i);
    } else if (next == "(" && !declared_.functions.contains(name)) {
      judge_bare_call(i, name);
    }
  }

  void judge_operator(size_t i, const std::string& name) {
    ++result_.operators;
    if (const auto fault = rules_.fault_of(name)) {
      add(i, "operator", "uses operator " + in_quotes(name), "it " + *fault);
    }
  }

  /// "torch" and "ops" are namespaces; code that passes one on as a value hides what it takes out of it.
  void judge_namespace_as_value(size_t i) {
    const std::string_view next = record_.token(i + 1);
    const bool is_keyword = next == ":" || (next == "=" && record_.token(i + 2) != "=");
    if (!is_keyword) {
      add(i, "namespace", "uses " + in_quotes(record_.token(i)) + " as a value",
          "what is taken out of it cannot be followed");
    }
  }

  bool has_member(size_t i) const {
    return record_.token(i + 1) == "." && record_.is_name(i + 2);
  }

  /// "torch.add" is aten::add, and so is "torch.autograd.add".
  void judge_torch(size_t i) {
    if (!has_member(i)) {
      return judge_namespace_as_value(i);
    }
    while (record_.token(i + 2) == "autograd" && has_member(i + 2)) {
      i += 2;
    }
    skip_until_ = i + 3;
    judge_operator(i + 2, "aten::" + std::string(record_.token(i + 2)));
  }

  /// "ops.prim.NumToTensor"
  void judge_ops(size_t i) {
    if (!has_member(i) || !has_member(i + 2)) {
      return judge_namespace_as_value(i);
    }
    skip_until_ = i + 5;
    judge_operator(i + 4, std::string(record_.token(i + 2)).append("::").append(record_.token(i + 4)));
  }

  /// "__torch__.torch.nn.modules.linear.Linear": the archive's own, but for "__torch__.torch.classes.": C++'s.
  void judge_class(size_t i) {
    std::string path;
    size_t last = i;
    while (has_member(last)) {
      last += 2;
      path.append(path.empty() ? "" : ".").append(record_.token(last));
    }
    skip_until_ = last + 1;
    constexpr std::string_view kCustom = "torch.classes.";
    const std::string name = "__torch__." + path;
    if (path.starts_with(kCustom) && !is_known_custom_class(path.substr(kCustom.size()))) {
      add(i, "custom-class", "uses class " + in_quotes(name),
          "objects of C++ classes run code of their own when they are loaded");
    } else if (!path.starts_with(kCustom) && !is_defined(declared_, name)) {
      findings_.add({.effect = ScanEffect::kCorrupt,
                     .rule = "undefined",
                     .record = record_for(name),
                     .found = in_quotes(record_.name) + " uses " + in_quotes(name) + ", which no code defines",
                     .why = kUndefinedWhy});
    }
  }

  /// Archives of PyTorch before 1.4 import their own records.
  void judge_import(size_t i) {
    if (record_.tokens[i].first && record_.token(i + 1) != "__torch__") {
      add(i, "import", "imports " + in_quotes(record_.token(i + 1)), "TorchScript code imports nothing");
    }
  }

  /// getattr(x, "name") is x.name.
  void judge_getattr(size_t i) {
    size_t depth = 0;
    for (size_t k = i + 1; k < record_.tokens.size(); ++k) {
      const std::string_view token = record_.token(k);
      depth += token == "(" || token == "[";
      depth -= token == ")" || token == "]";
      if (depth == 0) {
        return;
      }
      if (depth == 1 && token == "," && record_.token(k + 1).find_first_of("\"'") == 0) {
        return judge_string_name(k + 1);
      }
    }
  }

  /// Neighbouring strings are one.
  void judge_string_name(size_t i) {
    std::string name;
    for (size_t k = i; k < record_.tokens.size() && record_.tokens[k].kind == CodeToken::Kind::kString; ++k) {
      name += string_contents(record_.token(k));
    }
    if (name.find('\\') != std::string::npos) {
      add(i, "namespace", "takes the attribute " + in_quotes(name) + " by a name in escapes",
          "what is taken cannot be followed");
    } else {
      judge_attribute(i, name);
    }
  }

  /// "x.name": of an object of the archive an attribute or method, of any other value an operator; also where it is
  /// not called, since `f = x.save` can be.
  void judge_attribute(size_t i, std::string_view name) {
    const bool is_declared = declared_.functions.contains(name) || declared_.attributes.contains(name);
    const bool passes =
        rules_.is_forbidden_method(name) ? is_own_attribute(i, name) : is_declared || is_known_member(name);
    if (!passes) {
      judge_operator(i, "aten::" + std::string(name));
    }
  }

  /// "self.save" where the class declares such an attribute, and does not call it.
  bool is_own_attribute(size_t i, std::string_view name) const {
    if (function_ >= record_.functions.size() || record_.functions[function_].begin > i || i < 2 ||
        record_.token(i - 2) != "self" || record_.token(i + 1) == "(") {
      return false;
    }
    const std::string own = std::string(record_.functions[function_].class_name).append(".").append(name);
    return record_.attributes.contains(own);
  }

  /// Of tensors, and of quantized::LinearPackedParamsBase and its like.
  bool is_known_member(std::string_view name) const {
    constexpr std::string_view kMembers[] = {"H",         "T",      "bias",           "bit_rate", "dilation",
                                             "groups",    "ndim",   "output_padding", "padding",  "shape",
                                             "transpose", "unpack", "version"};
    return std::ranges::find(kMembers, name) != std::end(kMembers) || !rules_.fault_of("prim::" + std::string(name));
  }

  void judge_bare_call(size_t i, std::string_view name) {
    constexpr std::string_view kRpc[] = {"rpc_async", "rpc_remote", "rpc_sync"};
    constexpr std::string_view kPython[] = {"__import__", "compile", "eval", "exec", "open"};
    if (std::ranges::find(kRpc, name) != std::end(kRpc)) {
      judge_operator(i, "prim::" + std::string(name));
    } else if (std::ranges::find(kPython, name) != std::end(kPython)) {
      add(i, "python", "calls Python's " + in_quotes(name), "TorchScript has no such function, Python has");
    }
  }

  const CodeRecord& record_;
  const Declared& declared_;
  const OperatorRules& rules_;
  ScanResult& result_;
  ScanFindings& findings_;
  size_t function_ = 0;    ///< the one that the current token lies in, or the next
  size_t skip_until_ = 0;  ///< tokens before it belong to a name that was judged as a whole
};

}  // namespace

void CodeScan::add(const std::string& name, std::string text) {
  total_bytes_ += text.size();
  if (total_bytes_ > kMaxCodeBytes) {
    findings_.add({.effect = ScanEffect::kUnread,
                   .rule = "code-size",
                   .record = name,
                   .found = "the code up to here has " + std::to_string(total_bytes_) + " bytes, more than " +
                            std::to_string(kMaxCodeBytes),
                   .why = "what was not read cannot be vouched for"});
    return;
  }
  CodeRecord& record = records_.emplace_back(CodeRecord{.name = name, .text = std::move(text)});
  outline_code(record);
  result_.functions += record.functions.size();
}

void CodeScan::require(const std::string& name, const std::string& record, uint64_t offset) {
  needs_.push_back({name, record, offset});
}

void CodeScan::run() {
  const Declared declared = collect(records_);
  for (const Need& need : needs_) {
    if (!is_defined(declared, need.name)) {
      findings_.add({.effect = ScanEffect::kCorrupt,
                     .rule = "undefined",
                     .record = record_for(need.name),
                     .found = in_quotes(need.record) + " uses " + in_quotes(need.name) + " at its byte " +
                              std::to_string(need.offset) + ", which no code defines",
                     .why = kUndefinedWhy});
    }
  }
  for (const CodeRecord& record : records_) {
    RecordScan(record, declared, rules_, result_, findings_).run();
    check_code_limits(record, findings_);
  }
  check_state_hooks(records_, findings_);
}

}  // namespace bertjit
