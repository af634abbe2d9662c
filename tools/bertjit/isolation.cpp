#include "isolation.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "support/child_process.h"
#include "support/error.h"
#include "support/flight_recorder.h"
#include "support/progress.h"

namespace bertjit {

namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
/// Signals that are sent to end a program: whoever waits for this one is to see the same.
constexpr std::array kEndings = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM};
/// Stages in which no libtorch is at work.
constexpr std::array kOwnStages = {"scan", "start", kReportStage};

template <typename Container, typename Value>
bool contains(const Container& values, const Value& value) {
  return std::ranges::find(values, value) != values.end();
}

std::string expect_seconds(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0' && std::isfinite(seconds) && seconds > 0
             ? ""
             : "'" + text + "' is no number of seconds above 0";
}

/// CLI11 reads -1 as 2^64 - 1.
std::string expect_digit(const std::string& text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0 ? "" : "'" + text + "' is no size";
}

/// A debugger follows one process, and is asked for to see a crash where it happens.
bool is_traced() {
  std::ifstream status("/proc/self/status");
  const std::string field = "TracerPid:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) {
      return std::atoi(line.c_str() + field.size()) != 0;
    }
  }
  return false;
}

bool is_wanted(const Invocation& invocation) {
  const IsolationOptions& options = invocation.isolation;
  const bool has_limits = options.limits.timeout_s || options.limits.max_memory_bytes;
  if (invocation.process == Process::kShared) {
    if (has_limits) {
      throw Error(ErrorKind::kUnsupported, "--timeout and --max-memory are for the program, not for a part of another");
    }
    return false;
  }
  return has_limits || !(options.no_isolate || is_traced());
}

/// Whether whoever started the program limits its memory (`ulimit -v`): what crashes may then have crashed for that.
bool is_short_of_memory() {
  return std::ranges::any_of(std::array{RLIMIT_AS, RLIMIT_DATA}, [](auto resource) {
    rlimit limit{};
    return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  });
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

/// What is said of one way to end, where `in` is " in load", or empty.
void describe_end(const ChildEnd& end, const ChildLimits& limits, const std::string& in, Casualty& casualty) {
  const std::string signal = signal_name(end.signal);
  const std::string and_where = in.empty() ? "" : "," + in;
  switch (end.kind) {
    case ChildEnd::Kind::kTimedOut:
      casualty.is_by_model = true;
      casualty.summary = "gave no answer within " + seconds_text(*limits.timeout_s) + and_where;
      casualty.advice = "look for a loop that does not end, or allow more with --timeout";
      casualty.evidence.push_back({"limit_seconds", *limits.timeout_s});
      return;
    case ChildEnd::Kind::kOverMemory:
      casualty.is_by_model = true;
      casualty.summary =
          "took more than " + format_byte_count(static_cast<double>(*limits.max_memory_bytes)) + and_where;
      casualty.advice = "look for what asks for so much, or allow more with --max-memory";
      casualty.evidence.push_back({"limit_bytes", static_cast<int64_t>(*limits.max_memory_bytes)});
      return;
    case ChildEnd::Kind::kExited:
      casualty.summary = "ended" + in + " with exit code " + std::to_string(end.exit_code) + " and without an answer";
      casualty.advice = "what it wrote to standard error may say why";
      casualty.evidence.push_back({"exit_code", int64_t{end.exit_code}});
      return;
    case ChildEnd::Kind::kSignalled:
      break;
  }
  casualty.evidence.push_back({"signal", signal});
  if (contains(kCrashes, end.signal)) {
    casualty.is_by_model = !is_short_of_memory();
    casualty.summary = "crashed" + in + ": " + signal;
    casualty.advice =
        casualty.is_by_model
            ? "programs that load it with libtorch may crash too; --no-isolate under a debugger shows where"
            : "there is a limit on memory (ulimit), which may be the cause: try again without";
    return;
  }
  casualty.summary = "was ended" + in + " by " + signal;
  casualty.advice = end.signal == SIGKILL
                        ? "as a rule the system does that when memory runs out: use less (--threads, a "
                          "smaller batch), or set a limit with --max-memory"
                        : "whoever started or supervises it may know why";
}

Casualty casualty_of(const ChildEnd& end, const ChildLimits& limits, const std::vector<FlightNote>& notes) {
  Casualty casualty;
  for (const FlightNote& stage : open_stages(notes)) {
    casualty.stages.push_back(stage.text);
    casualty.file = stage.file;
    casualty.input = stage.detail;
  }
  for (const FlightNote& note : notes) {
    if (note.kind == kPartialResult) {
      casualty.partial_results.push_back(note.text);
    }
  }
  describe_end(end, limits, casualty.stages.empty() ? "" : " in " + casualty.stages.back(), casualty);
  casualty.evidence.push_back({"stages", casualty.stages});
  casualty.evidence.push_back({"file", casualty.file});
  casualty.evidence.push_back({"input", casualty.input});
  casualty.evidence.push_back(
      {"process",
       EvidenceFields{{"seconds", end.seconds}, {"peak_memory_bytes", static_cast<int64_t>(end.peak_memory_bytes)}}});
  return casualty;
}

/// "model.pt: libtorch crashed in run: SIGFPE (on x [1, 2]); …"
Error error_of(const Casualty& casualty, const std::string& subject) {
  const bool is_own = casualty.stages.empty() || contains(kOwnStages, casualty.stages.back());
  return Error(ErrorKind::kUnsupported, (casualty.file.empty() ? subject : casualty.file) + ": " +
                                            (is_own ? "bertjit " : "libtorch ") + casualty.summary +
                                            (casualty.input.empty() ? "" : " (on " + casualty.input + ")") + "; " +
                                            casualty.advice);
}

void remove_temporaries(const std::vector<FlightNote>& notes) {
  for (const FlightNote& note : notes) {
    if (note.kind == kTemporaryMade) {
      ::unlink(note.text.c_str());
    }
  }
}

/// The exit code with which the child had answered; empty if it had not.
std::optional<int> answer_among(const std::vector<FlightNote>& notes) {
  const bool answered = !notes.empty() && notes.back().kind == kAnswered;
  return answered ? std::optional(std::stoi(notes.back().text)) : std::nullopt;
}

/// A file for notes, shared with the child.
int open_recorder() {
  const int fd = ::memfd_create("bertjit-flight", MFD_CLOEXEC);
  if (fd < 0) {
    throw system_error("cannot make room for notes of the model's process (--no-isolate does without)");
  }
  return fd;
}

}  // namespace

