#include "zoo.h"

#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "engine_loader.h"
#include "report/command_line.h"
#include "report/zoo_report.h"
#include "support/child_pool.h"
#include "support/error.h"
#include "support/file.h"
#include "support/parallel.h"
#include "support/progress.h"
#include "zoo/merge.h"
#include "zoo/result_file.h"
#include "zoo_job.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// Flags that are for the list as a whole; no job has them.
const std::set<std::string> kOfList = {"help", "list", "jobs", "shard", "output", "resume", "format", "color", "quiet"};
/// Flags whose value is a file that is written: the same one for every job where it is given once for all.
const std::set<std::string> kWritten = {"html", "junit", "logits", "results"};
/// Words that stand in the help for the path of something that is read.
const std::set<std::string> kPathWords = {"FILE", "DIR", "SOURCE", "SHA512SUMS"};

constexpr const char* kThreads = "threads";

/// The flag by what the help shows for its value: "FILE", "NAME [mrpc]", "cpu|cuda|FILE.json".
JobFlag job_flag(const CLI::Option& option, const std::string& name) {
  std::string word = option.get_option_text().substr(0, option.get_option_text().find_first_of(" ["));
  const bool has_choice = word.find('|') != std::string::npos;
  word = word.substr(word.rfind('|') + 1);
  word = word.substr(0, word.find('.'));
  return {.takes_value = option.get_items_expected_max() > 0,
          .names_file = kPathWords.contains(word) && !kWritten.contains(name),
          .or_word = has_choice};
}

/// The list's folder, from which its paths start.
fs::path folder_of(const ZooFlags& flags) {
  return flags.list == "-" ? fs::current_path() : fs::canonical(fs::absolute(flags.list).parent_path());
}

std::string read_list(const ZooFlags& flags, Invocation& invocation) {
  return flags.list == "-" ? std::string(std::istreambuf_iterator<char>(invocation.in), {})
                           : read_text_file(flags.list);
}

/// A path from here as a path from the list's folder.
std::string rebased(const std::string& path, const JobFlag& flag, const fs::path& folder) {
  const fs::path here = fs::current_path();
  std::error_code ignored;
  const bool is_word = flag.or_word && !fs::exists(path, ignored);
  return here == folder || is_word || fs::path(path).is_absolute() ? path
                                                                   : (here / path).lexically_relative(folder).string();
}

/// The command line's flags for all jobs, with values as they were typed.
JobFlags default_flags(const std::vector<std::string>& arguments, const JobForm& form, const fs::path& folder) {
  JobFlags flags;
  for (size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (!arguments[i].starts_with("--")) {
      continue;  // the value of a flag that is not for jobs
    }
    const size_t equals = std::min(arguments[i].find('='), arguments[i].size());
    const std::string name = arguments[i].substr(2, equals - 2);
    const auto flag = form.flags.find(name);
    if (flag == form.flags.end() || kWritten.contains(name)) {
      continue;
    }
    std::vector<std::string>& values = flags[name];
    const bool has_value = equals < arguments[i].size();
    if (has_value || flag->second.takes_value) {
      const std::string value = has_value ? arguments[i].substr(equals + 1) : arguments[++i];
      values.push_back(flag->second.names_file ? rebased(value, flag->second, folder) : value);
    }
  }
  return flags;
}

/// Else every job would write it.
void refuse_shared_targets(const CLI::App& command, const ReportFiles& reports) {
  for (const std::string& name : kWritten) {
    const CLI::Option* option = command.get_option_no_throw("--" + name);
    const bool is_of_list = (name == "html" && !reports.html.empty()) || (name == "junit" && !reports.junit.empty());
    if (option != nullptr && option->count() > 0 && !is_of_list) {
      throw Error(ErrorKind::kInvalidArgument,
                  "--" + name + ": every job would write it; give each line of --list a \"" + name + "\" of its own");
    }
  }
}

/// Whether a file of the same content has other stamps than before.
bool have_moved(const KnownFiles& before, const KnownFiles& now) {
  return std::ranges::any_of(before, [&now](const auto& file) {
    const auto found = now.find(file.first);
    return file.second.stamp && found != now.end() && found->second.stamp && found->second.stamp != file.second.stamp;
  });
}

class ZooRunner {
 public:
  ZooRunner(const ZooFlags& flags, const CLI::App& command, const JobForm& form, const OutputOptions& output,
            const ReportFiles& reports, Invocation& invocation)
      : flags_(flags), form_(form), output_(output), reports_(reports), invocation_(invocation) {
    refuse_shared_targets(command, reports);
    const fs::path folder = folder_of(flags);
    list_ = parse_job_list(read_list(flags, invocation), flags.list, form);
    shard_ = flags.shard.empty() ? Shard{} : parse_shard(flags.shard);
    setting_.defaults = default_flags(invocation.arguments, form, folder);
    setting_.form = form;
    at_once_ = count_threads(flags.jobs);
    if (form.command == "verify") {  // of `eval` it is what is measured, and has a default of its own
      setting_.threads = std::max(1, count_threads(0) / at_once_);
    }
    JobFlags noted = setting_.defaults;
    noted.erase(kThreads);
    setting_.header = {form.command, BERTJIT_VERSION, list_.digest, list_.jobs.size(), flags_as_arguments(noted)};
    setting_.shard = flags.shard.empty() ? "" : shard_text(shard_);
    open_files();
    fs::current_path(folder);
  }

