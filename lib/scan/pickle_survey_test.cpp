// Instructions and their arguments: Lib/pickletools.py of CPython 3.11. Payloads call what does no harm.
#include "scan/pickle_survey.h"

#include "scan/scan_testing.h"

namespace bertjit {

namespace {

PickleSurvey survey(const std::string& bytes) {
  return survey_pickle(std::as_bytes(std::span(bytes)));
}

std::vector<std::string> imports(const std::string& bytes) {
  std::vector<std::string> names;
  for (const PickleImport& import : survey(bytes).imports) {
    names.push_back(import.name);
  }
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("scan: imports are found in every protocol and by every instruction that makes them") {
  CHECK(imports("\x80\x02"
                "cos\ngetcwd\n)R.") == Names{"os.getcwd"});          // GLOBAL, REDUCE
  CHECK(imports("cos\ngetcwd\n(tR.") == Names{"os.getcwd"});         // protocol 0
  CHECK(imports("(ios\ngetcwd\n.") == Names{"os.getcwd"});           // INST
  CHECK(imports("\x80\x02(cos\ngetcwd\no.") == Names{"os.getcwd"});  // OBJ
  CHECK(imports("\x80\x02"
                "cbuiltins\nobject\n)\x81.") == Names{"builtins.object"});          // NEWOBJ
  CHECK(imports("\x80\x04\x8c\x02os\x8c\x06getcwd\x93)R.") == Names{"os.getcwd"});  // STACK_GLOBAL
  CHECK(imports("\x80\x02\x82\x01.") == Names{"(extension 1)"});                    // EXT1
  CHECK(imports("\x80\x02"
                "cos\ngetcwd\n}b.") == Names{"os.getcwd"});  // BUILD
}

TEST_CASE("scan: a name that goes through the memo is followed") {
  // 'os' and 'getcwd' are memorised, taken off the stack, and recalled.
  CHECK(imports(std::string("\x80\x04\x8c\x02os\x94\x30\x8c\x06getcwd\x94\x30h\x00h\x01\x93.", 26)) ==
        Names{"os.getcwd"});
  CHECK(imports("\x80\x02X\x02" + std::string(3, '\0') +
                "osq\x05"
                "0U\x06getcwdq\x06"
                "0h\x05h\x06\x93.") == Names{"os.getcwd"});
}

TEST_CASE("scan: a name that is made while the pickle runs is an import of no known name") {
  // b'os' is no text until something decodes it.
  const Names found = imports(
      "\x80\x04"
      "c_codecs\nencode\n\x8c\x02os\x85R\x8c\x06getcwd\x93.");
  REQUIRE(found.size() == 2);
  CHECK(found[1].starts_with("("));
}

TEST_CASE("scan: a mark can be popped as an object can, as CPython does") {
  CHECK(imports("(0cos\ngetcwd\n)R.") == Names{"os.getcwd"});
  CHECK(survey("N(0.").complete);
  CHECK(!survey("0.").complete);
}

TEST_CASE("scan: objects are numbered by whatever Python's int() reads") {
  CHECK(imports("Vos\np 1\n0Vgetcwd\np+2\r\n0g1 \ng0_2\n\x93.") == Names{"os.getcwd"});
  CHECK(!survey("Np1x\n.").complete);
  CHECK(!survey("Np-1\n.").complete);
  CHECK(!survey("Np\n.").complete);
}

TEST_CASE("scan: imports before a fault are found, since Python has made them by then") {
  const PickleSurvey found = survey(
      "\x80\x02"
      "cos\ngetcwd\n)R\xff");
  CHECK(found.calls);
  CHECK(!found.complete);
  CHECK(found.imports.size() == 1);
  CHECK(found.fault.find("255") != std::string::npos);
}

TEST_CASE("scan: what is imported says where") {
  const PickleSurvey found = survey(
      "\x80\x02]q\x01"
      "cos\ngetcwd\n)R.");
  REQUIRE(found.imports.size() == 1);
  CHECK(found.imports[0].offset == 5);
  CHECK(found.complete);
  CHECK(found.size_bytes == 19);
}

TEST_CASE("scan: a pickle of plain data imports and calls nothing") {
  // pickle.dumps({'a': [1, 2.5, None, True, (1, 2)], 'b': b'x'}, protocol=2) of CPython 3.11, without b.
  const PickleSurvey found =
      survey(std::string("\x80\x02}q\x00X\x01\x00\x00\x00"
                         "aq\x01]q\x02(K\x01G@\x04\x00\x00\x00\x00\x00\x00N\x88K\x01K\x02\x86q\x03"
                         "es.",
                         42));
  CHECK(found.fault.empty());
  CHECK(found.complete);
  CHECK(found.imports.empty());
  CHECK(!found.calls);
}

TEST_CASE("scan: bytes that are no pickle are none, and never read past their end") {
  for (const std::string bytes : {"", ".", "\x80", "\x80\x02", "R.", "hello", "a line of text\n", "((((", "cos",
                                  "cos\n", "X\xff\xff\xff\xff", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "g9\n."}) {
    const PickleSurvey found = survey(bytes);
    INFO(bytes);
    CHECK(!found.complete);
    CHECK(!found.calls);
  }
}

TEST_CASE("scan: any prefix of a pickle and any changed byte is surveyed without fault of its own") {
  const std::string pickle = testing::read_records(testing::traced()).at("traced/data.pkl");
  CHECK(survey(pickle).complete);
  for (size_t i = 0; i < pickle.size(); ++i) {
    CHECK(!survey(pickle.substr(0, i)).complete);
    std::string changed = pickle;
    changed[i] = static_cast<char>(changed[i] ^ 0xff);
    CHECK(survey(changed).size_bytes <= changed.size());
  }
}

TEST_CASE("scan: what writes to an import is a change of it, what writes to what it made is none") {
  for (const std::string write : {"}b", "NNs", "(NNu", "Na", "(Ne", "(N\x90",
                                  "q\x01"
                                  "0h\x01}b",
                                  "2}b"}) {
    INFO(write);
    const PickleSurvey found = survey(
        "\x80\x02"
        "ctorch\nSize\n" +
        write + ".");
    CHECK(found.complete);
    CHECK(found.calls);
    REQUIRE(found.changes.size() == 1);
    CHECK(found.changes[0].name == "torch.Size");
    CHECK(survey("\x80\x02"
                 "ctorch\nSize\n)R" +
                 write + ".")
              .changes.empty());
    CHECK(survey("\x80\x02"
                 "ctorch\nSize\n)\x81" +
                 write + ".")
              .changes.empty());
    CHECK(survey("\x80\x02"
                 "(ios\ngetcwd\n" +
                 write + ".")
              .changes.empty());
  }
}

}  // namespace bertjit
