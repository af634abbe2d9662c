#include "zoo_job.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>

#include "cli.h"
#include "support/child_process.h"
#include "support/error.h"
#include "support/stopwatch.h"
#include "zoo/result_file.h"

namespace bertjit {

namespace {

constexpr int kNoAnswer = 2;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// What a result says it was called with.
std::vector<std::string> arguments_of(const JobSetting& setting, const ZooJob& job) {
  return job_arguments(job, setting.defaults, setting.form);
}

/// The same as the program gets it.
std::vector<std::string> command_of(const JobSetting& setting, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"bertjit", arguments.front(), "--format=json", "--quiet"};
  const bool has_threads =
      std::ranges::any_of(arguments, [](const std::string& argument) { return argument.starts_with("--threads="); });
  if (setting.threads > 0 && !has_threads) {
    command.push_back("--threads=" + std::to_string(setting.threads));
  }
  command.insert(command.end(), arguments.begin() + 1, arguments.end());
  return command;
}

/// Runs the program in this process. The command forks again (isolation.h); that child ends here.
int run_here(const std::vector<std::string>& command) {
  std::vector<const char*> argv;
  for (const std::string& word : command) {
    argv.push_back(word.c_str());
  }
  const pid_t self = ::getpid();
  const int exit_code =
      run_cli(static_cast<int>(argv.size()), argv.data(), std::cin, std::cout, std::cerr, Process::kOwn);
  if (::getpid() != self) {
    ::_exit(exit_code);
  }
  return exit_code;
}

/// Without the program's name and the pointer to --help.
std::string error_text(const std::string& said, const std::string& command) {
  std::string text = said.substr(0, said.find("\nTry 'bertjit"));
  const std::string speaker = "bertjit " + command + ": ";
  if (text.starts_with(speaker)) {
    text.erase(0, speaker.size());
  }
  text.resize(text.find_last_not_of(" \n") + 1);
  return text;
}

/// Whether these files are as they were hashed, as far as that can be told without reading them again.
std::vector<std::pair<int64_t, int64_t>> sizes_and_times(const KnownFiles& files) {
  std::vector<std::pair<int64_t, int64_t>> all;
  for (const auto& [path, file] : files) {
    struct stat status {};
    ::stat(path.c_str(), &status);
    all.emplace_back(status.st_size, int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec);
  }
  return all;
}

bool has_answer(const ZooLine& line) {
  return !line.key.empty() && line.exit_code != kNoAnswer;
}

void write_whole(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) {
      throw system_error("cannot keep a job's result");
    }
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
}

void redirect(int out, int err) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
}

void read_report(const std::string& printed, ZooLine& line) {
  line.report = nlohmann::ordered_json::parse(printed, nullptr, /*allow_exceptions=*/false);
  if (line.report.is_discarded()) {
    line.report = nullptr;
  }
}

}  // namespace

SharedText::SharedText() : fd_(::memfd_create("bertjit-job", MFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw system_error("cannot make room for a job's result");
  }
}

SharedText::~SharedText() {
  ::close(fd_);
}

std::string SharedText::read() const {
  struct stat status {};
  ::fstat(fd_, &status);
  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::pread(fd_, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n == 0 || (n < 0 && errno != EINTR)) {
      break;
    }
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
  text.resize(done);
  return text;
}

ZooRun begin_run(const JobSetting& setting) {
  return {.shard = setting.shard, .host = host_name(), .started = utc_now()};
}

bool is_surely_unchanged(const JobSetting& setting, const ZooJob& job, const ZooLine& earlier) {
  return has_answer(earlier) && earlier.header.version == setting.header.version &&
         earlier.arguments == arguments_of(setting, job) &&
         bear_stamps(files_of_job(job, setting.defaults, setting.form), earlier.files);
}

ZooLine carried_over(const JobSetting& setting, const ZooJob& job, const StoredLine& earlier) {
  ZooLine line = read_result_line(read_place(earlier.entry.place), job.name);
  line.header = setting.header;
  line.index = job.index;
  return line;
}

int do_job(const JobSetting& setting, const ZooJob& job, const StoredLine* earlier, JobChannels& channels) {
  const Stopwatch watch;
  redirect(channels.out_.fd(), channels.err_.fd());
  ZooLine line{.header = setting.header, .index = job.index, .name = job.name};
  line.arguments = arguments_of(setting, job);
  line.run = begin_run(setting);
  if (setting.is_kept) {
    line.files = hash_job_files(files_of_job(job, setting.defaults, setting.form), setting.known);
    line.key = job_key(setting.header.version, line.arguments, line.files);
    line.run.hashing_seconds = watch.seconds();
  }
  if (earlier != nullptr && has_answer(earlier->line) && earlier->line.key == line.key) {
    ZooLine same = carried_over(setting, job, *earlier);
    same.files = line.files;
    write_whole(channels.line_.fd(), write_result_line(same));
    return kJobUnchanged;
  }
  const auto before = sizes_and_times(line.files);
  line.exit_code = run_here(command_of(setting, line.arguments));
  read_report(channels.out_.read(), line);
  if (line.exit_code >= kNoAnswer && (line.report.is_null() || line.exit_code == kNoAnswer)) {
    line.error = error_text(channels.err_.read(), setting.form.command);
    line.error = line.error.empty() ? "nothing was checked" : line.error;
  }
  if (sizes_and_times(line.files) != before) {
    line.key.clear();
    line.exit_code = kNoAnswer;
    line.error = "its files changed while it ran, so that nobody knows of which the answer is; run it again";
  }
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  line.run.peak_memory_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  line.run.seconds = watch.seconds();
  write_whole(channels.line_.fd(), write_result_line(line));
  return kJobDone;
}

ZooLine lost_line(const JobSetting& setting, const ZooJob& job, int signal, const std::string& said) {
  ZooLine line{.header = setting.header, .index = job.index, .name = job.name};
  line.arguments = arguments_of(setting, job);
  line.run = begin_run(setting);
  line.error = signal > 0 ? "its process was ended by " + signal_name(signal) +
                                "; whoever started or supervises it may know why (out of memory: fewer --jobs)"
                          : "its process ended without a result";
  const std::string text = error_text(said, setting.form.command);
  line.error += text.empty() ? "" : "\n" + text;
  return line;
}

}  // namespace bertjit
