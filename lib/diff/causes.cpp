#include "diff/causes.h"

#include <algorithm>
#include <map>

namespace bertjit {

namespace {

using Facts = std::vector<const DiffFact*>;

std::string value_or_none(const std::optional<std::string>& value) {
  return !value ? "absent" : value->empty() ? "none" : *value;
}

std::vector<std::string> names_of(const Facts& facts) {
  std::vector<std::string> names;
  for (const DiffFact* fact : facts) {
    names.push_back(fact->name.empty() ? "the root" : fact->name);
  }
  return names;
}

/// "name: a and b" for one fact; for several their names.
std::string facts_text(const Facts& facts) {
  if (facts.size() == 1 && facts[0]->text.empty()) {
    return names_of(facts)[0] + ": " + value_or_none(facts[0]->a) + " and " + value_or_none(facts[0]->b);
  }
  return some_of(names_of(facts), 3);
}

/// "True in A and False in B", if that is so for all.
std::string common_change(const Facts& facts) {
  const auto like_first = [&](const DiffFact* fact) { return fact->a == facts[0]->a && fact->b == facts[0]->b; };
  return std::ranges::all_of(facts, like_first)
             ? value_or_none(facts[0]->a) + " in A and " + value_or_none(facts[0]->b) + " in B"
             : "not the same";
}

class OtherCauses {
 public:
  explicit OtherCauses(const DiffResult& result) : result_(result) {}

  std::vector<DiffCause> run() {
    tell_code();
    tell_values();
    tell_traits();
    tell_files();
    tell_format();
    return std::move(causes_);
  }

 private:
  void tell(const char* id, std::string text, DiffEffect effect = DiffEffect::kOutputs) {
    causes_.push_back({id, effect, std::move(text)});
  }

  Facts facts_of(DiffSubject subject) const {
    Facts facts;
    for (const DiffFact& fact : result_.facts) {
      if (fact.subject == subject) {
        facts.push_back(&fact);
      }
    }
    return facts;
  }

  static DiffEffect worst(const Facts& facts) {
    return (*std::ranges::min_element(facts, {}, [](const DiffFact* fact) { return fact->effect; }))->effect;
  }

  void tell_code() {
    std::map<std::string, std::vector<std::string>> by_nature;
    bool dropout = false;
    for (const DiffCode& code : result_.code) {
      const std::string name = code.name.substr(code.name.rfind('.') + 1);
      by_nature[code.nature].push_back(
          code.modules.empty() || code.modules[0].empty() ? name : name + " (" + code.modules[0] + ")");
      dropout |= code.nature == "only True and False" && code.text.find("dropout(") != std::string::npos;
    }
    for (const auto& [nature, names] : by_nature) {
      if (nature == "only numbers") {
        tell("code-numbers", "numbers in the code: " + some_of(names));
      } else if (nature == "only True and False" && dropout) {
        tell("recorded-dropout", "dropout is recorded as on in one and as off in the other: " + some_of(names));
      } else if (nature == "only True and False") {
        tell("code-flags", "flags in the code: " + some_of(names));
      } else if (nature == "only names of variables") {
        tell("code-names", "names of variables in the code: " + some_of(names));
      } else {
        tell("code", "code: " + some_of(names));
      }
    }
  }

  void tell_values() {
    if (const Facts facts = facts_of(DiffSubject::kModule); !facts.empty()) {
      tell("modules", "modules: " + facts_text(facts));
    }
    if (const Facts facts = facts_of(DiffSubject::kTraining); !facts.empty()) {
      tell("training-flag", "training flag of " + count_of(facts.size(), "module") + ": " + common_change(facts));
    }
    if (const Facts facts = facts_of(DiffSubject::kAttribute); !facts.empty()) {
      tell("attributes", "attributes: " + facts_text(facts));
    }
  }

  void tell_traits() {
    if (const Facts facts = facts_of(DiffSubject::kTensorTrait); !facts.empty()) {
      tell("tensor-traits", "strides, device or role of " + facts_text(facts), worst(facts));
    }
    if (const Facts facts = facts_of(DiffSubject::kGradient); !facts.empty()) {
      tell("requires-grad", "requires_grad of " + count_of(facts.size(), "tensor") + ": " + common_change(facts),
           DiffEffect::kGradients);
    }
    if (const Facts facts = facts_of(DiffSubject::kStorage); !facts.empty()) {
      tell("tied",
           "tied weights: " + names_of(facts)[0] + " " + facts[0]->a.value_or("has its own storage") + " in A, " +
               facts[0]->b.value_or("has its own storage") + " in B" +
               (facts.size() > 1 ? ", and " + std::to_string(facts.size() - 1) + " more" : ""),
           DiffEffect::kGradients);
    }
  }

