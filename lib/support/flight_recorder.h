// What a process was doing, for the one that finds it dead.
//
// A crash leaves no time to say anything, so what matters is written down before: the stage that begins, the temporary
// file that is made, the check that is done. Notes go to a file that outlives the process, shared by fork, with one
// write each, some 0.3 µs. Nobody asks for them by default, and then a note costs the look at one variable.
//
// The program and each library that it opens have a recorder of their own, all for the same file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bertjit {

struct FlightNote {
  std::string kind;
  std::string text;
  std::string file;    ///< of a stage: the file it is about; empty if there is none
  std::string detail;  ///< of a stage: the input it is about; empty if there is none
};

inline constexpr const char* kStageBegun = "begun";
inline constexpr const char* kStageOver = "over";
/// `text` is the path of a file that is to be removed, unless whoever made it lives to do so.
inline constexpr const char* kTemporaryMade = "temporary";
/// `text` is a part of the result, in a form that the reader knows.
inline constexpr const char* kPartialResult = "result";
/// The last note: all output is written; `text` is the exit code.
inline constexpr const char* kAnswered = "answered";

/// Notes go to this file from now on, at its current offset; -1: nowhere. The descriptor is borrowed.
void record_flight_to(int fd);

/// That descriptor, or -1.
int flight_recorder();

/// Adds a note. No text may hold a NUL. Never throws: what cannot be written is missing later, and that is all.
void note_flight(const FlightNote& note);

/// All notes up to the offset that the file has, as the processes that share it by fork left it. A note that was cut
/// short is not among them.
std::vector<FlightNote> read_flight(int fd);

/// Of these, the stages that had begun and were not over, outermost first.
std::vector<FlightNote> open_stages(const std::vector<FlightNote>& notes);

/// A stage of the work, from here to the end of the scope: "load", "run".
///
/// Stages of one process nest. One that ends takes its note back if it is the last, so that a million runs leave no
/// million notes.
class Stage {
 public:
  explicit Stage(std::string_view name, std::string_view file = "", std::string_view detail = "");
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  off_t begin_ = -1;  ///< where its note stands; -1: none was written
  off_t end_ = -1;
};

}  // namespace bertjit
