#include "zoo/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "support/error.h"
#include "support/words.h"
#include "zoo/result_file.h"

namespace bertjit {

namespace {

/// Names in a message, before it says "and so many more".
constexpr size_t kNamesShown = 5;

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorKind::kInvalidArgument, problem);
}

std::string counted(size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string flags_text(const std::vector<std::string>& flags) {
  std::string text;
  for (const std::string& flag : flags) {
    text += (text.empty() ? "" : " ") + flag;
  }
  return text.empty() ? "no flags" : text;
}

/// Files are of one run of one list, or there is no sum of them.
void refuse_unlike(const ZooHeader& first, const std::string& first_path, const ZooHeader& other,
                   const std::string& path) {
  const auto differ = [&](const char* what, const std::string& a, const std::string& b) {
    if (a != b) {
      refuse(path + ": is of " + what + " " + b + ", " + first_path + " of " + a +
             "; merge what one list, one version and the same flags gave (verify --resume brings a file up to date)");
    }
  };
  differ("command", first.command, other.command);
  differ("version", first.version, other.version);
  differ("a list with SHA-512", first.list_digest.substr(0, 16) + "…", other.list_digest.substr(0, 16) + "…");
  differ("a list with jobs:", std::to_string(first.jobs), std::to_string(other.jobs));
  differ("a run with", flags_text(first.flags), flags_text(other.flags));
}

struct Part {
  std::string path;
  std::vector<StoredLine> lines;
};

/// Adds a line, or finds it to be there.
void add_line(std::map<size_t, const StoredLine*>& jobs, const StoredLine& line, std::map<std::string, size_t>& twice) {
  const auto [found, is_new] = jobs.emplace(line.line.index, &line);
  if (is_new) {
    return;
  }
  const ZooEntry& first = found->second->entry;
  const ZooEntry& second = line.entry;
  const std::string both = "job " + std::to_string(first.index) + " '" + first.name + "' is in " + first.place.path +
                           " (line " + std::to_string(found->second->number) + ") and in " + second.place.path +
                           " (line " + std::to_string(line.number) + ")";
  if (first.key != second.key) {
    refuse(both + ", of different files or flags; merge only one of them");
  }
  if (first.digest != second.digest) {
    refuse(both + ", and what they say differs (other hardware rounds otherwise); merge only one of them");
  }
  ++twice[second.place.path];
}

/// "jobs 3, 8, 13 and 37 more", and the shards that are not there.
void refuse_missing(const std::map<size_t, const StoredLine*>& jobs, size_t count) {
  if (jobs.size() == count) {
    return;
  }
  const size_t all = count - jobs.size();
  std::vector<std::string> missing;
  for (size_t index = 1; missing.size() < std::min(all, kNamesShown); ++index) {
    if (!jobs.contains(index)) {
      missing.push_back(std::to_string(index));
    }
  }
  std::set<std::string> shards;
  for (const auto& [index, line] : jobs) {
    shards.insert(line->line.run.shard);
  }
  shards.erase("");
  refuse(std::to_string(all) + " of the list's " + counted(count, "job") + (all == 1 ? " is" : " are") +
         " in no file: " + joined(missing) + (all > kNamesShown ? ", …" : "") +
         (shards.empty() ? "" : "; there are lines of shards " + joined({shards.begin(), shards.end()})) +
         "; run what is missing, or go on with --resume");
}

}  // namespace

std::vector<StoredLine> read_stored_lines(const std::string& path, StoredLines which) {
  std::vector<StoredLine> lines;
  for_each_result_line(path, [&](std::string_view text, size_t number, uint64_t offset) {
    StoredLine stored{
        .line = read_result_line(text, path + ":" + std::to_string(number)), .entry = {}, .number = number};
    stored.entry = entry_of(stored.line);
    stored.line.report = nullptr;
    stored.entry.place = {.path = path, .offset = offset, .size = text.size()};
    lines.push_back(std::move(stored));
  });
  std::map<std::string, size_t> last;
  for (const StoredLine& line : lines) {
    last[line.line.name] = line.number;
  }
  const std::optional<ZooHeader> header = lines.empty() ? std::nullopt : std::optional(lines.back().line.header);
  std::erase_if(lines, [&](const StoredLine& line) {
    return last[line.line.name] != line.number || (which == StoredLines::kOfLastRun && line.line.header != *header);
  });
  return lines;
}

ZooResult merge_result_files(const std::vector<std::string>& paths) {
  std::vector<Part> parts;
  for (const std::string& path : paths) {
    parts.push_back({path, read_stored_lines(path, StoredLines::kOfLastRun)});
  }
  const auto first = std::ranges::find_if(parts, [](const Part& part) { return !part.lines.empty(); });
  if (first == parts.end()) {
    refuse(joined(paths) + ": no results in " + (paths.size() == 1 ? "it" : "them"));
  }
  const ZooHeader& header = first->lines[0].line.header;
  std::map<size_t, const StoredLine*> jobs;
  std::map<std::string, size_t> twice;
  for (const Part& part : parts) {
    if (!part.lines.empty()) {
      refuse_unlike(header, first->path, part.lines[0].line.header, part.path);
    }
    for (const StoredLine& line : part.lines) {
      add_line(jobs, line, twice);
    }
  }
  refuse_missing(jobs, header.jobs);
  ZooResult result{.command = header.command,
                   .version = header.version,
                   .list_digest = header.list_digest,
                   .jobs = header.jobs,
                   .flags = header.flags};
  for (const auto& [index, line] : jobs) {
    result.entries.push_back(line->entry);
  }
  for (const auto& [path, count] : twice) {
    result.notes.push_back(path + ": " + counted(count, "job") +
                           " that another file has too, with the same result; counted once");
  }
  return result;
}

}  // namespace bertjit
