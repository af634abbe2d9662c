#include "recognise/subject.h"

#include <algorithm>
#include <map>

namespace bertjit {

std::string value_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::vector<int64_t> Subject::shape(const std::string& name) const {
  const auto it = result.weights.find(name);
  return it == result.weights.end() ? std::vector<int64_t>() : it->second.sizes().vec();
}

bool Subject::has_prefix(const std::string& prefix) const {
  const auto it = result.weights.lower_bound(prefix);
  return it != result.weights.end() && it->first.starts_with(prefix);
}

std::string Subject::module_of(std::optional<size_t> index) const {
  if (!index) {
    return "";
  }
  const std::string& module = calls.all()[*index].module;
  return module.starts_with(result.root) ? module.substr(result.root.size()) : "";
}

void Subject::set(const std::string& field, nlohmann::json value, KnownFrom known, const std::string& where) {
  result.config[field] = value;
  result.fields.push_back({field, std::move(value), known, where});
}

nlohmann::json Subject::vote(const std::string& field, const std::vector<Observation>& observations,
                             const nlohmann::json& otherwise, const std::string& what) {
  if (observations.empty()) {
    set(field, otherwise, KnownFrom::kDefault);
    return otherwise;
  }
  std::map<nlohmann::json, size_t> counts;
  for (const auto& seen : observations) {
    ++counts[seen.value];
  }
  const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  const auto published = counts.find(otherwise);
  const nlohmann::json taken =
      published != counts.end() && published->second == most->second ? published->first : most->first;
  std::string where;
  for (const auto& seen : observations) {
    if (seen.value == taken && where.empty()) {
      where = what + " at " + seen.where;
    }
    if (seen.value != taken) {
      contradict(field, seen.where, what + " of " + value_text(seen.value),
                 value_text(taken) + ", as at " + std::to_string(counts.at(taken)) + " of " +
                     std::to_string(observations.size()) + " places");
    }
  }
  set(field, taken, KnownFrom::kCode, where);
  return taken;
}

void Subject::contradict(const std::string& field, const std::string& where, const std::string& found,
                         const std::string& taken) {
  result.contradictions.push_back({field, where, found, taken});
}

std::vector<std::string> Subject::layers() const {
  const std::string list = base + family().layers;
  const bool in_groups = result.architecture == "albert";
  std::map<std::pair<int64_t, int64_t>, std::string> found;
  for (auto it = result.weights.lower_bound(list); it != result.weights.end() && it->first.starts_with(list); ++it) {
    const std::string& name = it->first;
    const auto number_at = [&](size_t begin, size_t& end) {
      end = begin;
      while (end < name.size() && name[end] >= '0' && name[end] <= '9') {
        ++end;
      }
      // More digits than a layer's number ever has are no number.
      return end == begin || end - begin > 6 ? -1 : std::stoll(name.substr(begin, end - begin));
    };
    size_t end = 0;
    const int64_t first = number_at(list.size(), end);
    int64_t second = 0;
    const std::string inner = ".albert_layers.";
    if (in_groups && name.compare(end, inner.size(), inner) == 0) {
      second = number_at(end + inner.size(), end);
    }
    if (first >= 0 && second >= 0 && end < name.size() && name[end] == '.') {
      found[{first, second}] = name.substr(0, end + 1);
    }
  }
  std::vector<std::string> paths;
  for (const auto& [key, path] : found) {
    paths.push_back(path);
  }
  return paths;
}

}  // namespace bertjit