  void tell_files() {
    const std::pair<DiffSubject, std::pair<const char*, const char*>> kinds[] = {
        {DiffSubject::kConfig, {"config", "configuration: "}},
        {DiffSubject::kClaim, {"claims", "claims: "}},
        {DiffSubject::kFile, {"files", "files: "}},
        {DiffSubject::kMetadata, {"metadata", "metadata: "}},
    };
    for (const auto& [subject, words] : kinds) {
      if (const Facts facts = facts_of(subject); !facts.empty()) {
        tell(words.first, words.second + facts_text(facts), worst(facts));
      }
    }
  }

  const DiffFact* format_fact(const std::string& name) const {
    for (const DiffFact& fact : result_.facts) {
      if (fact.subject == DiffSubject::kFormat && fact.name == name) {
        return &fact;
      }
    }
    return nullptr;
  }

  void tell_format() {
    if (const DiffFact* fact = format_fact("format version")) {
      tell("format-version", "format version: " + *fact->a + " and " + *fact->b);
    }
    tell_resave();
    if (format_fact("mangled names") != nullptr) {
      tell("mangled-names", "mangled names: classes of the same code are numbered otherwise", DiffEffect::kBytes);
    }
    const std::pair<const char*, const char*> plain[] = {
        {"compression", "compression"}, {"record order", "record-order"},  {"tensor order", "tensor-order"},
        {"alignment", "alignment"},     {"byteorder record", "byteorder"}, {"archive name", "archive-name"}};
    for (const auto& [name, id] : plain) {
      if (const DiffFact* fact = format_fact(name)) {
        tell(id, std::string(name) + ": " + *fact->a + " and " + *fact->b, DiffEffect::kBytes);
      }
    }
    if (const DiffFact* fact = format_fact("kind")) {
      tell("kind", *fact->a + " against " + *fact->b + ", so only tensors were compared", DiffEffect::kBytes);
    }
  }

  /// Loading and saving writes data.pkl anew (order of attributes, memo numbers), drops what torch.jit.trace adds, and
  /// adds to debug records. Debug records alone are other places in the source.
  void tell_resave() {
    const bool other_code = !result_.code.empty() || !facts_of(DiffSubject::kModule).empty();
    const bool other_values = std::ranges::any_of(result_.facts, [](const DiffFact& fact) {
      return fact.subject < DiffSubject::kConfig || fact.name == "mangled names";
    });
    const bool other_tensors = !result_.tensors.empty() || !result_.only_in_a.empty() || !result_.only_in_b.empty();
    const bool pickle = format_fact("data.pkl") != nullptr && !other_values && !other_tensors && !other_code;
    const bool inputs = format_fact("traced inputs") != nullptr && !other_code;
    const DiffFact* debug = format_fact("debug records");
    if (!pickle && !inputs) {
      if (debug != nullptr) {
        tell("debug-paths",
             "debug records, which say where in the source code came from: " + *debug->a + " and " + *debug->b,
             DiffEffect::kBytes);
      }
      return;
    }
    std::vector<std::string> signs;
    const auto add = [&](bool is_there, const char* sign) {
      if (is_there) {
        signs.push_back(sign);
      }
    };
    add(pickle, "data.pkl written anew");
    add(debug != nullptr, "debug records rewritten");
    add(inputs, "traced inputs dropped");
    tell("resave", "loaded and saved again: " + some_of(signs, signs.size()), DiffEffect::kBytes);
  }

  const DiffResult& result_;
  std::vector<DiffCause> causes_;
};

}  // namespace

std::string count_of(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string some_of(const std::vector<std::string>& names, size_t shown) {
  std::string text;
  const size_t count = names.size() <= shown + 1 ? names.size() : shown;
  for (size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return count == names.size() ? text : text + " and " + std::to_string(names.size() - count) + " more";
}

std::vector<DiffCause> other_causes(const DiffResult& result) {
  return OtherCauses(result).run();
}

void find_causes(const Contents& a, const Contents& b, const PairedTensors& pairing, DiffResult& result) {
  result.causes = tensor_causes(a, b, pairing, result);
  for (DiffCause& cause : other_causes(result)) {
    result.causes.push_back(std::move(cause));
  }
  std::ranges::stable_sort(result.causes, {}, &DiffCause::effect);
  if (result.causes.empty()) {
    result.causes.push_back({"padding", DiffEffect::kBytes, "bytes that belong to no record, tensor or value"});
  }
}

}  // namespace bertjit
