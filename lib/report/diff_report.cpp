#include "report/diff_report.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "container/tensors.h"
#include "report/columns.h"
#include "report/visible.h"

namespace bertjit {

namespace {

constexpr size_t kMaxItems = 10;  ///< rows shown of one list
constexpr size_t kMaxLines = 30;  ///< lines shown of one diff of code or text
constexpr size_t kMaxPlaces = 3;  ///< modules named of those that share a class

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string value_text(const std::optional<std::string>& value) {
  return value ? (value->empty() ? "none" : visible(*value)) : "-";
}

std::string place_text(const std::string& name) {
  return name.empty() ? "(root)" : visible(name);
}

const char* heading_of(DiffSubject subject) {
  switch (subject) {
    case DiffSubject::kTraining:
      return "training flags";
    case DiffSubject::kAttribute:
      return "attributes";
    case DiffSubject::kModule:
      return "modules";
    case DiffSubject::kGradient:
      return "requires_grad";
    case DiffSubject::kStorage:
      return "shared storage";
    case DiffSubject::kTensorTrait:
      return "strides, device, role";
    case DiffSubject::kConfig:
      return "configuration";
    case DiffSubject::kClaim:
      return "claims";
    case DiffSubject::kMetadata:
      return "metadata";
    case DiffSubject::kFile:
      return "files";
    case DiffSubject::kFormat:
      return "how it is stored";
  }
  return "";
}

class TextReport {
 public:
  TextReport(const DiffResult& result, const DiffTextOptions& options, std::ostream& out)
      : result_(result), options_(options), out_(out) {}

  void print() {
    print_verdict();
    if (result_.verdict == DiffVerdict::kIdentical) {
      return;
    }
    print_side("A", result_.a);
    print_side("B", result_.b);
    print_causes();
    print_code();
    print_tensors();
    print_lone("only in A", result_.only_in_a);
    print_lone("only in B", result_.only_in_b);
    print_facts();
  }

 private:
  size_t shown(size_t count) const {
    return options_.full ? count : std::min(count, kMaxItems);
  }

  void print_rest(size_t count, const std::string& noun) {
    if (shown(count) < count) {
      out_ << "  ... and " << grouped_count(count - shown(count), noun) << " more (--full shows all)\n";
    }
  }

  std::string painted(const char* code, const std::string& text) const {
    return options_.color == Color::kYes ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
  }

  std::string what_was_compared() const {
    switch (result_.level) {
      case DiffLevel::kWeights:
        return "the same weights";
      case DiffLevel::kCode:
        return "the same code";
      default:
        return result_.only_tensors ? "the same weights" : "the same model";
    }
  }

  std::string verdict_words() const {
    switch (result_.verdict) {
      case DiffVerdict::kIdentical:
        return "identical bytes";
      case DiffVerdict::kSame:
        return what_was_compared() + (result_.only_tensors ? "" : ", other bytes");
      case DiffVerdict::kDifferent:
        break;
    }
    switch (result_.effect) {
      case DiffEffect::kOutputs:
        return "differ";
      case DiffEffect::kGradients:
        return "differ, if they are trained";
      case DiffEffect::kDescription:
        return "differ in what they say of themselves";
      case DiffEffect::kBytes:
        return what_was_compared() + ", other bytes";
    }
    return "";
  }

  void print_verdict() {
    const bool differ = result_.verdict == DiffVerdict::kDifferent;
    out_ << visible(result_.a.path) << " and " << visible(result_.b.path) << ": "
         << painted(differ ? "31" : "32", verdict_words());
    if (!result_.causes.empty()) {
      out_ << ": " << visible(result_.causes[0].text);
    }
    out_ << "\n";
  }

