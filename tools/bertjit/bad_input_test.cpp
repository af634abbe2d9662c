// Bad input, one row a fault: the exit code, the message that names it, and a target that is as it was.
#include <unistd.h>

#include "cli_testing.h"
#include "small_disk.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Names = std::vector<std::string>;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

/// What `trace` says of testdata/broken/FOLDER.
struct Fault {
  std::string folder;
  int exit_code;
  std::string message;  ///< part of stderr, or of stdout for an answer
};

const std::vector<Fault> kFaults = {
    {"bad_json_config", 2, "/config.json:23:2: is not valid JSON"},
    {"bad_utf8_vocab", 2, "/vocab.txt:9: is not valid UTF-8"},
    {"config_vocab_size_disagrees", 2, "embeddings.word_embeddings.weight is [13, 8], config.json says [30, 8]"},
    {"empty_file", 2, "/model.safetensors: safetensors file ends after 0 bytes"},
    {"extra_tensor", 0, "1 tensors are not used by BertModel:\n  encoder.layer.7.output.dense.bias\n"},
    {"header_length_past_end", 2, "/model.safetensors: declares a header of 9223372036854775807 bytes"},
    {"header_not_json", 2, "/model.safetensors: header does not begin with '{'"},
    {"header_number_overflows", 2, "/model.safetensors: header holds a number beyond the range of a double"},
    {"heads_do_not_divide_hidden_size", 2, "the hidden size 8 is not a multiple of the number of attention heads 3"},
    {"index_leaves_folder", 3, "lists shard '../intact/model.safetensors', which is not a plain file name in its own"},
    {"index_lists_absent_shard", 2, ".index.json: shard 'model-00002-of-00002.safetensors' is missing; 12 tensors are"},
    {"index_lists_absent_tensor", 2,
     "lists tensor 'pooler.extra' in 'model-00002-of-00002.safetensors', which does not"},
    {"index_lists_tensor_twice", 2, "model.safetensors.index.json: holds 'pooler.dense.bias' twice"},
    {"index_misses_tensor", 2, "passed over what the index does not list: 'pooler.dense.bias'\n  missing (1):"},
    {"index_not_json", 2, "model.safetensors.index.json:1:16: is not valid JSON"},
    {"index_shard_name_too_long", 3, "ssss…', which is not a plain file name in its own folder"},
    {"index_shard_not_text", 2, "weight_map entry 'pooler.dense.bias' is 2, expected a file name"},
    {"index_without_map", 2,
     "model.safetensors.index.json: has no weight_map, an object of tensor names and the files"},
    {"intact", 0, ""},
    {"missing_tensor", 2, "missing (1):\n    pooler.dense.bias [8]"},
    {"nan_weight", 1, "fail  example "},
    {"negative_dimension", 2, "tensor 'pooler.dense.weight' has no shape of whole numbers"},
    {"no_config", 2, "/no_config: has no config.json"},
    {"no_vocab", 0, ""},
    {"no_weights", 2,
     "/no_weights: has no weights (looked for model.safetensors, model.safetensors.index.json, pytorch_model.bin"},
    {"overlapping_offsets", 2, "tensors 'embeddings.LayerNorm.bias' and 'pooler.dense.bias' overlap"},
    {"reversed_offsets", 2, "tensor 'pooler.dense.bias' has data_offsets [2944,2912], not two ascending ones"},
    {"shape_disagrees_with_offsets", 2, "256 bytes; shape [8, 9] of float32 needs 288"},
    {"shape_overflows", 2, "shape [4294967296, 4294967297, 64] of float32 needs more than fit in 63 bits"},
    {"tensor_in_two_shards", 2, "and 'model-00001-of-00002.safetensors' holds one of that name too"},
    {"tensor_past_end", 2, "tensor 'pooler.dense.weight' has data_offsets [1099511627776,1099511628032]"},
    {"truncated_data", 2, "within the file's 3184 bytes of data (truncated?)"},
    {"truncated_header", 2, "declares a header of 2232 bytes; 192 follow"},
    {"truncated_pickle", 2, "/pytorch_model.bin: pickle ends after 8 bytes"},
    {"unknown_activation", 2, "activation 'sigh' is not supported (supported: gelu, "},
    {"unknown_dtype", 2, "tensor 'pooler.dense.weight' has dtype 'F99'"},
    {"unknown_model_type", 2, "/config.json: model_type 'telepathy' is not supported (supported: albert, bert, "},
    {"unsafe_pickle", 3, "refers to 'posix.system', which a checkpoint of tensors does not need; nothing was executed"},
    {"vocab_without_unk", 2, "/vocab.txt: has no '[UNK]'"},
    {"wrong_shape", 2, "pooler.dense.bias is [7], config.json says [8]"},
};

