// One job of a list: the command itself, in a process that has libtorch loaded and has not used it.
#pragma once

#include <optional>
#include <string>

#include "zoo/job_list.h"
#include "zoo/merge.h"
#include "zoo/result_line.h"

namespace bertjit {

/// What all jobs of a run have in common.
struct JobSetting {
  ZooHeader header;
  JobForm form;
  JobFlags defaults;
  std::string shard;
  /// Inside one operator, where neither job nor default says; 0: as the command does.
  int threads = 0;
  /// Whether results are kept, so that the files they are of must be known.
  bool is_kept = false;
  /// Digests from earlier jobs, by path.
  KnownFiles known;
};

/// A file without a name, which parent and child share.
class SharedText {
 public:
  /// Throws Error(kIo).
  SharedText();
  ~SharedText();
  SharedText(const SharedText&) = delete;
  SharedText& operator=(const SharedText&) = delete;

  int fd() const {
    return fd_;
  }
  std::string read() const;

 private:
  int fd_ = -1;
};

/// What comes back from a job's process.
class JobChannels {
 public:
  /// The result line; cut short if the process was.
  std::string line() const {
    return line_.read();
  }
  /// Its standard error.
  std::string said() const {
    return err_.read();
  }

 private:
  friend int do_job(const JobSetting&, const ZooJob&, const StoredLine*, JobChannels&);

  SharedText out_;
  SharedText err_;
  SharedText line_;
};

/// Exit codes of a job's process; any other, or a signal, and there is no whole line.
inline constexpr int kJobDone = 0;
inline constexpr int kJobUnchanged = 10;

/// Whether an earlier line answers the job, told without reading its files.
bool is_surely_unchanged(const JobSetting& setting, const ZooJob& job, const ZooLine& earlier);

/// An earlier line that still holds, as a line of this list.
ZooLine carried_over(const JobSetting& setting, const ZooJob& job, const StoredLine& earlier);

/// In the job's own process: does it, in the working folder, unless `earlier` answers it; leaves the line in `channels`
/// and returns one of the exit codes above.
///
/// Standard streams go to `channels` from then on.
int do_job(const JobSetting& setting, const ZooJob& job, const StoredLine* earlier, JobChannels& channels);

/// For a process that ended without a line.
ZooLine lost_line(const JobSetting& setting, const ZooJob& job, int signal, const std::string& said);

/// Now, on this machine.
ZooRun begin_run(const JobSetting& setting);

}  // namespace bertjit
