// The text files of a tokenizer's folder, several at once: vocab.txt, vocab.json, merges.txt, tokenizer_config.json, …
//
// The input is the files one after another, each behind its name, a newline, and a NUL at its end.
#include <algorithm>
#include <array>

#include "fuzz/tokenizer_use.h"

using namespace bertjit;

namespace {

constexpr std::array<std::string_view, 8> kNames = {"vocab.txt",
                                                    "vocab.json",
                                                    "merges.txt",
                                                    "tokenizer.json",
                                                    "tokenizer_config.json",
                                                    "special_tokens_map.json",
                                                    "added_tokens.json",
                                                    "config.json"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const auto name : kNames) {
    std::filesystem::remove(fuzz::scratch_folder() / name);
  }
  for (auto rest = fuzz::as_text(data, size); !rest.empty();) {
    const auto part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const size_t end = std::min(part.find('\n'), part.size());
    if (std::ranges::find(kNames, part.substr(0, end)) != kNames.end()) {
      fuzz::write_scratch(std::string(part.substr(0, end)), part.substr(std::min(end + 1, part.size())));
    }
  }
  fuzz::use_tokenizer(fuzz::scratch_folder());
  return 0;
}