/// Runs `trace` on a checkpoint against a target with old bytes; an error must leave them, and nothing else.
CliOutput trace_over_old_file(const std::string& source, const Names& more = {}) {
  const TempDir folder;
  testing::write_bytes(folder / "out.pt", "old bytes");
  Names arguments{"trace", source, "-o", (folder / "out.pt").string(), "--checksum"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const CliOutput output = run_bertjit(arguments);
  INFO(output);
  if (output.exit_code == 0) {
    CHECK(testing::list_folder(folder.path()) == Names{"out.pt", "out.pt.sha512"});
    CHECK(testing::read_bytes(folder / "out.pt").starts_with("PK"));
  } else {
    CHECK(testing::list_folder(folder.path()) == Names{"out.pt"});
    CHECK(testing::read_bytes(folder / "out.pt") == "old bytes");
  }
  return output;
}

void check_trace_fails(const std::string& source, const std::string& message, const Names& more = {}) {
  const CliOutput output = trace_over_old_file(source, more);
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, Contains(message));
}

/// A copy of the whole checkpoint, to break.
void copy_intact(const fs::path& target) {
  fs::copy(testdata("broken/intact"), target);
}

}  // namespace

TEST_CASE("bad input: every folder of testdata/broken is answered as the table says, old target untouched") {
  Names folders;
  for (const auto& fault : kFaults) {
    folders.push_back(fault.folder);
    INFO(fault.folder);
    const CliOutput output = trace_over_old_file(testdata("broken/" + fault.folder).string());
    INFO(output);
    CHECK(output.exit_code == fault.exit_code);
    CHECK_THAT(fault.exit_code == 1 ? output.out : output.err, Contains(fault.message));
    CHECK(output.out.empty() == (fault.exit_code >= 2));
  }
  // A fault added to testdata needs a row.
  CHECK(folders == testing::list_folder(testdata("broken")));
}

TEST_CASE("bad input: run and verify --source say the same of a broken checkpoint as trace") {
  const TempDir folder;
  testing::trace_model("broken/intact", folder / "intact.pt");
  for (const auto& fault : kFaults) {
    if (fault.exit_code < 2) {
      continue;
    }
    const std::string source = testdata("broken/" + fault.folder).string();
    for (const Names& arguments :
         {Names{"run", source}, Names{"verify", (folder / "intact.pt").string(), "--source", source}}) {
      const CliOutput output = run_bertjit(arguments);
      INFO(fault.folder << "\n" << output);
      CHECK(output.exit_code == fault.exit_code);
      CHECK(output.out.empty());
      CHECK_THAT(output.err, Contains(fault.message));
    }
  }
}

TEST_CASE("bad input: a missing vocabulary matters only to a text") {
  const std::string source = testdata("broken/no_vocab").string();
  check_trace_fails(source, "--text needs a tokenizer: " + source + " has none beside it", {"--text", "a"});
  check_trace_fails(source, testdata("golden").string(), {"--text", "a", "--tokenizer", testdata("golden").string()});
}

TEST_CASE("bad input: what is no checkpoint is named") {
  check_trace_fails("/nonexistent", "/nonexistent: no such file or directory");
  check_trace_fails(testdata("tiny-bert/vocab.txt").string(), "vocab.txt: is not a complete zip archive");
  check_trace_fails(testdata("tiny-bert/model.safetensors").string(),
                    "model.safetensors: is not a complete zip archive");
  check_trace_fails(testdata("golden").string(), "golden: has no config.json");
  check_trace_fails("", "no such file or directory");
  const TempDir folder;
  copy_intact(folder / "model");
  testing::write_bytes(folder / "model" / "config.json", R"({"vocab_size": 13})");
  check_trace_fails((folder / "model").string(), "model/config.json: ");
}

TEST_CASE("bad input: missing, extra and misshapen tensors are all listed at once") {
  const TempDir folder;
  copy_intact(folder / "model");
  // A head with tensors of its own over a vocabulary the file does not have, which leaves the pooler unused.
  const fs::path config = folder / "model" / "config.json";
  auto json = testing::parse_json(testing::read_bytes(config));
  json["vocab_size"] = 30;
  testing::write_bytes(config, json.dump());
  const CliOutput output = trace_over_old_file((folder / "model").string(), {"--head", "BertForMaskedLM"});
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("missing (5):\n    cls.predictions.transform.dense.weight [8, 8]\n"));
  CHECK_THAT(output.err, Contains("    cls.predictions.bias [30]\n"));
  CHECK_THAT(output.err, Contains("wrong shape or dtype (1):\n    embeddings.word_embeddings.weight is [13, 8], "
                                  "config.json says [30, 8]\n"));
  CHECK_THAT(output.err, Contains("in the file but not used (2):\n    pooler.dense.bias\n    pooler.dense.weight\n"));
}

