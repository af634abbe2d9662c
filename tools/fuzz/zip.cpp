// Zip archives: the directory, the records, what PyTorch's small records say.
#include "container/zip.h"
#include "container/archive_listing.h"
#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = fuzz::write_scratch("input.zip", fuzz::as_text(data, size));
  fuzz::answers([&] {
    const ZipArchive archive(path);
    for (const auto& record : archive.records()) {
      fuzz::require(archive.find(record.name) == &record, "a record is found by its name");
      fuzz::require(record.data_offset + record.compressed_size <= size, "a record lies in the file");
      fuzz::answers([&] { fuzz::require(archive.read(record).size() == record.size, "a record has its size"); });
    }
    fuzz::answers([&] { archive.check_all(); });
    list_archive(archive);
  });
  return 0;
}
