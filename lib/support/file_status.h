// What is at a path. std::filesystem's exists() and its kin throw an exception of their own where the system does not
// say, for want of a permission or because a name is too long; these throw Error, as everything else here does.
#pragma once

#include <filesystem>

namespace bertjit {

/// Whether anything is at `path`; symbolic links are followed. Throws Error, of system_error's kinds, if the system
/// does not say.
bool path_exists(const std::filesystem::path& path);

/// The same for a folder.
bool path_is_folder(const std::filesystem::path& path);

/// The same for a plain file: no folder, device, pipe or socket.
bool path_is_file(const std::filesystem::path& path);

}  // namespace bertjit
