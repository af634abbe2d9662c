// Lines that `bertjit tokenize` reads: texts, and JSON with what is asked.
#include "encode/request.h"

#include <sstream>

#include "encode/line_reader.h"
#include "fuzz/fuzz.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream in{std::string(fuzz::as_text(data, size))};
  LineReader reader(in, -1);
  size_t taken = 0;
  while (!reader.at_end()) {
    reader.read(64);
    while (const auto block = reader.take_lines()) {
      taken += block->text.size();
      for (std::string_view rest = block->text; !rest.empty();) {
        const std::string_view line = take_line(rest);
        fuzz::answers([&] { to_options(parse_text(line, {}).call); });
        fuzz::answers([&] { implies_truncation(parse_json_line(line, {}).call); });
      }
    }
  }
  fuzz::require(taken == size, "every byte is in one line");
  return 0;
}