TEST_CASE("bad input: a vocabulary that cannot be read is named") {
  const TempDir folder;
  copy_intact(folder / "model");
  const fs::path vocabulary = folder / "model" / "vocab.txt";
  fs::remove(vocabulary);
  fs::create_directory(vocabulary);
  check_trace_fails((folder / "model").string(), vocabulary.string() + ": is a directory, not a file");
  if (::geteuid() == 0) {
    std::cerr << "SKIPPED: a vocabulary without read permission: root reads it all the same\n";
    return;
  }
  fs::remove(vocabulary);
  testing::write_bytes(vocabulary, "[PAD]\n");
  fs::permissions(vocabulary, fs::perms::none);
  check_trace_fails((folder / "model").string(), vocabulary.string() + ": Permission denied");
}

TEST_CASE("bad input: examples the model cannot take leave the target untouched") {
  const std::string tiny = testdata("tiny-bert").string();
  check_trace_fails(tiny, "input_ids holds 163 at [0, 1]", {"--input", "input_ids=[[1,163]]"});
  check_trace_fails(tiny, "longer than max_position_embeddings 64", {"--input", "input_ids=ones:1x65:int64"});
  check_trace_fails(tiny, "longer than max_position_embeddings 64", {"--check-shapes", "1x7,1x65"});
  check_trace_fails(tiny, "shape 7: expected batch and length", {"--check-shapes", "7"});
  check_trace_fails(tiny, "no argument is named 'a.", {"--check-inputs", testdata("golden/tiny-bert.npz").string()});
  check_trace_fails(tiny, "/nonexistent.npz: No such file", {"--check-inputs", "/nonexistent.npz"});
  check_trace_fails(tiny, "head 'BertForTelepathy' of model_type 'bert' is not supported (supported: BertFor",
                    {"--head", "BertForTelepathy"});
}

TEST_CASE("bad input: a target that cannot be written is named") {
  const TempDir folder;
  fs::create_directory(folder / "directory.pt");
  testing::write_bytes(folder / "file", "");
  const std::string tiny = testdata("tiny-bert").string();
  for (const auto& [target, message] : std::vector<std::pair<std::string, std::string>>{
           {(folder / "absent" / "out.pt").string(), "absent/out.pt: No such file or directory"},
           {(folder / "directory.pt").string(), "directory.pt: is a directory; name a file in it"},
           {(folder / "file" / "out.pt").string(), "file/out.pt: Not a directory"},
           {"/dev/full", "cannot write /dev/full: No space left on device"}}) {
    const CliOutput output = run_bertjit({"trace", tiny, "-o", target});
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains("bertjit trace: cannot write ") && Contains(message));
  }
  CHECK(testing::list_folder(folder.path()) == Names{"directory.pt", "file"});
  CHECK(testing::list_folder(folder / "directory.pt").empty());

  if (::geteuid() == 0) {
    std::cerr << "SKIPPED: a folder without write permission: root writes into it all the same\n";
    return;
  }
  fs::create_directory(folder / "locked");
  testing::write_bytes(folder / "locked" / "out.pt", "old");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  const CliOutput output = run_bertjit({"trace", tiny, "-o", (folder / "locked" / "out.pt").string()});
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("locked/out.pt: Permission denied"));
  CHECK(testing::read_bytes(folder / "locked" / "out.pt") == "old");
}

TEST_CASE("bad input: at a file size limit the old file is whole and no temporary one stays") {
  // With SIGXFSZ ignored, writing beyond the limit fails as it does on a full disk. tiny-bert's trace has 140 kB.
  for (const std::string limit : {"1", "60", "130"}) {
    const TempDir folder;
    testing::write_bytes(folder / "out.pt", "old");
    const auto output = testing::run_command("bash -c \"trap '' XFSZ; ulimit -f " + limit + "; exec " +
                                             testing::program() + " trace '" + testdata("tiny-bert").string() +
                                             "' --checksum -o '" + (folder / "out.pt").string() + "'\" 2>&1");
    INFO(output.out);
    CHECK(output.exit_code == 2);
    CHECK_THAT(output.out, Contains("bertjit trace: cannot write ") && Contains("out.pt: File too large"));
    CHECK(testing::read_bytes(folder / "out.pt") == "old");
    CHECK(testing::list_folder(folder.path()) == Names{"out.pt"});
  }
}

TEST_CASE("bad input: on a full disk trace and run --output leave the old file whole and no temporary one") {
  const testing::SmallDisk disk(64);
  if (!disk.mounted) {
    return;
  }
  const std::string tiny = testdata("tiny-bert").string();
  for (const Names& arguments :
       {Names{"trace", tiny, "-o", (disk.path() / "out.pt").string()},
        Names{"run", tiny, "--input", "input_ids=ones:64x64:int64", "-o", (disk.path() / "out.npz").string()}}) {
    const std::string target = arguments.back();
    testing::write_bytes(target, "old");
    const CliOutput output = run_bertjit(arguments);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains("cannot write " + target + ": No space left on device"));
    CHECK(testing::read_bytes(target) == "old");
    CHECK(testing::list_folder(disk.path()) == Names{fs::path(target).filename().string()});
    fs::remove(target);
  }
}

}  // namespace bertjit