  void print_side(const char* letter, const DiffSide& side) {
    out_ << "  " << letter << "  " << visible(side.path) << ": " << side.kind << ", "
         << grouped_count(side.size_bytes, "byte");
    if (side.tensor_count > 0) {
      out_ << ", " << grouped_count(side.tensor_count, "tensor") << " of "
           << grouped_count(side.element_count, "element");
    }
    if (side.module_count > 0) {
      out_ << ", " << grouped_count(side.module_count, "module");
    }
    out_ << "\n";
  }

  void print_causes() {
    for (size_t i = 1; i < result_.causes.size(); ++i) {
      out_ << "also: " << visible(result_.causes[i].text) << "\n";
    }
  }

  void print_heading(const std::string& text) {
    out_ << "\n" << painted("1", text) << "\n";
  }

  /// A unified diff, its first lines.
  void print_diff(const std::string& text) {
    size_t begin = 0;
    size_t lines = 0;
    const auto total = static_cast<size_t>(std::ranges::count(text, '\n'));
    while (begin < text.size() && (options_.full || lines < kMaxLines)) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string line = visible(text.substr(begin, end - begin));
      out_ << "    " << (line[0] == '-' ? painted("31", line) : line[0] == '+' ? painted("32", line) : line) << "\n";
      begin = end + 1;
      ++lines;
    }
    if (lines < total) {
      out_ << "    ... and " << grouped_count(total - lines, "line") << " more (--full shows all)\n";
    }
  }

  void print_code() {
    if (result_.code.empty()) {
      return;
    }
    print_heading("code: " + std::to_string(result_.code.size()) + " of " +
                  grouped_count(result_.code_compared + lone_code(), "class or function", "classes and functions") +
                  (result_.code.size() == 1 ? " differs" : " differ"));
    for (size_t i = 0; i < shown(result_.code.size()); ++i) {
      const DiffCode& code = result_.code[i];
      out_ << "  " << visible(code.name);
      for (size_t k = 0; k < std::min(code.modules.size(), kMaxPlaces); ++k) {
        out_ << (k == 0 ? " of " : ", ") << place_text(code.modules[k]);
      }
      if (code.modules.size() > kMaxPlaces) {
        out_ << " and " << grouped_count(code.modules.size() - kMaxPlaces, "module") << " more";
      }
      out_ << ": ";
      if (!code.in_a || !code.in_b) {
        out_ << "only in " << (code.in_a ? "A" : "B") << ", "
             << grouped_count(code.in_a ? code.removed : code.added, "line");
      } else {
        out_ << "-" << code.removed << " +" << code.added << " lines"
             << (code.nature.empty() ? "" : ", " + code.nature);
      }
      out_ << "\n";
      print_diff(code.text);
    }
    print_rest(result_.code.size(), "class");
  }

  size_t lone_code() const {
    return static_cast<size_t>(
        std::ranges::count_if(result_.code, [](const DiffCode& code) { return !code.in_a || !code.in_b; }));
  }

  static std::string grouped_count(uint64_t number, const std::string& noun, const std::string& plural = "") {
    return plural.empty() ? bertjit::grouped_count(number, noun)
                          : grouped(number) + " " + (number == 1 ? noun : plural);
  }

  void print_tensors() {
    if (result_.tensors.empty()) {
      return;
    }
    print_heading("tensors: " + grouped(result_.tensors.size()) + " of " +
                  grouped_count(result_.tensors_compared, "tensor") +
                  (result_.tensors.size() == 1 ? " differs" : " differ"));
    for (size_t i = 0; i < shown(result_.tensors.size()); ++i) {
      print_tensor(result_.tensors[i]);
    }
    print_rest(result_.tensors.size(), "tensor");
  }

  static std::string change(const std::string& a, const std::string& b) {
    return a == b ? a : a + " and " + b;
  }

