// A folder of tokenizer files, loaded and used.
#pragma once

#include "fuzz/fuzz.h"
#include "tokenize/load.h"

namespace bertjit::fuzz {

/// Loads what the folder holds, encodes a few texts and decodes the ids.
inline void use_tokenizer(const std::filesystem::path& folder) {
  answers([&] {
    const auto tokenizer = load_tokenizer(folder);
    for (const std::string_view text : {"Who was Jim Henson ?", "", " a  b\tc\n",
                                        "\xe2\x96\x81Stra\xc3\x9f"
                                        "e \xe4\xb8\xad\xe6\x96\x87 e\xcc\x81 1234",
                                        "[CLS] <mask></s>[SEP] \xf0\x9f\x98\x80\xff",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      answers([&] {
        const Encoding encoding =
            tokenizer->encode(text, "pair", {.max_length = 16, .truncation = Truncation::kLongestFirst});
        require(encoding.tokens.size() == encoding.input_ids.size() &&
                    encoding.attention_mask.size() == encoding.input_ids.size(),
                "an encoding's lists have one length");
        answers([&] { tokenizer->decode(encoding.input_ids, true); });
      });
    }
    tokenizer->vocab_size();
    tokenizer->mask_id();
  });
}

}  // namespace bertjit::fuzz
