// `bertjit checksum` beyond sha512sum: folders, lists against folders, JSON, digests of meaning, threads.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli_testing.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using testing::CliOutput;
using Words = std::vector<std::string>;

/// Works inside a fresh folder, so that names are short.
class Workplace {
 public:
  Workplace() : before_(fs::current_path()) {
    fs::current_path(folder_.path());
  }
  ~Workplace() {
    fs::current_path(before_);
  }

 private:
  testing::TempDir folder_;
  fs::path before_;
};

void write(const std::string& name, const std::string& bytes) {
  const fs::path folder = fs::path(name).parent_path();
  if (!folder.empty()) {
    fs::create_directories(folder);
  }
  testing::write_bytes(name, bytes);
}

CliOutput checksum(Words arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), "checksum");
  return testing::run_bertjit(arguments, input);
}

nlohmann::json checksum_json(Words arguments, int exit_code) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const CliOutput output = checksum(arguments);
  INFO(output);
  CHECK(output.exit_code == exit_code);
  CHECK(output.err.empty());
  const nlohmann::json document = testing::parse_json(output.out);
  CHECK(document.at("schema") == "bertjit.checksum/1");
  return document;
}

/// FIPS 180-4's example.
const std::string kAbcHex =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const std::string kTry = "Try 'bertjit checksum --help' for more information.\n";

void check_usage_error(const Words& arguments, const std::string& message) {
  const CliOutput output = checksum(arguments);
  CHECK(output.exit_code == 1);
  CHECK(output.out.empty());
  CHECK(output.err == "bertjit checksum: " + message + "\n" + kTry);
}

/// A tree with a list of it, and then one file changed, one gone and one more.
void make_changed_tree() {
  for (const std::string name : {"same", "changed", "gone"}) {
    write("tree/" + name, name);
  }
  write("SHA512SUMS", checksum({"--recursive", "tree"}).out);
  write("tree/changed", "Changed");
  fs::remove("tree/gone");
  write("tree/sub/extra", "");
}

}  // namespace

TEST_CASE("checksum command: --recursive prints what find, sort and sha512sum print") {
  const Workplace workplace;
  for (const std::string name : {"tree/a/x", "tree/a-b", "tree/a.b/c", "tree/.hidden", "tree/two words", "tree/\xff"}) {
    write(name, name);
  }
  const std::string theirs =
      testing::run_command("find tree -type f -print0 | LC_ALL=C sort -z | xargs -0 sha512sum").out;
  for (const std::string threads : {"1", "4"}) {
    const CliOutput ours = checksum({"--recursive", "--threads", threads, "tree"});
    CHECK(ours.exit_code == 0);
    CHECK(ours.out == theirs);
    CHECK(ours.err.empty());
  }
}

TEST_CASE("checksum command: --recursive names what it skips, and is done with the rest") {
  const Workplace workplace;
  write("tree/abc", "abc");
  REQUIRE(::mkfifo("tree/pipe", 0600) == 0);
  fs::create_symlink("abc", "tree/link");
  const CliOutput output = checksum({"--recursive", "none", "tree"});
  CHECK(output.exit_code == 1);
  CHECK(output.out == kAbcHex + "  tree/abc\n");
  CHECK(output.err ==
        "bertjit checksum: none: No such file or directory\n"
        "bertjit checksum: tree/pipe: is a pipe; skipped\n"
        "bertjit checksum: 1 symbolic link was not followed; --follow-symlinks does\n");
  const CliOutput followed = checksum({"--recursive", "--follow-symlinks", "tree"});
  CHECK(followed.exit_code == 0);
  CHECK(followed.out == kAbcHex + "  tree/abc\n" + kAbcHex + "  tree/link\n");
}

TEST_CASE("checksum command: --recursive over no file at all is not a yes") {
  const Workplace workplace;
  fs::create_directory("empty");
  const CliOutput output = checksum({"--recursive", "empty"});
  CHECK(output.exit_code == 1);
  CHECK(output.err == "bertjit checksum: there is no file to hash\n");
}

TEST_CASE("checksum command: a folder without --recursive is what it is to sha512sum") {
  const Workplace workplace;
  fs::create_directory("tree");
  const CliOutput output = checksum({"tree"});
  CHECK(output.exit_code == 1);
  CHECK(output.err == "bertjit checksum: tree: Is a directory\n");
}

TEST_CASE("checksum command: the list that is being written is not in it") {
  const Workplace workplace;
  write("abc", "abc");
  const std::string command = testing::program() + " checksum --recursive . > SHA512SUMS; cat SHA512SUMS";
  for (int time = 0; time < 2; ++time) {
    CHECK(testing::run_command(command).out == kAbcHex + "  ./abc\n");
  }
}

