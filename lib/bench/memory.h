// What of this process's memory is a model's.
//
// Several models are open in one process, together with libtorch, so the resident set as a whole says nothing of one of
// them. What it grows by while a model is opened or run is that model's, once two things are kept out of it: libtorch's
// own code, which is read from disk when it is first used, and freed memory that the allocator keeps.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>

namespace bertjit {

/// Bytes of the resident set, in two parts.
struct ResidentSet {
  uint64_t data = 0;  ///< anonymous memory and mapped files that hold no program: weights
  uint64_t code = 0;  ///< mapped programs and shared libraries, with their constants
};

/// Adds up the text of /proc/PID/smaps: a file is a program's if a part of it is mapped to be executed.
ResidentSet parse_smaps(std::istream& smaps);

/// Of this process, after freed memory went back to the system; nullopt where the system does not say.
std::optional<ResidentSet> resident_set();

/// Lets the system forget how large the resident set has been. False if it does not do that.
bool reset_peak();

/// Bytes of the largest resident set, code included, since reset_peak(); nullopt where the system does not say.
std::optional<uint64_t> peak_resident_bytes();

/// What one model holds, by differences: nothing else may be opened or run between begin() and end().
class ModelMemory {
 public:
  /// Before the model is opened, and before it is run.
  void begin();
  /// After that: the most that it has held since begin(); nullopt where the system does not say.
  std::optional<uint64_t> most() const;
  /// After what is not to be kept is gone: the rest counts to the model from now on.
  void end();
  /// What it holds; nullopt as for most().
  std::optional<uint64_t> held() const;

 private:
  std::optional<ResidentSet> before_;
  bool has_peak_ = false;
  bool is_known_ = true;
  int64_t held_ = 0;
};

}  // namespace bertjit