void add_isolation_flags(CLI::App& command, Invocation& invocation) {
  IsolationOptions& options = invocation.isolation;
  CLI::Option* no_isolate =
      command.add_flag("--no-isolate", options.no_isolate,
                       "Load and run models in this very process, as for a debugger: a crash of libtorch ends it");
  command.add_option("--timeout", options.limits.timeout_s, "Give up after so long, all of the command counted")
      ->option_text("SECONDS")
      ->check(expect_seconds)
      ->excludes(no_isolate);
  command
      .add_option(
          "--max-memory", options.limits.max_memory_bytes,
          "Give up when more is in use (resident memory, libtorch itself and mapped files included): 800MB, 2GB, "
          "or 2GiB")
      ->option_text("SIZE")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->transform(CLI::Validator(expect_digit, ""))  // the last one added is asked first
      ->check([](const std::string& bytes) { return bytes == "0" ? "0 is too little for any process" : ""; })
      ->excludes(no_isolate);
}

void run_isolated(Invocation& invocation, const std::string& subject, const std::function<void()>& work,
                  const std::function<bool(const Casualty&)>& tell) {
  if (!is_wanted(invocation)) {
    work();
    return;
  }
  invocation.out.flush();
  invocation.err.flush();
  const int recorder = open_recorder();
  const ChildLimits& limits = invocation.isolation.limits;
  const auto end = continue_in_child(limits);
  if (!end) {
    record_flight_to(recorder);
    work();
    return;
  }
  const std::vector<FlightNote> notes = read_flight(recorder);
  ::close(recorder);
  const bool is_ended_from_outside =
      end->asked_to_end_by > 0 || (end->kind == ChildEnd::Kind::kSignalled && contains(kEndings, end->signal));
  if (const auto exit_code = answer_among(notes); exit_code && !is_ended_from_outside) {
    invocation.exit_code = *exit_code;
    return;
  }
  remove_temporaries(notes);
  if (is_ended_from_outside) {
    end_by_signal(end->asked_to_end_by > 0 ? end->asked_to_end_by : end->signal);
  }
  const Casualty casualty = casualty_of(*end, limits, notes);
  if (!(tell && tell(casualty))) {
    throw error_of(casualty, subject);
  }
}

}  // namespace bertjit