TEST_CASE("checksum command: -o writes what would have been printed, beside what goes wrong, and is not in the list") {
  const Workplace here;
  write("a/b", "abc");
  write("a/SUMS", "an older list\n");
  const std::string printed = checksum({"a/b"}).out;
  for (const Words& flag :
       {Words{"-o", "SUMS"}, {"-oSUMS"}, {"--output", "SUMS"}, {"--output=SUMS"}, {"-bto", "SUMS"}}) {
    Words arguments = flag;
    arguments.push_back("a/b");
    const CliOutput output = checksum(arguments);
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK(output.out.empty());
    CHECK(testing::read_bytes("SUMS") == printed);
    fs::remove("SUMS");
  }
  CHECK(checksum({"--recursive", "-o", "a/SUMS", "a"}).exit_code == 0);
  CHECK(testing::read_bytes("a/SUMS") == printed);
  CHECK(checksum({"-c", "a/SUMS", "-o", "answers"}).exit_code == 0);
  CHECK(testing::read_bytes("answers") == "a/b: OK\n");

  const CliOutput missing = checksum({"a/b", "absent", "-o", "SUMS"});
  CHECK(missing.exit_code == 1);
  CHECK(missing.err.find("absent: No such file") != std::string::npos);
  CHECK(testing::read_bytes("SUMS") == printed);
  CHECK(checksum({"a/b", "-o"}).err.find("option requires an argument -- 'o'") != std::string::npos);
  CHECK(checksum({"a/b", "--output="}).exit_code == 1);
}

TEST_CASE("checksum command: a list against its folder passes, and says nothing that sha512sum does not") {
  const Workplace workplace;
  write("tree/abc", "abc");
  write("tree/sub/empty", "");
  write("tree/SHA512SUMS", checksum({"--recursive", "tree"}).out);
  const CliOutput output = checksum({"--check", "--recursive", "tree/SHA512SUMS", "tree"});
  CHECK(output.exit_code == 0);
  CHECK(output.out == "tree/abc: OK\ntree/sub/empty: OK\n");
  CHECK(output.err.empty());
}

TEST_CASE("checksum command: a list against its folder tells changed, missing and extra files apart") {
  const Workplace workplace;
  make_changed_tree();
  const CliOutput output = checksum({"--check", "--recursive", "SHA512SUMS", "tree"});
  CHECK(output.exit_code == 1);
  CHECK(output.out == "tree/changed: FAILED\ntree/gone: MISSING\ntree/same: OK\ntree/sub/extra: EXTRA\n");
  CHECK(output.err ==
        "bertjit checksum: WARNING: 1 listed file is missing\n"
        "bertjit checksum: WARNING: 1 computed checksum did NOT match\n"
        "bertjit checksum: WARNING: 1 file is in no list\n");
  CHECK(checksum({"-c", "--quiet", "--recursive", "SHA512SUMS", "tree"}).out ==
        "tree/changed: FAILED\ntree/gone: MISSING\ntree/sub/extra: EXTRA\n");
  const CliOutput status = checksum({"-c", "--status", "--recursive", "SHA512SUMS", "tree"});
  CHECK(status.exit_code == 1);
  CHECK(status.out + status.err == "");
}

TEST_CASE("checksum command: each of a changed, a missing and an extra file fails by itself") {
  const Workplace workplace;
  const Words check{"-c", "--status", "--recursive", "list", "tree"};
  write("tree/abc", "abc");
  write("list", kAbcHex + "  tree/abc\n");
  CHECK(checksum(check).exit_code == 0);
  write("tree/abc", "abd");
  CHECK(checksum(check).exit_code == 1);
  write("tree/abc", "abc");
  write("tree/extra", "");
  CHECK(checksum(check).exit_code == 1);
  fs::remove("tree/extra");
  write("list", kAbcHex + "  tree/abc\n" + kAbcHex + "  tree/gone\n");
  CHECK(checksum(check).exit_code == 1);
}

TEST_CASE("checksum command: JSON has digests in order, and the reason where there is none") {
  const Workplace workplace;
  write("abc", "abc");
  write("\xff", "abc");
  const auto document = checksum_json({"abc", "gone", "\xff"}, 1);
  CHECK(document.at("digest") == "SHA512");
  CHECK(document.at("counts") == nlohmann::json{{"hashed", 2}, {"unreadable", 1}});
  CHECK_FALSE(document.contains("verdict"));
  REQUIRE(document.at("files").size() == 3);
  CHECK(document.at("files")[0] == nlohmann::json{{"name", "abc"}, {"digest", kAbcHex}});
  CHECK(document.at("files")[1] == nlohmann::json{{"name", "gone"}, {"problem", "No such file or directory"}});
  CHECK(document.at("files")[2] == nlohmann::json{{"name", "\xef\xbf\xbd"}, {"name_hex", "ff"}, {"digest", kAbcHex}});
}

