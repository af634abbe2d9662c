#include "zoo/job_files.h"

#include <chrono>
#include <filesystem>

#include "testing/testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using testing::TempDir;
using testing::write_bytes;
using Paths = std::vector<std::string>;

const JobForm kForm{.command = "verify",
                    .operand = "module",
                    .has_many_operands = false,
                    .flags = {{"source", {true, true}}, {"inputs", {true, true}}, {"rtol", {true, false}}}};

/// As if it had been written long ago. Its change just now cannot be hidden, though.
void age(const fs::path& path) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

Paths files_of(const std::string& module, const JobFlags& flags, const JobFlags& defaults = {}) {
  ZooJob job;
  job.operands = {module};
  job.flags = flags;
  return files_of_job(job, defaults, kForm);
}

}  // namespace

TEST_CASE("job files: operands, files that flags name, and all of folders but what is hidden") {
  const TempDir dir;
  const std::string model = dir / "model";
  fs::create_directories(model + "/onnx");
  fs::create_directories(model + "/.git");
  write_bytes(model + "/config.json", "{}");
  write_bytes(model + "/onnx/a", "a");
  write_bytes(model + "/.git/HEAD", "a");
  fs::create_symlink("config.json", model + "/linked.json");
  const std::string lost = dir / "lost.pt";
  CHECK(files_of(lost, {{"source", {model}}, {"rtol", {"1e-3"}}}) ==
        Paths{lost, model + "/config.json", model + "/linked.json", model + "/onnx/a"});
  // A job's own flag holds against the default.
  CHECK(files_of(lost, {{"source", {lost}}}, {{"source", {model}}, {"inputs", {"x.npz"}}}) == Paths{lost, "x.npz"});
}

TEST_CASE("job files: what may be a word is a file only where there is one") {
  const TempDir dir;
  JobForm form = kForm;
  form.flags["target"] = {true, true, true};
  ZooJob job;
  job.operands = {"a.pt"};
  job.flags = {{"target", {"mobile"}}};
  CHECK(files_of_job(job, {}, form) == Paths{"a.pt"});
  const std::string profile = dir / "profile.json";
  write_bytes(profile, "{}");
  job.flags = {{"target", {profile}}};
  CHECK(files_of_job(job, {}, form) == Paths{profile, "a.pt"});
}

TEST_CASE("job files: with FILE.py:NAME come the files it may import") {
  const TempDir dir;
  fs::create_directories(dir / "package");
  fs::create_directories(dir / "data");
  for (const char* name : {"a.py", "b.py", "package/__init__.py", "package/c.py", "data/d.py", "text.txt"}) {
    write_bytes(dir / name, "x");
  }
  CHECK(files_of(dir / "a.py:Net", {}) ==
        Paths{dir / "a.py", dir / "b.py", dir / "package/__init__.py", dir / "package/c.py"});
}

TEST_CASE("job files: content decides, under whatever times") {
  const TempDir dir;
  const Paths paths{dir / "a", dir / "lost"};
  write_bytes(paths[0], "abc");
  const KnownFiles first = hash_job_files(paths, {});
  // FIPS 180-4's example.
  CHECK(first.at(paths[0]).sha512.starts_with("ddaf35a193617abacc417349ae204131"));
  CHECK(first.at(paths[1]).sha512.empty());
  const std::string key = job_key("1", {"verify", "--", "a"}, first);
  CHECK(key.size() == 128);
  age(paths[0]);
  CHECK(job_key("1", {"verify", "--", "a"}, hash_job_files(paths, first)) == key);
  write_bytes(paths[0], "abd");
  CHECK(job_key("1", {"verify", "--", "a"}, hash_job_files(paths, first)) != key);
  CHECK(job_key("2", {"verify", "--", "a"}, first) != key);
  CHECK(job_key("1", {"verify", "--rtol=1", "--", "a"}, first) != key);
  CHECK(job_key("1", {"verify", "--threads=7", "--", "a"}, first) == key);
}

TEST_CASE("job files: a stamp is relied upon only where it can be, and then the file is not read") {
  const TempDir dir;
  const Paths paths{dir / "a"};
  write_bytes(paths[0], "abc");
  KnownFiles known = hash_job_files(paths, {});
  // It was written a moment ago: the next write may bear the same time.
  CHECK_FALSE(known.at(paths[0]).stamp);
  CHECK_FALSE(bear_stamps(paths, known));

  // A file that has been there for long: what is known of it is taken.
  const Paths old{"/proc/self/exe"};
  known = hash_job_files(old, {});
  if (known.at(old[0]).stamp) {
    CHECK(bear_stamps(old, known));
    known[old[0]].sha512 = "as known";
    CHECK(hash_job_files(old, known).at(old[0]).sha512 == "as known");
    known[old[0]].stamp->modified_ns += 1;
    CHECK_FALSE(bear_stamps(old, known));
    CHECK(hash_job_files(old, known).at(old[0]).sha512 != "as known");
  }
  CHECK_FALSE(bear_stamps({}, known));
}

}  // namespace bertjit
