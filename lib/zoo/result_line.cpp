#include "zoo/result_line.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "checksum/sha512.h"
#include "support/error.h"
#include "support/words.h"
#include "zoo/json_line.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

/// Commands with --list.
const std::array<std::string, 2> kCommands = {"verify", "eval"};

/// The schema of their lines.
std::string schema_of(const std::string& command) {
  return "bertjit." + command + "-list/1";
}

/// Fields that measure the run, wherever in a report they stand: another run has others.
constexpr std::array kMeasured = {"seconds", "peak_memory_bytes", "rows_per_s", "tokenize_s"};

void remove_measured(ordered_json& json) {
  if (json.is_object()) {
    for (const char* key : kMeasured) {
      json.erase(key);
    }
  }
  if (json.is_structured()) {
    for (ordered_json& item : json) {
      remove_measured(item);
    }
  }
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

std::string text_of(const ordered_json& json) {
  return json.is_null() ? "" : json.get<std::string>();
}

std::string dump(const ordered_json& json) {
  // Names in hostile files, and messages about them, may be any bytes.
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// All but the run.
ordered_json result_json(const ZooLine& line) {
  ordered_json files = ordered_json::object();
  for (const auto& [path, file] : line.files) {
    files[path] = text_or_null(file.sha512);
  }
  const ZooHeader& header = line.header;
  return {{"schema", schema_of(header.command)},
          {"bertjit", header.version},
          {"list", {{"sha512", header.list_digest}, {"jobs", header.jobs}, {"flags", header.flags}}},
          {"index", line.index},
          {"name", line.name},
          {"key", text_or_null(line.key)},
          {"files", files},
          {"arguments", line.arguments},
          {"verdict", zoo_verdict_name(static_cast<ZooVerdict>(line.exit_code))},
          {"exit_code", line.exit_code},
          {"error", text_or_null(line.error)},
          {"report", line.report}};
}

ordered_json run_json(const ZooLine& line) {
  ordered_json stamps = ordered_json::object();
  for (const auto& [path, file] : line.files) {
    if (file.stamp) {
      stamps[path] = {file.stamp->size_bytes, file.stamp->inode, file.stamp->modified_ns, file.stamp->changed_ns};
    }
  }
  return {{"shard", text_or_null(line.run.shard)},
          {"host", line.run.host},
          {"started", line.run.started},
          {"seconds", line.run.seconds},
          {"hashing_seconds", line.run.hashing_seconds},
          {"peak_memory_bytes", line.run.peak_memory_bytes},
          {"stamps", stamps}};
}

KnownFiles files_from_json(const ordered_json& files, const ordered_json& stamps) {
  KnownFiles known;
  for (const auto& [path, digest] : files.items()) {
    known[path].sha512 = text_of(digest);
  }
  for (const auto& [path, stamp] : stamps.items()) {
    known[path].stamp = FileStamp{stamp.at(0).get<uint64_t>(), stamp.at(1).get<uint64_t>(), stamp.at(2).get<int64_t>(),
                                  stamp.at(3).get<int64_t>()};
  }
  return known;
}

ZooLine line_from_json(ordered_json& json) {
  ZooLine line;
  const ordered_json& list = json.at("list");
  line.header = {"", json.at("bertjit").get<std::string>(), list.at("sha512").get<std::string>(),
                 list.at("jobs").get<size_t>(), list.at("flags").get<std::vector<std::string>>()};
  line.index = json.at("index").get<size_t>();
  line.name = json.at("name").get<std::string>();
  line.key = text_of(json.at("key"));
  line.arguments = json.at("arguments").get<std::vector<std::string>>();
  line.exit_code = json.at("exit_code").get<int>();
  line.error = text_of(json.at("error"));
  line.report = std::move(json.at("report"));
  const ordered_json& run = json.at("run");
  line.files = files_from_json(json.at("files"), run.at("stamps"));
  line.run = {text_of(run.at("shard")),
              run.at("host").get<std::string>(),
              run.at("started").get<std::string>(),
              run.at("seconds").get<double>(),
              run.at("hashing_seconds").get<double>(),
              run.at("peak_memory_bytes").get<uint64_t>()};
  return line;
}

std::string operands_of(const std::vector<std::string>& arguments) {
  const auto end_of_flags = std::ranges::find(arguments, "--");
  return end_of_flags == arguments.end() ? "" : joined({end_of_flags + 1, arguments.end()});
}

std::string text_at(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void add_checks(const ordered_json& report, ZooEntry& entry) {
  entry.blamed = text_at(report, "blamed");
  const auto checks = report.find("checks");
  if (checks == report.end()) {
    return;
  }
  for (const ordered_json& check : *checks) {
    const std::string verdict = text_at(check, "verdict");
    entry.checks.emplace_back(text_at(check, "id"), verdict);
    if (verdict == "fail" || verdict == "warn") {
      entry.findings.push_back({text_at(check, "id"), verdict, text_at(check, "summary"), text_at(check, "where"),
                                text_at(check, "advice")});
    }
  }
}

/// Of `eval`: the metrics of every model on every file, named by what tells them apart.
void add_figures(const ordered_json& report, ZooEntry& entry) {
  const auto data = report.find("data");
  if (data == report.end()) {
    return;
  }
  for (const ordered_json& file : *data) {
    for (const ordered_json& model : file.at("models")) {
      if (model.at("score").is_null()) {
        continue;
      }
      for (const auto& [metric, value] : model.at("score").at("metrics").items()) {
        std::string name = data->size() > 1 ? text_at(file, "name") + " " : "";
        name += file.at("models").size() > 1 ? text_at(model, "model") + " " : "";
        entry.figures.emplace_back(name + metric, value.is_number() ? value.get<double>() : std::nan(""));
      }
    }
  }
}

}  // namespace

std::string write_result_line(const ZooLine& line) {
  ordered_json json = result_json(line);
  json["run"] = run_json(line);
  return dump(json) + "\n";
}

ZooLine read_result_line(std::string_view text, const std::string& place) {
  ordered_json json = parse_json_line(text).value_or(nullptr);
  try {
    const auto schema = json.at("schema").get<std::string>();
    const auto command = std::ranges::find(kCommands, schema, schema_of);
    if (command == kCommands.end()) {
      throw Error(ErrorKind::kUnsupported, place + ": 'schema' is '" + schema + "', not one of " +
                                               schema_of(kCommands[0]) + ", " + schema_of(kCommands[1]));
    }
    ZooLine line = line_from_json(json);
    line.header.command = *command;
    if (line.exit_code >= 0 && line.exit_code <= 3 && line.index >= 1 && line.index <= line.header.jobs) {
      return line;
    }
  } catch (const ordered_json::exception&) {
  }
  throw Error(ErrorKind::kCorrupt, place + ": is no line that verify --list or eval --list writes");
}

ZooEntry entry_of(const ZooLine& line) {
  ZooEntry entry{.index = line.index,
                 .name = line.name,
                 .operands = operands_of(line.arguments),
                 .verdict = static_cast<ZooVerdict>(line.exit_code),
                 .error = line.error};
  entry.seconds = line.run.seconds;
  entry.host = line.run.host;
  entry.key = line.key;
  try {
    if (line.report.is_object()) {
      add_checks(line.report, entry);
      add_figures(line.report, entry);
    }
  } catch (const ordered_json::exception&) {
    throw Error(ErrorKind::kCorrupt, "job '" + line.name + "': its 'report' is none of bertjit " + line.header.command);
  }
  ordered_json result = result_json(line);
  remove_measured(result);
  const std::string text = dump(result);
  entry.digest = to_hex(hash_bytes(std::as_bytes(std::span(text))));
  return entry;
}

}  // namespace bertjit
