// Mutations of zip archives that stay archives.
//
// Every record has a CRC-32, which libFuzzer does not find: bytes changed at random never come past it to the pickle,
// the array or the code in a record. So most mutations here change what one record holds, and write the archive anew;
// the others change its bytes as they lie, for the zip itself.
#include <algorithm>
#include <random>
#include <vector>

#include "container/zip.h"
#include "container/zip_writer.h"
#include "fuzz/fuzz.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace bertjit {

namespace {

struct Record {
  std::string name;
  std::string bytes;
};

/// What deflated records may come to here.
constexpr uint64_t kMaxUnpacked = 1 << 20;

std::vector<Record> unpack(const uint8_t* data, size_t size) {
  const ZipArchive archive(fuzz::write_scratch("mutated.zip", fuzz::as_text(data, size)));
  std::vector<Record> records;
  uint64_t total = 0;
  for (const auto& record : archive.records()) {
    total += record.size;
    if (total > kMaxUnpacked) {
      break;
    }
    const auto bytes = archive.read(record);
    records.push_back({record.name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  }
  return records;
}

std::string pack(const std::vector<Record>& records) {
  std::string packed;
  ZipWriter writer([&](std::span<const std::byte> bytes) {
    packed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  for (const auto& record : records) {
    writer.add(record.name, {std::as_bytes(std::span(record.bytes))});
  }
  writer.finish();
  return packed;
}

void mutate_text(std::string& text, size_t room) {
  const size_t size = text.size();
  text.resize(size + room);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, text.size()));
}

/// What a reader parses, rather than what it copies.
bool is_parsed(const Record& record) {
  return record.name.ends_with("pkl") || record.name.ends_with(".py") || record.name.ends_with(".npy");
}

void mutate_record(std::vector<Record>& records, std::minstd_rand& random) {
  size_t chosen = random() % records.size();
  if (random() % 4 != 0) {
    for (size_t i = 0; i < records.size() && !is_parsed(records[chosen]); ++i) {
      chosen = (chosen + 1) % records.size();
    }
  }
  switch (random() % 16) {
    case 0:
      mutate_text(records[chosen].name, 16);
      break;
    case 1:
      records.erase(records.begin() + static_cast<ptrdiff_t>(chosen));
      break;
    case 2:
      std::swap(records[chosen].bytes, records[random() % records.size()].bytes);
      break;
    default:
      mutate_text(records[chosen].bytes, 256);
  }
}

}  // namespace

}  // namespace bertjit

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace bertjit;
  std::minstd_rand random(seed);
  if (random() % 8 != 0) {
    try {
      auto records = unpack(data, size);
      if (!records.empty()) {
        mutate_record(records, random);
        const std::string packed = pack(records);
        if (packed.size() <= max_size) {
          std::ranges::copy(packed, data);
          return packed.size();
        }
      }
    } catch (const Error&) {
      // No archive, or one that cannot be written: its bytes are mutated.
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
