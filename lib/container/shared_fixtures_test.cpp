// Checkpoints and recorded outputs as Hugging Face and numpy write them.

#include "container/container_testing.h"
#include "container/read_tensors.h"

namespace bertjit {

namespace {

struct Expectation {
  const char* file;
  size_t tensors;
  size_t bytes;
  uint64_t byte_sum;
};

// torch 2.13.0, safetensors 0.8.0 and numpy 2.4.6: the sum of every byte of every tensor, in row-major order.
constexpr Expectation kExpectations[] = {
    {"fixtures/bert-pretraining/pytorch_model.bin", 48, 218024, 27354099},
    {"fixtures/distilbert-tokencls/pytorch_model.bin", 38, 140048, 17553623},
    {"fixtures/bert-seqcls-regression/pytorch_model.bin", 41, 145412, 18186573},
    {"fixtures/bert-model/model.safetensors", 39, 145280, 18207615},
    {"fixtures/bert-model/io.npz", 19, 25240, 2888809},
    {"fixtures/bert-seqcls-fp16/model.safetensors", 41, 72772, 8520847},
};

}  // namespace

TEST_CASE("container: real checkpoints and recorded outputs hold what the reference libraries read in them") {
  SKIP_WITHOUT_SHARED("fixtures");
  for (const Expectation& expected : kExpectations) {
    INFO(expected.file);
    const auto file = read_tensors(testing::shared(expected.file));
    CHECK(file.tensors.size() == expected.tensors);
    size_t bytes = 0;
    uint64_t byte_sum = 0;
    for (const TensorView& tensor : file.tensors) {
      bytes += tensor.bytes.size();
      for (const std::byte b : tensor.bytes) {
        byte_sum += static_cast<uint64_t>(b);
      }
    }
    CHECK(bytes == expected.bytes);
    CHECK(byte_sum == expected.byte_sum);
  }
}

TEST_CASE("container: the tied decoder of a checkpoint shares its bytes with the embeddings") {
  SKIP_WITHOUT_SHARED("fixtures");
  const auto file = read_tensors(testing::shared("fixtures/bert-pretraining/pytorch_model.bin"));
  const TensorView* embeddings = file.find("bert.embeddings.word_embeddings.weight");
  const TensorView* decoder = file.find("cls.predictions.decoder.weight");
  REQUIRE(embeddings != nullptr);
  REQUIRE(decoder != nullptr);
  CHECK(embeddings->shape == std::vector<int64_t>{500, 32});
  CHECK(decoder->bytes.data() == embeddings->bytes.data());
}

}  // namespace bertjit