  void run() {
    std::vector<const ZooJob*> to_do = sort_out();
    if (!to_do.empty()) {
      engine();
    }
    const bool to_terminal = &invocation_.err == &std::cerr && progress_wanted();
    Progress progress(invocation_.err, {.shown = to_terminal && !output_.quiet, .unit = "jobs"});
    progress.add_total(to_do.size());
    ChildPool pool(static_cast<size_t>(at_once_));
    auto next = to_do.begin();
    while (next != to_do.end() || !pool.is_empty()) {
      if (next != to_do.end() && !pool.is_full()) {
        start(**next++, pool);
      } else {
        const ChildPool::Ended ended = pool.wait();
        {
          const Progress::Pause pause(progress);
          finish(ended);
        }
        progress.advance(1);
      }
    }
  }

  void report() {
    std::ranges::sort(result_.entries, {}, &ZooEntry::index);
    if (output_.format == Format::kJson) {
      print_json(result_, invocation_.out);
    }
    const std::string line = command_line(invocation_.arguments);
    if (!reports_.html.empty()) {
      write_file_atomically(reports_.html, zoo_html(result_, line));
    }
    if (!reports_.junit.empty()) {
      write_file_atomically(reports_.junit, zoo_junit(result_, line));
    }
    if (unchanged_ > 0) {
      talk(std::to_string(unchanged_) + " unchanged since they were done (--resume)");
    }
    talk(result_.entries.empty()
             ? "shard " + setting_.shard + " has none of the list's " + std::to_string(list_.jobs.size()) + " jobs"
             : zoo_counts(result_));
    invocation_.exit_code = result_.exit_code();
  }

 private:
  void talk(const std::string& words) {
    if (!output_.quiet) {
      invocation_.err << "bertjit " << form_.command << ": " << words << "\n";
    }
  }

  /// Before the working folder becomes the list's: what is written is named from here.
  void open_files() {
    for (std::string* target : {&reports_.html, &reports_.junit, &flags_.output}) {
      *target = target->empty() ? "" : fs::absolute(*target).string();
    }
    refuse_bad_targets(reports_, {flags_.list, flags_.output});
    refuse_bad_target("--output", flags_.output, {flags_.list});
    setting_.is_kept = !flags_.output.empty() || output_.format == Format::kJson;
    if (!flags_.output.empty()) {
      file_ = std::make_unique<ResultFile>(flags_.output, flags_.resume ? Resume::kYes : Resume::kNo);
    }
    if (!flags_.resume) {
      return;
    }
    for (StoredLine& stored : read_stored_lines(flags_.output, StoredLines::kAll)) {
      for (const auto& [path, file] : stored.line.files) {
        if (file.stamp) {
          setting_.known[path] = file;
        }
      }
      earlier_.emplace(stored.line.name, std::move(stored));
    }
  }

  /// What is done or cannot be done is told; the rest is returned.
  std::vector<const ZooJob*> sort_out() {
    result_ = {.command = form_.command,
               .version = BERTJIT_VERSION,
               .list_digest = list_.digest,
               .jobs = list_.jobs.size(),
               .shard = setting_.shard,
               .flags = setting_.header.flags};
    for (const ZooJob& job : list_.jobs) {
      name_width_ = std::min(std::max(name_width_, job.name.size()), kWidestName);
    }
    std::vector<const ZooJob*> to_do;
    for (const ZooJob& job : list_.jobs) {
      if (!is_in_shard(job.index, shard_)) {
        continue;
      }
      const StoredLine* earlier = earlier_of(job);
      if (!job.problem.empty()) {
        take(malformed_line(job), Told::kYes);
      } else if (earlier != nullptr && is_surely_unchanged(setting_, job, earlier->line)) {
        keep(job, *earlier, std::nullopt);
      } else {
        to_do.push_back(&job);
      }
    }
    return to_do;
  }

  const StoredLine* earlier_of(const ZooJob& job) const {
    const auto found = earlier_.find(job.name);
    return found == earlier_.end() ? nullptr : &found->second;
  }

  ZooLine malformed_line(const ZooJob& job) const {
    ZooLine line{.header = setting_.header, .index = job.index, .name = job.name};
    line.error = (flags_.list == "-" ? "line " : fs::path(list_.path).filename().string() + ":") +
                 std::to_string(job.line) + ": " + job.problem;
    line.run = begin_run(setting_);
    return line;
  }

  /// A job whose line holds. It is written anew where the list is another one, or the files were moved: their stamps
  /// are what the next --resume asks first.
  void keep(const ZooJob& job, const StoredLine& earlier, const std::optional<ZooLine>& looked_at) {
    ++unchanged_;
    const bool is_moved = looked_at && have_moved(earlier.line.files, looked_at->files);
    if (is_moved || earlier.line.header != setting_.header || earlier.line.index != job.index) {
      take(looked_at ? *looked_at : carried_over(setting_, job, earlier), Told::kNo);
    } else {
      result_.entries.push_back(earlier.entry);
    }
  }