  void print_tensor(const DiffTensor& tensor) {
    out_ << "  " << visible(tensor.name)
         << (tensor.name_in_b == tensor.name ? "" : " (" + visible(tensor.name_in_b) + ")") << "  "
         << change(tensor.dtype_a, tensor.dtype_b) << " "
         << change(shape_text(tensor.shape_a), shape_text(tensor.shape_b))
         << (tensor.relation_text.empty() ? "" : ": " + tensor.relation_text) << "\n";
    if (!tensor.measured || tensor.differing == 0) {
      return;
    }
    out_ << "      " << grouped(static_cast<uint64_t>(tensor.differing)) << " of "
         << grouped_count(static_cast<uint64_t>(tensor.elements), "element") << " differ"
         << (tensor.differing == 1 ? "s" : "") << "; greatest difference " << number_text(tensor.max_abs) << " at "
         << shape_text(tensor.max_abs_at.index) << " (" << number_text(tensor.max_abs_at.a) << " became "
         << number_text(tensor.max_abs_at.b) << "), relative " << number_text(tensor.max_rel) << " at "
         << shape_text(tensor.max_rel_at.index) << "\n";
    out_ << "      mean " << number_text(tensor.mean_abs) << ", cosine " << number_text(tensor.cosine) << ", SQNR "
         << number_text(tensor.sqnr_db) << " dB" << oddities(tensor) << "\n";
  }

  static std::string oddities(const DiffTensor& tensor) {
    std::string text;
    const auto add = [&](const std::string& part) { text += "; " + part; };
    if (tensor.sign_changes > 0) {
      add(grouped_count(static_cast<uint64_t>(tensor.sign_changes), "sign") + " turned");
    }
    if (tensor.nan_a + tensor.nan_b > 0) {
      add("NaN " + grouped(static_cast<uint64_t>(tensor.nan_a)) + " and " +
          grouped(static_cast<uint64_t>(tensor.nan_b)));
    }
    if (tensor.inf_a + tensor.inf_b > 0) {
      add("infinite " + grouped(static_cast<uint64_t>(tensor.inf_a)) + " and " +
          grouped(static_cast<uint64_t>(tensor.inf_b)));
    }
    return text;
  }

  void print_lone(const std::string& heading, const std::vector<DiffLoneTensor>& tensors) {
    if (tensors.empty()) {
      return;
    }
    print_heading(heading + ": " + grouped_count(tensors.size(), "tensor"));
    for (size_t i = 0; i < shown(tensors.size()); ++i) {
      const DiffLoneTensor& tensor = tensors[i];
      out_ << "  " << visible(tensor.name) << "  " << tensor.dtype << " " << shape_text(tensor.shape)
           << (tensor.role.empty() ? "" : ", " + tensor.role)
           << (tensor.same_as.empty() ? "" : ", the same as " + visible(tensor.same_as)) << "\n";
    }
    print_rest(tensors.size(), "tensor");
  }

  void print_facts() {
    for (auto begin = result_.facts.begin(); begin != result_.facts.end();) {
      const auto end = std::find_if(begin, result_.facts.end(),
                                    [&](const DiffFact& fact) { return fact.subject != begin->subject; });
      print_group({begin, end});
      begin = end;
    }
  }

  void print_group(const std::vector<DiffFact>& facts) {
    print_heading(heading_of(facts[0].subject));
    std::vector<std::vector<std::string>> rows{{"", "A", "B"}};
    for (size_t i = 0; i < shown(facts.size()); ++i) {
      rows.push_back({place_text(facts[i].name), value_text(facts[i].a), value_text(facts[i].b)});
    }
    print_columns(rows, {}, "  ", out_);
    print_rest(facts.size(), "value");
    for (size_t i = 0; i < shown(facts.size()); ++i) {
      if (!facts[i].text.empty()) {
        out_ << "  " << visible(facts[i].name) << ":\n";
        print_diff(facts[i].text);
      }
    }
  }

  const DiffResult& result_;
  const DiffTextOptions& options_;
  std::ostream& out_;
};

}  // namespace

void print_text(const DiffResult& result, const DiffTextOptions& options, std::ostream& out) {
  TextReport(result, options, out).print();
}

}  // namespace bertjit
