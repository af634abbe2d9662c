// Lists of checksums, line by line; an entry that was written is read as the same.
#include "checksum/checksum_list.h"

#include "fuzz/fuzz.h"

using namespace bertjit;

namespace {

void check_entry(const ListedChecksum& entry) {
  for (const auto style : {LineStyle::kGnu, LineStyle::kBsd}) {
    std::string line = format_checksum_line(entry.name, entry.digest, {.style = style});
    fuzz::require(line.ends_with('\n'), "a line ends");
    line.pop_back();
    const ListedChecksum again = ChecksumListParser().parse_line(line);
    fuzz::require(
        again.kind == ListedChecksum::Kind::kEntry && again.name == entry.name && again.digest == entry.digest,
        "an entry comes back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = fuzz::as_text(data, size);
  ChecksumListParser parser;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const ListedChecksum entry = parser.parse_line(line);
    if (entry.kind == ListedChecksum::Kind::kEntry && !entry.name.empty()) {
      check_entry(entry);
    }
    format_reported_name(line);
  }
  return 0;
}
