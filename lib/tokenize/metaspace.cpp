#include "tokenize/metaspace.h"

#include <string_view>
#include <utility>

#include "support/error.h"
#include "tokenize/json_members.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

using Scheme = MetaspaceOptions::PrependScheme;

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(MetaspaceOptions options) : options_(std::move(options)) {}

  void split(std::string_view text, TextPlace place, Words& words) const override {
    if (text.empty()) {
      return;
    }
    const std::string& marked = words.made.emplace_front(mark(text, place));
    if (!options_.split) {
      words.add(marked, place);
      return;
    }
    const std::string_view all = marked;
    for (size_t begin = 0; begin < all.size();) {
      const size_t next = all.find(options_.replacement, begin + 1);
      const size_t end = next == std::string_view::npos ? all.size() : next;
      words.add(all.substr(begin, end - begin), begin == 0 ? place : TextPlace::kInside);
      begin = end;
    }
  }

 private:
  std::string mark(std::string_view text, TextPlace place) const {
    const bool wanted = options_.prepend_scheme == Scheme::kAlways ||
                        (options_.prepend_scheme == Scheme::kFirst && place == TextPlace::kTextStart);
    std::string marked;
    marked.reserve(text.size() + text.size() / 2 + options_.replacement.size());
    if (wanted && !text.starts_with(' ') && !text.starts_with(options_.replacement)) {
      marked += options_.replacement;
    }
    for (size_t begin = 0; begin < text.size();) {
      const size_t space = std::min(text.find(' ', begin), text.size());
      marked.append(text, begin, space - begin);
      if (space < text.size()) {
        marked += options_.replacement;
      }
      begin = space + 1;
    }
    return marked;
  }

  MetaspaceOptions options_;
};

Scheme parse_scheme(const std::string& name, const std::string& file) {
  if (name == "always") {
    return Scheme::kAlways;
  }
  if (name == "first") {
    return Scheme::kFirst;
  }
  if (name == "never") {
    return Scheme::kNever;
  }
  throw Error(ErrorKind::kCorrupt, file + ": 'prepend_scheme' is '" + name + "', expected always, first or never");
}

}  // namespace

std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceOptions& options) {
  return std::make_unique<Metaspace>(options);
}

std::unique_ptr<PreTokenizer> parse_metaspace(const nlohmann::json& object, const std::string& file) {
  return make_metaspace(parse_metaspace_options(object, file));
}

MetaspaceOptions parse_metaspace_options(const nlohmann::json& object, const std::string& file) {
  MetaspaceOptions options;
  options.replacement = require_string(object, "replacement", file);
  size_t end = 0;
  if (!options.replacement.empty()) {
    next_code_point(options.replacement, end);
  }
  if (end == 0 || end != options.replacement.size()) {
    throw Error(ErrorKind::kCorrupt,
                file + ": 'replacement' of Metaspace is '" + options.replacement + "', expected one character");
  }
  options.prepend_scheme = parse_scheme(string_member(object, "prepend_scheme", "always", file), file);
  options.split = bool_member(object, "split", true, file);
  if (!bool_member(object, "add_prefix_space", true, file) && options.prepend_scheme != Scheme::kNever) {
    throw Error(ErrorKind::kCorrupt,
                file + ": 'add_prefix_space' of Metaspace is false, 'prepend_scheme' is not never");
  }
  return options;
}

}  // namespace bertjit
