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

TEST_CASE("checkpoint: of several files the one is taken that transformers takes") {
  // PreTrainedModel.from_pretrained of transformers 4.57.6, _get_resolved_checkpoint_files.
  const TempDir dir;
  const auto taken = [&] { return open_checkpoint(dir.path()).weights->path.filename(); };
  fs::copy(testdata("stored/sharded-bin"), dir.path());
  CHECK(taken() == "pytorch_model.bin.index.json");
  fs::copy_file(testdata("stored/training/pytorch_model.bin"), dir / "pytorch_model.bin");
  CHECK(taken() == "pytorch_model.bin");
  for (const char* file :
       {"model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
    fs::copy_file(testdata("stored/sharded") / file, dir / file);
  }
  CHECK(taken() == "model.safetensors.index.json");
  fs::copy_file(testdata("stored/float16/model.safetensors"), dir / "model.safetensors");
  CHECK(taken() == "model.safetensors");
}

TEST_CASE("checkpoint: one model, in every form of file, has the same 23 tensors") {
  for (const char* name : {"sharded", "sharded-bin", "float16", "float16-bin", "float16-sharded-bin", "bfloat16",
                           "bfloat16-sharded", "bfloat16-old-bin", "float64", "mixed", "training"}) {
    INFO(name);
    const Checkpoint checkpoint = open_checkpoint(testdata(std::string("stored/") + name));
    REQUIRE(checkpoint.weights);
    CHECK(checkpoint.weights->tensors.size() == 23);
    CHECK(checkpoint.weights->find("pooler.dense.bias") != nullptr);
  }
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
  const std::string looked_for =
      ": has no weights (looked for model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
      "pytorch_model.bin.index.json)";
  expect(dir.path(), ErrorKind::kNotFound,
         path + looked_for + "; --init random needs none when given config.json itself");

  testing::write_bytes(dir / "tf_model.h5", "");
  testing::write_bytes(dir / "flax_model.msgpack", "");
  testing::write_bytes(dir / "training_args.bin", "");
  testing::write_bytes(dir / "merges.txt", "");
  expect(dir.path(), ErrorKind::kUnsupported,
         path + looked_for +
             "; found 'flax_model.msgpack' (Flax), 'tf_model.h5' (TensorFlow), which is not read: save the model as "
             "PyTorch with save_pretrained()");

  testing::write_bytes(dir / "model.safetensors.index.json", "{}");
  expect(dir.path(), ErrorKind::kCorrupt,
         path +
             "/model.safetensors.index.json: has no weight_map, an object of tensor names and the files that hold "
             "them");
}

}  // namespace bertjit
