// Files that nobody wrote: copies of good ones, changed at random by a seed; and measured runs of the program on them.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "container/zip.h"
#include "container/zip_writer.h"
#include "support/error.h"
#include "testing/testing.h"

namespace bertjit::testing {

/// The same numbers everywhere: distributions of the standard library are not, so none is used.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  /// 0 to `count` - 1; 0 for a count of 0.
  size_t below(size_t count) {
    return count == 0 ? 0 : static_cast<size_t>(engine_() % count);
  }
  /// What lengths go wrong with, of files of that size.
  uint64_t length(size_t file_size) {
    const std::array<uint64_t, 12> numbers{0,
                                           1,
                                           0x7f,
                                           0xffff,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           uint64_t{1} << 40,
                                           0x7fffffffffffffff,
                                           0xffffffffffffffff,
                                           file_size,
                                           file_size + 1};
    return numbers[below(numbers.size())];
  }

 private:
  std::mt19937_64 engine_;
};

inline void flip_bits(std::string& bytes, Dice& dice) {
  for (size_t i = 0, count = 1 + dice.below(4); i < count && !bytes.empty(); ++i) {
    char& byte = bytes[dice.below(bytes.size())];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << dice.below(8)));
  }
}

/// A piece of `from`, put in or over what is there.
inline void splice(std::string& bytes, const std::string& from, Dice& dice) {
  const size_t begin = dice.below(from.size());
  const std::string piece = from.substr(begin, 1 + dice.below(std::min<size_t>(from.size() - begin, 4096)));
  const size_t at = dice.below(bytes.size() + 1);
  bytes.replace(at, dice.below(2) == 0 ? 0 : piece.size(), piece);
}

/// A binary number of 1, 2, 4 or 8 bytes.
inline void edit_binary_length(std::string& bytes, Dice& dice) {
  const uint64_t number = dice.length(bytes.size());
  const size_t size = size_t{1} << dice.below(4);
  if (bytes.size() >= size) {
    std::memcpy(bytes.data() + dice.below(bytes.size() - size + 1), &number, size);
  }
}

/// The digits next to some place, if there are any.
inline void edit_written_length(std::string& bytes, Dice& dice) {
  const auto is_digit = [&](size_t i) { return std::isdigit(static_cast<unsigned char>(bytes[i])) != 0; };
  size_t begin = dice.below(bytes.size());
  while (begin < bytes.size() && !is_digit(begin)) {
    ++begin;
  }
  size_t end = begin;
  while (end < bytes.size() && is_digit(end)) {
    ++end;
  }
  const std::string sign = dice.below(4) == 0 ? "-" : "";
  bytes.replace(begin, end - begin, sign + std::to_string(dice.length(bytes.size())));
}

/// One to three changes: bits flipped, the end cut off, a piece left out or put in from here or from `other`, a length
/// replaced, in binary or in digits.
inline std::string mutate_bytes(std::string bytes, const std::string& other, Dice& dice) {
  for (size_t i = 0, count = 1 + dice.below(3); i < count; ++i) {
    switch (dice.below(7)) {
      case 0:
        bytes.resize(dice.below(bytes.size() + 1));
        break;
      case 1:
        bytes.erase(dice.below(bytes.size() + 1), 1 + dice.below(256));
        break;
      case 2:
        splice(bytes, std::string(bytes), dice);
        break;
      case 3:
        splice(bytes, other, dice);
        break;
      case 4:
        edit_binary_length(bytes, dice);
        break;
      case 5:
        edit_written_length(bytes, dice);
        break;
      default:
        flip_bits(bytes, dice);
    }
  }
  return bytes;
}

/// A zip archive of which one record went through mutate_bytes, or is missing, or has another's name, and which is
/// whole otherwise: each CRC-32 fits what is there.
inline std::string mutate_record(const std::filesystem::path& path, const std::string& other, Dice& dice) {
  const ZipArchive archive(path);
  const size_t chosen = dice.below(archive.records().size());
  const size_t what = dice.below(16);
  std::string mutated;
  ZipWriter writer([&](std::span<const std::byte> bytes) {
    mutated.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  for (size_t i = 0; i < archive.records().size(); ++i) {
    const ZipRecord& record = archive.records()[i];
    const auto read = archive.read(record);
    std::string bytes(reinterpret_cast<const char*>(read.data()), read.size());
    std::string name = record.name;
    if (i == chosen && what == 0) {
      continue;
    }
    if (i == chosen) {
      bytes = what == 1 ? bytes : mutate_bytes(std::move(bytes), other, dice);
      name += what == 1 ? "~" : "";  // of no other record
    }
    writer.add(name, {std::as_bytes(std::span(bytes))});
  }
  writer.finish();
  return mutated;
}

/// How a run of the program ended.
struct MeasuredRun {
  int exit_code = -1;  ///< -1 if a signal ended it
  int signal = 0;
  double cpu_s = 0;  ///< with the processes that it waited for
  /// 0 if it was no more than this process had at its peak: that counts for a child too, which is born with it.
  double peak_rss_mb = 0;
};

/// Runs `program` with nothing on standard input; its output is thrown away. Ended by a signal after 20 s of CPU time.
inline MeasuredRun run_measured(const std::string& program, const std::vector<std::string>& arguments) {
  // The limit is set by the shell: a process of many threads, as this one may be, should not fork.
  std::vector<std::string> words{"/bin/sh", "-c", "ulimit -t 20; ulimit -c 0; exec \"$0\" \"$@\"", program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  REQUIRE(failed == 0);

  int status = 0;
  rusage usage{};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  rusage own{};
  REQUIRE(::getrusage(RUSAGE_SELF, &own) == 0);
  const auto peak_kib = usage.ru_maxrss > own.ru_maxrss ? usage.ru_maxrss : 0;
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec * 1e-6; };
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          .cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
          .peak_rss_mb = static_cast<double>(peak_kib) / 1024};
}

}  // namespace bertjit::testing
