// Where libtorch is. The program is built with one and may run with another copy of the same version, on another
// machine: a folder that is named, one beside the program, or the one inside Python's package `torch`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bertjit {

/// A folder as `torch` of pip and the archives of pytorch.org have it: lib/, include/, share/cmake/.
struct Libtorch {
  std::filesystem::path folder;
  std::string version;  ///< "2.13.0"; empty if the folder does not say
};

/// The version that bertjit was built with. Its C++ interface changes with every minor version: 2.13.1 will do, 2.12
/// not.
extern const char* const kBuiltWithLibtorch;

/// Whether bertjit can run with it. A folder that does not say its version is given the chance.
bool suits(const Libtorch& libtorch);

/// What lies in `folder`; its version is read from files, nothing is loaded.
Libtorch look_at_libtorch(const std::filesystem::path& folder);

/// Whether there is a libtorch in `folder`.
bool holds_libtorch(const std::filesystem::path& folder);

/// The folders `libtorch` that somebody may have put beside the program, existing or not.
std::vector<std::filesystem::path> folders_beside_program();

/// Where Python's torch is, best first: of the virtual environment ($VIRTUAL_ENV, $CONDA_PREFIX), of the python3 on the
/// PATH, of the user, of the system. Looks into folders, and runs no Python. Each of them holds a libtorch.
std::vector<std::filesystem::path> folders_of_python();

/// What python3 itself says, for places that only it knows (PYTHONPATH, .pth files); imports nothing. Empty if there is
/// no python3 or no torch.
std::filesystem::path ask_python();

/// Which libtorch this process has loaded; an empty folder if none.
Libtorch loaded_libtorch();

}  // namespace bertjit
