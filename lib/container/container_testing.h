// What this room's tests share.
#pragma once

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "container/tensors.h"
#include "container/zip_writer.h"
#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit::testing {

template <class T>
std::vector<T> values(const TensorView& tensor) {
  std::vector<T> result(tensor.bytes.size() / sizeof(T));
  if (!result.empty()) {
    std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return result;
}

template <class T>
std::vector<T> values(const TensorFile& file, const std::string& name) {
  const TensorView* tensor = file.find(name);
  REQUIRE(tensor != nullptr);
  return values<T>(*tensor);
}

inline std::vector<std::string> names(const TensorFile& file) {
  std::vector<std::string> result;
  for (const TensorView& tensor : file.tensors) {
    result.push_back(tensor.name);
  }
  return result;
}

struct NamedBytes {
  std::string name;
  std::string bytes;
};

/// A zip archive of stored records.
inline std::string make_zip(const std::vector<NamedBytes>& records) {
  std::string archive;
  ZipWriter writer([&](std::span<const std::byte> bytes) {
    archive.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  for (const auto& [name, bytes] : records) {
    writer.add(name, {std::as_bytes(std::span(bytes))});
  }
  writer.finish();
  return archive;
}

template <class T>
void patch(std::string& bytes, size_t offset, T value) {
  REQUIRE(offset + sizeof value <= bytes.size());
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace bertjit::testing