  void start(const ZooJob& job, ChildPool& pool) {
    invocation_.out.flush();
    invocation_.err.flush();
    auto channels = std::make_unique<JobChannels>();
    const StoredLine* earlier = earlier_of(job);
    pool.start(job.index, [&] { return do_job(setting_, job, earlier, *channels); });
    running_[job.index] = std::move(channels);
  }

  void finish(const ChildPool::Ended& ended) {
    const ZooJob& job = list_.jobs[ended.id - 1];
    const std::unique_ptr<JobChannels> channels = std::move(running_[ended.id]);
    running_.erase(ended.id);
    if (ended.signal == 0 && ended.exit_code == kJobUnchanged) {
      keep(job, *earlier_of(job), read_result_line(channels->line(), job.name));
    } else if (ended.signal == 0 && ended.exit_code == kJobDone) {
      take(read_result_line(channels->line(), job.name), Told::kYes);
    } else {
      take(lost_line(setting_, job, ended.signal, channels->said()), Told::kYes);
    }
  }

  enum class Told { kNo, kYes };

  void take(const ZooLine& line, Told told) {
    ZooEntry entry = entry_of(line);
    const std::string text = write_result_line(line);
    if (file_) {
      entry.place = file_->append(text);
    } else if (setting_.is_kept) {
      entry.place = {.path = "", .text = text};
    }
    for (const auto& [path, file] : line.files) {
      if (file.stamp) {
        setting_.known[path] = file;
      }
    }
    if (told == Told::kYes && output_.format == Format::kText) {
      print_zoo_entry(entry, name_width_, choose_color(output_.color), invocation_.out);
      invocation_.out.flush();
    }
    if (!line.error.empty() && told == Told::kYes && output_.format == Format::kJson) {
      talk(line.name + ": " + line.error);
    }
    result_.entries.push_back(std::move(entry));
  }

  ZooFlags flags_;
  JobForm form_;
  OutputOptions output_;
  ReportFiles reports_;
  Invocation& invocation_;
  JobList list_;
  Shard shard_;
  int at_once_ = 1;
  size_t name_width_ = 0;
  JobSetting setting_;
  std::unique_ptr<ResultFile> file_;
  std::map<std::string, StoredLine> earlier_;  ///< by name
  std::map<size_t, std::unique_ptr<JobChannels>> running_;
  size_t unchanged_ = 0;
  ZooResult result_;
};

}  // namespace

void add_zoo_flags(CLI::App& command, CLI::Option* operand, ZooFlags& flags) {
  const std::string key = command.get_name() == "eval" ? "models" : "module";
  CLI::Option* list = command.add_option(
      "--list", flags.list,
      "Many jobs instead of one: lines such as {\"name\": \"a\", \"" + key +
          "\": \"a.pt\"}, with any of these flags by their long names; flags given here are defaults for all. Relative "
          "paths in it start at its folder; - is standard input");
  list->option_text("FILE.jsonl")->check(refuse_empty)->excludes(operand);
  const auto add = [&](const char* name, auto& field, const char* help, const char* value) {
    return command.add_option(name, field, help)->option_text(value)->needs(list);
  };
  add("--jobs", flags.jobs, "So many jobs at once, each in a process of its own; 0: one per core", "N [1]")
      ->check(CLI::Range(0, 4096));
  add("--shard", flags.shard, "Only job I and every Nth after it", "I/N")->check(refuse_empty);
  CLI::Option* output =
      add("-o,--output", flags.output, "Keep a line a job, written when it is done, for report merge", "FILE.jsonl");
  output->check(refuse_empty);
  command
      .add_flag("--resume", flags.resume,
                "Go on with --output: leave out jobs that it has an answer to, unless their files or flags changed")
      ->needs(output);
}

void require_operand_or_list(const CLI::Option& operand, const ZooFlags& flags) {
  if (operand.count() == 0 && flags.list.empty()) {
    throw CLI::RequiredError(operand.get_name(true) + " or --list");
  }
}

JobForm job_form(const CLI::App& command, const std::string& key, bool has_many_operands) {
  JobForm form{.command = command.get_name(), .operand = key, .has_many_operands = has_many_operands, .flags = {}};
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (!kOfList.contains(name)) {
        form.flags[name] = job_flag(*option, name);
      }
    }
  }
  return form;
}

void run_zoo(const ZooFlags& flags, const CLI::App& command, const JobForm& form, const OutputOptions& output,
             const ReportFiles& reports, Invocation& invocation) {
  if (invocation.process == Process::kShared) {
    throw Error(ErrorKind::kUnsupported, "--list starts processes: it is for the program, not for a part of another");
  }
  ZooRunner runner(flags, command, form, output, reports, invocation);
  runner.run();
  runner.report();
}

}  // namespace bertjit
