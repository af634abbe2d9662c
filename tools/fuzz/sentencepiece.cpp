// SentencePiece models, alone and as the vocabulary of a tokenizer.
#include "tokenize/sentencepiece_model.h"

#include "fuzz/tokenizer_use.h"

using namespace bertjit;

namespace {

/// A folder of its own for a class, with the model under the name that the class gives it.
void use_as(const std::string& name, const std::string& file, std::string_view model) {
  std::filesystem::create_directories(fuzz::scratch_folder() / name);
  fuzz::write_scratch(name + "/tokenizer_config.json", "{\"tokenizer_class\": \"" + name + "\"}");
  fuzz::write_scratch(name + "/" + file, model);
  fuzz::use_tokenizer(fuzz::scratch_folder() / name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = fuzz::as_text(data, size);
  if (fuzz::answers([&] { parse_sentencepiece_model(bytes, "input.model"); })) {
    use_as("AlbertTokenizer", "spiece.model", bytes);
    use_as("CamembertTokenizer", "sentencepiece.bpe.model", bytes);
  }
  return 0;
}
