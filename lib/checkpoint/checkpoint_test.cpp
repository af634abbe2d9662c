#include "checkpoint/checkpoint.h"

#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Equals;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

TEST_CASE("checkpoint: a folder opens with its config and weights, safetensors or a pickle") {
  const Checkpoint safetensors = open_checkpoint(testdata("tiny-bert"));
  CHECK(safetensors.directory == testdata("tiny-bert"));
  CHECK(safetensors.config.model_type() == "bert");
  REQUIRE(safetensors.weights);
  CHECK(safetensors.weights->find("embeddings.word_embeddings.weight") != nullptr);

  const Checkpoint pickle = open_checkpoint(testdata("tiny-bert-seqcls"));
  REQUIRE(pickle.weights);
  CHECK(pickle.weights->path.filename() == "pytorch_model.bin");
  CHECK(pickle.weights->find("classifier.weight") != nullptr);
}

TEST_CASE("checkpoint: safetensors is preferred where both are there, as in transformers") {
  const TempDir dir;
  for (const char* file : {"config.json", "model.safetensors"}) {
    fs::copy_file(testdata("tiny-bert") / file, dir / file);
  }
  testing::write_bytes(dir / "pytorch_model.bin", "not read");
  CHECK(open_checkpoint(dir.path()).weights->path.filename() == "model.safetensors");
}

TEST_CASE("checkpoint: a bare config.json opens without weights") {
  const Checkpoint guide = open_checkpoint(testdata("guide-config.json"));
  CHECK_FALSE(guide.weights);
  CHECK(guide.directory == testdata("guide-config.json").parent_path());
  CHECK(guide.config.size("vocab_size") == 32000);
}

TEST_CASE("checkpoint: what names one: a folder, or a .json file") {
  CHECK(names_checkpoint(testdata("tiny-bert")));
  CHECK(names_checkpoint("anywhere/config.json"));
  CHECK_FALSE(names_checkpoint("traced_bert.pt"));
}

TEST_CASE("checkpoint: what is missing is named, with the way out") {
  const TempDir dir;
  const std::string path = dir.path().string();
  const auto expect = [&](const fs::path& opened, ErrorKind kind, const std::string& message) {
    const Error error = error_of([&] { open_checkpoint(opened); });
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), Equals(message));
  };
  expect(dir / "absent", ErrorKind::kNotFound, path + "/absent: no such file or directory");
  expect(dir.path(), ErrorKind::kNotFound, path + ": has no config.json; is it a Hugging Face checkpoint?");

  testing::write_bytes(dir / "model.txt", "");
  expect(dir / "model.txt", ErrorKind::kInvalidArgument,
         path + "/model.txt: is not a directory; a checkpoint is a folder with config.json and weights");

  testing::write_bytes(dir / "config.json", "{}");
  expect(dir.path(), ErrorKind::kNotFound,
         path +
             ": has no weights (looked for model.safetensors and pytorch_model.bin); --init random needs none when "
             "given config.json itself");

  testing::write_bytes(dir / "model.safetensors.index.json", "{}");
  expect(dir.path(), ErrorKind::kUnsupported,
         path + "/model.safetensors.index.json: sharded weights are not supported");
}

}  // namespace bertjit