TEST_CASE("checksum command: JSON has a verdict, and a count of each that can happen") {
  const Workplace workplace;
  make_changed_tree();
  fs::create_directory("folder");
  fs::create_symlink("same", "tree/link");
  std::ofstream("SHA512SUMS", std::ios::app) << kAbcHex << "  folder\njunk\n";
  const auto document = checksum_json({"-c", "--recursive", "SHA512SUMS", "tree"}, 1);
  CHECK(document.at("verdict") == "fail");
  CHECK(document.at("counts") ==
        nlohmann::json{
            {"matched", 1}, {"changed", 1}, {"missing", 1}, {"unreadable", 1}, {"malformed", 1}, {"extra", 1}});
  CHECK(document.at("malformed") == nlohmann::json{{{"list", "SHA512SUMS"}, {"line", 5}}});
  CHECK(document.at("skipped") == nlohmann::json{{{"name", "tree/link"}, {"reason", "is a symbolic link"}}});
  CHECK(document.at("lists").at(0).at("counts").at("matched") == 1);
  Words statuses;
  for (const auto& file : document.at("files")) {
    statuses.push_back(file.at("name").get<std::string>() + " " + file.at("status").get<std::string>());
  }
  CHECK(statuses == Words{"tree/changed changed", "tree/gone missing", "tree/same matched", "folder unreadable",
                          "tree/sub/extra extra"});
  const auto& changed = document.at("files")[0];
  CHECK(changed.at("line") == 1);
  CHECK(changed.at("expected") != changed.at("actual"));
  // Fewer files, the same verdict and counts.
  const auto quiet = checksum_json({"-c", "--quiet", "--recursive", "SHA512SUMS", "tree"}, 1);
  CHECK(quiet.at("files").size() == 4);
  CHECK(quiet.at("counts") == document.at("counts"));
}

TEST_CASE("checksum command: JSON of lists alone passes and fails as the exit code does") {
  const Workplace workplace;
  write("abc", "abc");
  write("list", kAbcHex + "  abc\n");
  CHECK(checksum_json({"-c", "list"}, 0).at("verdict") == "pass");
  CHECK(checksum_json({"-c", "gone"}, 1).at("lists").at(0).at("problem") == "No such file or directory");
  write("empty", "");
  CHECK(checksum_json({"-c", "empty"}, 1).at("verdict") == "fail");
  write("list", kAbcHex + "  gone\n");
  CHECK(checksum_json({"-c", "list"}, 1).at("counts").at("missing") == 1);
}

TEST_CASE("checksum command: flags of ours that make no sense together are refused") {
  const Workplace workplace;
  write("list", "");
  fs::create_directory("tree");
  check_usage_error({"-c", "--recursive", "list"}, "--recursive needs a folder to compare the lists with");
  check_usage_error({"-c", "--recursive", "tree"},
                    "--recursive needs a list beside the folders (- for standard input)");
  check_usage_error({"--follow-symlinks", "list"}, "the --follow-symlinks option is meaningful only with --recursive");
  check_usage_error({"--format", "json", "-z", "list"},
                    "--format json does not go with --binary, --tag, --text or --zero");
  check_usage_error({"--format=json", "-c", "--status", "list"}, "--format json does not go with --status or --warn");
  check_usage_error({"--format=xml", "list"}, "--format: 'xml' is not one of json|text");
  check_usage_error({"--format"}, "option '--format' requires an argument");
  for (const std::string threads : {"-1", "1025", "x", "", "2x"}) {
    check_usage_error({"--threads", threads, "list"}, "--threads: '" + threads + "' is not a number from 0 to 1024");
  }
}

TEST_CASE("checksum command: abbreviations mean what they mean to sha512sum, whatever flags we have besides") {
  const Workplace workplace;
  write("abc", "abc");
  write("list", kAbcHex + "  abc\n");
  CHECK(checksum({"--c", "--w", "list"}).out == "abc: OK\n");
  check_usage_error({"--recurs", "abc"}, "unrecognized option '--recurs'");
  check_usage_error({"--conten", "abc"}, "unrecognized option '--conten'");
  check_usage_error({"--t", "abc"}, "option '--t' is ambiguous; possibilities: '--tag' '--text'");
}

