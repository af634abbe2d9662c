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
#include "scan/load_values.h"
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
      count_brackets(i);
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

  void count_brackets(size_t i) {
    const std::string_view token = record_.token(i);
    depth_ = record_.tokens[i].first ? 0 : depth_;
    depth_ += token == "(" || token == "[" || token == "{";
    depth_ -= (token == ")" || token == "]" || token == "}") && depth_ > 0;
  }

  /// The function that token `i` lies in; nullptr outside of all.
  const CodeFunction* function_at(size_t i) const {
    const bool inside = function_ < record_.functions.size() && record_.functions[function_].begin <= i;
    return inside ? &record_.functions[function_] : nullptr;
  }

  void judge_name(size_t i) {
    const std::string_view name = record_.token(i);
    const std::string_view next = record_.token(i + 1);
    if (name == "torch") {
      judge_torch(i);
    } else if (name == "ops") {
      judge_ops(i);
    } else if (name == "CONSTANTS") {
      judge_constant(i);
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

  /// "torch", "ops" and their like are namespaces; code that passes one on as a value hides what it takes out of it, and
  /// code that gives its name to a value lets an operator pass for another.
  void judge_namespace_as_value(size_t i) {
    if (!names_argument(i) && !names_attribute(i)) {
      add(i, "namespace", "uses " + in_quotes(record_.token(i)) + " as a value",
          "what is taken out of it cannot be followed");
    }
  }

  /// "f(x, ops=1)"
  bool names_argument(size_t i) const {
    const CodeFunction* function = function_at(i);
    const bool begins = i > 0 && (record_.token(i - 1) == "(" || record_.token(i - 1) == ",");
    return function != nullptr && i >= function->body && depth_ > 0 && begins && record_.token(i + 1) == "=" &&
           record_.token(i + 2) != "=";
  }

  /// "ops : Tensor" in a class
  bool names_attribute(size_t i) const {
    return function_at(i) == nullptr && record_.tokens[i].first &&
           (record_.token(i + 1) == ":" || record_.token(i + 1) == "=");
  }

  bool has_member(size_t i) const {
    return record_.token(i + 1) == "." && record_.is_name(i + 2);
  }

  /// "CONSTANTS.c12"
  void judge_constant(size_t i) {
    const std::string_view name = has_member(i) ? record_.token(i + 2) : std::string_view();
    const bool is_constant = name.size() > 1 && name[0] == 'c' &&
                             name.find_first_not_of("0123456789", 1) == std::string_view::npos;
    if (!is_constant) {
      return judge_namespace_as_value(i);
    }
    skip_until_ = i + 3;
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
    if (!has_member(i)) {
      return judge_namespace_as_value(i);
    }
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
    if (const auto name = second_argument(i)) {
      judge_string_name(*name);
    } else {
      refuse_hidden_name(i, "an attribute");
    }
  }

  /// Of the call of the word `i`. Code that libtorch prints has an attribute or two in front of it.
  std::optional<size_t> second_argument(size_t i) const {
    constexpr size_t kFarthest = 200;
    size_t depth = 0;
    for (size_t k = i + 1; k < std::min(record_.tokens.size(), i + kFarthest); ++k) {
      const std::string_view token = record_.token(k);
      depth += token == "(" || token == "[";
      depth -= token == ")" || token == "]";
      if (depth == 0) {
        break;
      }
      if (depth == 1 && token == ",") {
        return k + 1;
      }
    }
    return std::nullopt;
  }

  void refuse_hidden_name(size_t i, const std::string& what) {
    add(i, "namespace", "takes " + what + " by a name that is not written out", "what is taken cannot be followed");
  }

  /// Neighbouring strings are one.
  void judge_string_name(size_t i) {
    std::string name;
    size_t end = i;
    for (; end < record_.tokens.size() && record_.tokens[end].kind == CodeToken::Kind::kString; ++end) {
      name += string_contents(record_.token(end));
    }
    const bool is_whole = end > i && (record_.token(end) == ")" || record_.token(end) == ",");
    if (!is_whole || name.find('\\') != std::string::npos) {
      refuse_hidden_name(i, "an attribute");
    } else {
      judge_attribute(i, name);
    }
  }

  /// "x.name": of an object of the archive an attribute or method, of any other value an operator; also where it is
  /// not called, since `f = x.save` can be.
  void judge_attribute(size_t i, std::string_view name) {
    const bool is_declared = declared_.functions.contains(name) || declared_.attributes.contains(name);
    const bool passes =
        rules_.is_forbidden_method(name) ? is_own_member(i, name) : is_declared || is_known_member(name);
    if (!passes) {
      judge_operator(i, "aten::" + std::string(name));
    }
  }

  /// "self.save" where the class declares such an attribute and does not call it; "(self).save(x)" where it declares
  /// such a method. `self` is what the first argument is called, and only while nothing else is given that name.
  bool is_own_member(size_t i, std::string_view name) const {
    const CodeFunction* function = function_at(i);
    if (function == nullptr || i < function->body + 2) {
      return false;
    }
    const std::string_view self = record_.token(function->begin + 3);
    const bool in_brackets = record_.token(i - 2) == ")" && record_.token(i - 4) == "(";
    const bool is_of_self = record_.token(in_brackets ? i - 3 : i - 2) == self;
    const std::string own = std::string(function->class_name).append(".").append(name);
    const auto& members = record_.token(i + 1) == "(" ? record_.methods : record_.attributes;
    return is_of_self && members.contains(own) && !is_bound(*function, self);
  }

  /// Whether the function's body may give that name to another value.
  bool is_bound(const CodeFunction& function, std::string_view name) const {
    for (size_t i = function.body; i < function.end; ++i) {
      const bool is_used = record_.token(i + 1) == "." || record_.token(i + 1) == ")";
      if (record_.token(i) == name && record_.token(i - 1) != "." && !is_used) {
        return true;
      }
    }
    return false;
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
  size_t depth_ = 0;       ///< of brackets around the current token
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
    check_load_values(record, findings_);
    check_code_limits(record, findings_);
  }
  check_state_hooks(records_, findings_);
}

}  // namespace bertjit
