#include "checksum/checksum.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "checksum/listed_paths.h"
#include "support/parallel.h"

namespace bertjit {

namespace {

constexpr const char* kStandardInput = "-";

bool names_folder(const std::string& name) {
  return name != kStandardInput && is_folder(name);
}

/// False at the end, and then errno says whether that was an error: streams over files do not.
bool read_line(std::istream& lines, std::string& line) {
  errno = 0;
  return static_cast<bool>(std::getline(lines, line));
}

uint64_t& counter_of(LineVerdict verdict, LineCounts& counts) {
  switch (verdict) {
    case LineVerdict::kMatch:
      return counts.matched;
    case LineVerdict::kMismatch:
      return counts.mismatched;
    case LineVerdict::kUnreadable:
      return counts.unreadable;
    case LineVerdict::kMissing:
      return counts.missing;
    case LineVerdict::kMalformed:
      break;
  }
  return counts.malformed;
}

/// One run: owns the queue, counts what it answers, and passes it on.
class Run {
 public:
  Run(const ChecksumOptions& options, std::istream& standard_input, Progress& progress, ChecksumSink& sink)
      : options_(options),
        standard_input_(standard_input),
        sink_(sink),
        parser_(options.format.tag),
        queue_({.threads = count_threads(options.threads), .hash = options.hash}, standard_input, progress) {}

  ChecksumSummary hash_all() {
    for (const std::string& name : options_.files) {
      if (options_.recursive && names_folder(name)) {
        walk(name, [this](const WalkedPath& path) { hash_file_of_walk(path); });
      } else {
        hash_one(name);
      }
    }
    queue_.drain();
    summary_.passed = summary_.lines.unreadable == 0 && (summary_.hashed > 0 || !options_.recursive);
    return finish();
  }

  ChecksumSummary check_all() {
    std::vector<std::string> folders;
    for (const std::string& name : options_.files) {
      if (options_.recursive && names_folder(name)) {
        folders.push_back(name);
      } else {
        leave_out(name);
        check_list(name);
      }
    }
    for (const std::string& folder : folders) {
      walk(folder, [this](const WalkedPath& path) { look_for_extra(path); });
    }
    queue_.drain();
    summary_.passed = lists_pass_ && summary_.extra == 0 && summary_.lines.unreadable == 0;
    return finish();
  }

 private:
  ChecksumSummary finish() {
    sink_.take(summary_);
    return summary_;
  }

  void hash_one(const std::string& name) {
    note_standard_input(name);
    queue_.hash(name, [this, name](const HashOutcome& outcome) {
      ++(outcome.problem.empty() ? summary_.hashed : summary_.lines.unreadable);
      sink_.take(
          FileDigest{.name = name, .digest = outcome.digest, .problem = outcome.problem, .notes = outcome.notes});
    });
  }

  void note_standard_input(const std::string& name) {
    summary_.read_standard_input = summary_.read_standard_input || name == kStandardInput;
  }

  void walk(const std::string& folder, const std::function<void(const WalkedPath&)>& on_path) {
    WalkOptions options{.follow = options_.follow_symlinks, .leave_out = options_.leave_out};
    options.leave_out.insert(options.leave_out.end(), lists_.begin(), lists_.end());
    walk_files(folder, options, on_path);
  }

  void hash_file_of_walk(const WalkedPath& path) {
    if (path.kind == WalkedPath::Kind::kFile) {
      hash_one(path.path);
    } else {
      queue_.pass([this, path] { count_and_take(path); });
    }
  }

  void look_for_extra(const WalkedPath& path) {
    if (path.kind != WalkedPath::Kind::kFile || listed_.add(path.path)) {
      queue_.pass([this, path] { count_and_take(path); });
    }
  }

  void count_and_take(const WalkedPath& path) {
    switch (path.kind) {
      case WalkedPath::Kind::kFile:
        ++summary_.extra;
        break;
      case WalkedPath::Kind::kSymlink:
        ++summary_.symlinks;
        break;
      case WalkedPath::Kind::kSkipped:
        ++summary_.skipped;
        break;
      case WalkedPath::Kind::kProblem:
        ++summary_.lines.unreadable;
        break;
    }
    sink_.take(path);
  }

  /// A list lies, as a rule, beside the files it names, and does not name itself.
  void leave_out(const std::string& list) {
    struct stat status;
    if (options_.recursive && list != kStandardInput && ::stat(list.c_str(), &status) == 0) {
      lists_.push_back({.device = status.st_dev, .inode = status.st_ino});
    }
  }

  void check_list(const std::string& name) {
    const auto list = std::make_shared<CheckedList>();
    note_standard_input(name);
    if (name == kStandardInput) {
      list->name = "standard input";
      // A list before this one may name standard input as a file.
      queue_.drain();
      standard_input_.clear();
      check_lines(standard_input_, list);
    } else {
      list->name = name;
      std::ifstream file(name, std::ios::binary);
      if (file) {
        check_lines(file, list);
      } else {
        list->problem = std::strerror(errno);
      }
    }
    queue_.pass([this, list] { end_list(*list); });
  }