TEST_CASE("checksum command: --help and --version answer wherever they stand before a mistake") {
  CHECK(checksum({"abc", "-bh", "--bogus"}).out.find("Usage: bertjit checksum [OPTIONS] [FILE...]") !=
        std::string::npos);
  CHECK(checksum({"--vers"}).out == testing::run_bertjit({"--version"}).out);
  check_usage_error({"--bogus", "--help"}, "unrecognized option '--bogus'");
}

TEST_CASE("checksum command: closed standard input is not the next file that is opened") {
  const Workplace workplace;
  Words names;
  for (int i = 0; i < 8; ++i) {
    names.push_back("file" + std::to_string(i));
    write(names.back(), std::string(2'000'000, 'x'));
  }
  std::string files;
  for (const std::string& name : names) {
    files += " " + name;
  }
  const std::string command = testing::program() + " checksum --threads 4 - " + files + " <&- 2>&1 >list; echo $?";
  CHECK(testing::run_command(command).out ==
        "bertjit checksum: -: Bad file descriptor\nbertjit checksum: standard input: Bad file descriptor\n1\n");
  CHECK(checksum({"-c", "list"}).exit_code == 0);
}

TEST_CASE("checksum command: digests of meaning are lists like any other, and are read back") {
  const Workplace workplace;
  fs::copy(testing::testdata("tiny-bert"), "tiny-bert", fs::copy_options::recursive);
  const CliOutput weights = checksum({"--weights", "tiny-bert", "tiny-bert/model.safetensors"});
  INFO(weights);
  REQUIRE(weights.exit_code == 0);
  // A checkpoint's weights are those of its only weights file.
  CHECK(weights.out.substr(0, 128) == weights.out.substr(weights.out.find('\n') + 1, 128));
  CHECK(weights.out.substr(128).starts_with("  tiny-bert\n"));
  write("list", weights.out);
  CHECK(checksum({"-c", "--weights", "list"}).exit_code == 0);
  // Another digest is of something else.
  CHECK(checksum({"-c", "list"}).exit_code == 1);

  const CliOutput tagged = checksum({"--weights", "--tag", "tiny-bert"});
  CHECK(tagged.out == "BERTJIT-WEIGHTS (tiny-bert) = " + weights.out.substr(0, 128) + "\n");
  write("tagged", tagged.out);
  CHECK(checksum({"-c", "--weights", "tagged"}).out == "tiny-bert: OK\n");
  CHECK(checksum({"-c", "-w", "--content", "tagged"}).err.find("improperly formatted BERTJIT-CONTENT checksum line") !=
        std::string::npos);
}

TEST_CASE("checksum command: one changed weight changes the digest of the weights, and the file is named") {
  const Workplace workplace;
  fs::copy_file(testing::testdata("tiny-bert/model.safetensors"), "model.safetensors");
  write("list", checksum({"--weights", "model.safetensors"}).out);
  std::string bytes = testing::read_bytes("model.safetensors");
  bytes.back() ^= 0x40;
  write("model.safetensors", bytes);
  const CliOutput output = checksum({"-c", "--weights", "list"});
  CHECK(output.exit_code == 1);
  CHECK(output.out == "model.safetensors: FAILED\n");
}

TEST_CASE("checksum command: what has no such digest is named with the reason, and the other files are done") {
  const Workplace workplace;
  write("text", "no model");
  fs::copy_file(testing::testdata("tiny-bert/model.safetensors"), "model.safetensors");
  const CliOutput output = checksum({"--weights", "text", "gone", "model.safetensors"});
  CHECK(output.exit_code == 1);
  CHECK(output.err.starts_with("bertjit checksum: text: "));
  CHECK(output.err.find("\nbertjit checksum: gone: No such file or directory\n") != std::string::npos);
  CHECK(output.out.ends_with("  model.safetensors\n"));
}

TEST_CASE("checksum command: digests of meaning refuse what they cannot be taken of") {
  check_usage_error({"--content"}, "--content cannot read standard input; name a file");
  check_usage_error({"--weights", "-"}, "--weights cannot read standard input; name a file");
  check_usage_error({"--code", "--recursive", "."},
                    "--code does not go with --recursive: it takes a folder as one checkpoint");
  check_usage_error({"--code", "--weights", "a"}, "of --content, --weights and --code only one can be taken at a time");
  const CliOutput listed = checksum({"-c", "--weights", "-w"}, kAbcHex + "  -\n");
  CHECK(listed.exit_code == 1);
  CHECK(listed.err.find("1: improperly formatted BERTJIT-WEIGHTS checksum line") != std::string::npos);
}

}  // namespace bertjit
