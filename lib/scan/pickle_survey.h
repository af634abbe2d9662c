// What a pickle would import, instruction by instruction, in all protocols.
//
// container/pickle.h reads the pickles that torch.save writes into values and stops at the first thing that is none of
// them. A scan must see every import of any pickle, also those before a fault: Python calls as it reads, so a truncated
// pickle has done its work when the error comes. Instructions: Lib/pickletools.py.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bertjit {

struct PickleImport {
  size_t offset = 0;  ///< of the instruction
  /// "posix.system"; for names that the pickle puts together only when it runs, and for the extension registry, words
  /// in brackets, which no list holds.
  std::string name;
};

struct PickleSurvey {
  std::vector<PickleImport> imports;
  /// Imports that the pickle writes attributes or items to, by BUILD, SETITEM, APPEND and their like: classes and
  /// functions of the process, for whatever runs there later. The offsets are those of the writing instructions.
  std::vector<PickleImport> changes;
  bool has_header = false;  ///< begins with PROTO
  bool calls = false;       ///< something imported is called, made or filled
  bool complete = false;    ///< reaches STOP
  size_t size_bytes = 0;    ///< up to STOP, or to the fault
  std::string fault;        ///< what is wrong there; empty if it is complete
};

/// Never throws for what the bytes hold. Follows at most 4 million instructions.
PickleSurvey survey_pickle(std::span<const std::byte> bytes);

/// Whether it imports something, and its first import has a name that there can be: not empty, no control character.
/// Text and weights that happen to begin as a pickle import what Python would stop at. Any folder that Python looks
/// into is a module to it, so that names need not be identifiers.
bool imports_by_name(const PickleSurvey& survey);

}  // namespace bertjit
