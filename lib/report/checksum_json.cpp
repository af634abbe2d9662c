#include "report/checksum_json.h"

#include "report/evidence_json.h"

namespace bertjit {

namespace {

using Json = nlohmann::ordered_json;

Json named(const std::string& name) {
  Json object{{"name", json_text(name)}};
  if (object["name"].get<std::string>() != name) {
    object["name_hex"] = to_hex(std::as_bytes(std::span(name)));
  }
  return object;
}

const char* status_of(LineVerdict verdict) {
  switch (verdict) {
    case LineVerdict::kMatch:
      return "matched";
    case LineVerdict::kMismatch:
      return "changed";
    case LineVerdict::kMissing:
      return "missing";
    case LineVerdict::kUnreadable:
    case LineVerdict::kMalformed:
      break;
  }
  return "unreadable";
}

Json counts_of(const LineCounts& lines) {
  return {{"matched", lines.matched},
          {"changed", lines.mismatched},
          {"missing", lines.missing},
          {"unreadable", lines.unreadable},
          {"malformed", lines.malformed}};
}

}  // namespace

void ChecksumJson::take(const FileDigest& file) {
  Json object = named(file.name);
  if (file.problem.empty()) {
    object["digest"] = to_hex(file.digest);
    for (const std::string& note : file.notes) {
      object["notes"].push_back(json_text(note));
    }
  } else {
    object["problem"] = json_text(file.problem);
  }
  files_.push_back(std::move(object));
}

void ChecksumJson::take(const CheckedLine& line) {
  if (line.verdict == LineVerdict::kMalformed) {
    malformed_.push_back({{"list", json_text(line.list)}, {"line", line.number}});
    return;
  }
  if (line.verdict == LineVerdict::kMatch && options_.talk == Talk::kQuiet) {
    return;
  }
  Json object = named(line.name);
  object["status"] = status_of(line.verdict);
  object["list"] = json_text(line.list);
  object["line"] = line.number;
  object["expected"] = to_hex(line.expected);
  if (line.problem.empty()) {
    object["actual"] = to_hex(line.actual);
  } else {
    object["problem"] = json_text(line.problem);
  }
  files_.push_back(std::move(object));
}

void ChecksumJson::take(const CheckedList& list) {
  Json object = named(list.name);
  if (!list.problem.empty()) {
    object["problem"] = json_text(list.problem);
  }
  object["counts"] = counts_of(list.lines);
  lists_.push_back(std::move(object));
}

void ChecksumJson::take(const WalkedPath& path) {
  Json object = named(path.path);
  switch (path.kind) {
    case WalkedPath::Kind::kFile:
      object["status"] = "extra";
      files_.push_back(std::move(object));
      break;
    case WalkedPath::Kind::kProblem:
      if (options_.check) {
        object["status"] = "unreadable";
      }
      object["problem"] = json_text(path.reason);
      files_.push_back(std::move(object));
      break;
    case WalkedPath::Kind::kSymlink:
    case WalkedPath::Kind::kSkipped:
      object["reason"] = path.kind == WalkedPath::Kind::kSymlink ? "is a symbolic link" : path.reason;
      skipped_.push_back(std::move(object));
      break;
  }
}

void ChecksumJson::take(const ChecksumSummary& summary) {
  Json document{{"schema", "bertjit.checksum/1"}, {"digest", options_.format.tag}};
  if (options_.check) {
    document["verdict"] = summary.passed ? "pass" : "fail";
    document["counts"] = counts_of(summary.lines);
    document["counts"]["extra"] = summary.extra;
  } else {
    document["counts"] = {{"hashed", summary.hashed}, {"unreadable", summary.lines.unreadable}};
  }
  document["files"] = std::move(files_);
  if (options_.check) {
    document["malformed"] = std::move(malformed_);
    document["lists"] = std::move(lists_);
  }
  if (options_.recursive) {
    document["skipped"] = std::move(skipped_);
  }
  printer_.print(document.dump(2) + "\n");
}

}  // namespace bertjit
