// What fuzz targets share. A target's file holds LLVMFuzzerTestOneInput, which libFuzzer calls with bytes of its
// making.
//
// What a parser must do with any bytes: answer, or throw Error. Everything else ends the program, and libFuzzer keeps
// the bytes: another exception, a crash, a sanitizer's complaint, more memory or time than scripts/fuzz.sh allows, and
// a property that does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include <unistd.h>

#include "support/error.h"

namespace bertjit::fuzz {

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs `parse`; whether it answered. An Error is as good an end.
template <typename Parse>
bool answers(const Parse& parse) {
  try {
    parse();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Ends the program where a promise of the parser does not hold.
inline void require(bool holds, const char* promise) {
  if (!holds) {
    std::cerr << "does not hold: " << promise << '\n';
    std::abort();
  }
}

/// A folder of this process in the folder for temporary files, which scripts/fuzz.sh puts into memory and removes.
inline const std::filesystem::path& scratch_folder() {
  static const std::filesystem::path folder = [] {
    const auto path = std::filesystem::temp_directory_path() / ("fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path;
  }();
  return folder;
}

/// Writes a file of the scratch folder anew; its path.
inline std::filesystem::path write_scratch(const std::string& name, std::string_view bytes) {
  auto path = scratch_folder() / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  require(static_cast<bool>(file.flush()), "files can be written to the scratch folder");
  return path;
}

}  // namespace bertjit::fuzz