  void check_lines(std::istream& lines, const std::shared_ptr<CheckedList>& list) {
    std::string text;
    for (uint64_t number = 1;; ++number) {
      // Before a wait for more of a list that comes through a pipe: what is known so far.
      if (lines.rdbuf()->in_avail() <= 0) {
        queue_.drain();
      }
      if (!read_line(lines, text)) {
        break;
      }
      check_line(parser_.parse_line(text), number, &lines == &standard_input_, list);
    }
    if (errno != 0) {
      list->problem = "read error";
    }
  }

  void check_line(const ListedChecksum& entry, uint64_t number, bool from_standard_input,
                  const std::shared_ptr<CheckedList>& list) {
    if (entry.kind == ListedChecksum::Kind::kIgnored) {
      return;
    }
    CheckedLine line{.list = list->name, .number = number};
    const bool impossible = entry.name == kStandardInput && (from_standard_input || !options_.hashes_standard_input);
    if (entry.kind == ListedChecksum::Kind::kMalformed || impossible) {
      queue_.pass([this, line, list] { take_line(line, *list); });
      return;
    }
    if (options_.recursive) {
      listed_.add(entry.name);
    }
    note_standard_input(entry.name);
    line.name = entry.name;
    line.expected = entry.digest;
    queue_.hash(entry.name, [this, line, list](const HashOutcome& outcome) mutable {
      line.problem = outcome.problem;
      line.actual = outcome.digest;
      line.verdict = outcome.problem.empty()
                         ? (line.actual == line.expected ? LineVerdict::kMatch : LineVerdict::kMismatch)
                         : (outcome.absent ? LineVerdict::kMissing : LineVerdict::kUnreadable);
      take_line(line, *list);
    });
  }

  void take_line(const CheckedLine& line, CheckedList& list) {
    ++counter_of(line.verdict, list.lines);
    ++counter_of(line.verdict, summary_.lines);
    sink_.take(line);
  }

  void end_list(const CheckedList& list) {
    lists_pass_ = passes(list) && lists_pass_;
    sink_.take(list);
  }

  /// At least one file matched, and none differed or failed to be read.
  bool passes(const CheckedList& list) const {
    const LineCounts& lines = list.lines;
    return list.problem.empty() && lines.matched > 0 && lines.mismatched == 0 && lines.unreadable == 0 &&
           (options_.ignore_missing || lines.missing == 0) && (!options_.strict || lines.malformed == 0);
  }

  const ChecksumOptions& options_;
  std::istream& standard_input_;
  ChecksumSink& sink_;
  ChecksumListParser parser_;
  std::vector<FileIdentity> lists_;
  ListedPaths listed_;
  bool lists_pass_ = true;
  ChecksumSummary summary_;
  HashQueue queue_;  ///< last: its threads end before the rest does
};

std::string find_checking_conflict(const ChecksumOptions& options) {
  if (options.format.end == LineEnd::kNul) {
    return "the --zero option is not supported when verifying checksums";
  }
  if (options.format.style == LineStyle::kBsd) {
    return "the --tag option is meaningless when verifying checksums";
  }
  if (options.mark_given) {
    return "the --binary and --text options are meaningless when verifying checksums";
  }
  if (!options.recursive) {
    return "";
  }
  const auto folders = std::count_if(options.files.begin(), options.files.end(), names_folder);
  if (folders == 0) {
    return "--recursive needs a folder to compare the lists with";
  }
  return static_cast<size_t>(folders) == options.files.size()
             ? "--recursive needs a list beside the folders (- for standard input)"
             : "";
}

std::string find_hashing_conflict(const ChecksumOptions& options) {
  const auto only_when_verifying = [](const std::string& option) {
    return "the --" + option + " option is meaningful only when verifying checksums";
  };
  if (options.ignore_missing) {
    return only_when_verifying("ignore-missing");
  }
  switch (options.talk) {
    case Talk::kStatus:
      return only_when_verifying("status");
    case Talk::kWarn:
      return only_when_verifying("warn");
    case Talk::kQuiet:
      return only_when_verifying("quiet");
    case Talk::kNormal:
      break;
  }
  return options.strict ? only_when_verifying("strict") : "";
}

}  // namespace

std::string find_conflict(const ChecksumOptions& options) {
  if (options.format.style == LineStyle::kBsd && options.format.mark == ModeMark::kText) {
    return "--tag does not support --text mode";
  }
  std::string conflict = options.check ? find_checking_conflict(options) : find_hashing_conflict(options);
  if (conflict.empty() && options.follow_symlinks == FollowSymlinks::kYes && !options.recursive) {
    conflict = "the --follow-symlinks option is meaningful only with --recursive";
  }
  return conflict;
}

ChecksumSummary run_checksum(const ChecksumOptions& options, std::istream& standard_input, Progress& progress,
                             ChecksumSink& sink) {
  Run run(options, standard_input, progress, sink);
  return options.check ? run.check_all() : run.hash_all();
}

}  // namespace bertjit
