#include <map>

#include <nlohmann/json.hpp>

#include "report/zoo_report.h"
#include "support/error.h"
#include "zoo/result_file.h"

namespace bertjit {

namespace {

using Json = nlohmann::ordered_json;

/// An entry of a list, at that depth of the document.
void print_item(const Json& item, bool is_first, std::ostream& out) {
  out << (is_first ? "\n    " : ",\n    ");
  for (const char c : item.dump(2)) {
    out << c;
    if (c == '\n') {  // none is within a text: there it is \n
      out << "    ";
    }
  }
}

/// What is said of the whole, without its last brace.
std::string head(const ZooResult& result) {
  Json counts = Json::object();
  for (const ZooVerdict verdict : {ZooVerdict::kPass, ZooVerdict::kFail, ZooVerdict::kNoAnswer, ZooVerdict::kUnsafe}) {
    counts[zoo_verdict_name(verdict)] = result.count(verdict);
  }
  Json checks = Json::object();
  for (const ZooEntry& entry : result.entries) {
    for (const auto& [id, verdict] : entry.checks) {
      Json& count = checks[id][verdict];
      count = (count.is_null() ? 0 : count.get<size_t>()) + 1;
    }
  }
  const Json json = {{"schema", "bertjit.zoo/1"},
                     {"command", result.command},
                     {"verdict", result.exit_code() == 0 ? "pass" : "fail"},
                     {"exit_code", result.exit_code()},
                     {"bertjit", result.version},
                     {"list", {{"sha512", result.list_digest}, {"jobs", result.jobs}, {"flags", result.flags}}},
                     {"shard", result.shard.empty() ? Json() : Json(result.shard)},
                     {"counts", counts},
                     {"checks", checks}};
  std::string text = json.dump(2);
  text.resize(text.rfind('\n'));
  return text;
}

}  // namespace

void print_json(const ZooResult& result, std::ostream& out) {
  out << head(result) << ",\n  \"jobs\": [";
  Json runs = Json::array();
  for (const ZooEntry& entry : result.entries) {
    Json line = Json::parse(read_place(entry.place));
    Json run = {{"index", entry.index}};
    run.update(line.at("run"));
    run.erase("stamps");
    runs.push_back(std::move(run));
    for (const char* common : {"schema", "bertjit", "list", "run"}) {
      line.erase(common);
    }
    print_item(line, &entry == &result.entries.front(), out);
  }
  out << "\n  ],\n  \"runs\": [";
  for (const Json& run : runs) {
    print_item(run, &run == &runs.front(), out);
  }
  out << "\n  ]\n}\n";
}

}  // namespace bertjit
