#include "container/pickle.h"

#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;

namespace {

bool allow_all(const std::string&) {
  return true;
}

bool allow_none(const std::string&) {
  return false;
}

Pickle read(const std::string& bytes, const GlobalFilter& filter = allow_all) {
  return read_pickle(std::as_bytes(std::span(bytes)), "x.bin", filter);
}

Error error_in(const std::string& bytes, const GlobalFilter& filter = allow_none) {
  return error_of([&] { read(bytes, filter); });
}

/// A string literal with its NULs.
template <size_t N>
std::string raw(const char (&text)[N]) {
  return {text, N - 1};
}

}  // namespace

// The bytes of these cases are pickletools.optimize(pickle.dumps(value, protocol)) of CPython 3.11.
TEST_CASE("pickle: scalars of protocols 2 to 4 are read") {
  const auto pickle =
      read(raw("\x80\x02(NK\x05M\xe8\x03J\xff\xff\xff\xffG?\xf8\x00\x00\x00\x00\x00\x00"
               "\x88\x89X\x03\x00\x00\x00"
               "abct."));
  const auto* tuple = PickleNode::as<PickleTuple>(pickle.root);
  REQUIRE(tuple != nullptr);
  REQUIRE(tuple->items.size() == 8);
  CHECK(PickleNode::as<std::monostate>(tuple->items[0]) != nullptr);
  CHECK(*PickleNode::as<int64_t>(tuple->items[1]) == 5);
  CHECK(*PickleNode::as<int64_t>(tuple->items[2]) == 1000);
  CHECK(*PickleNode::as<int64_t>(tuple->items[3]) == -1);
  CHECK(*PickleNode::as<double>(tuple->items[4]) == 1.5);
  CHECK(*PickleNode::as<bool>(tuple->items[5]));
  CHECK_FALSE(*PickleNode::as<bool>(tuple->items[6]));
  CHECK(*PickleNode::as<std::string>(tuple->items[7]) == "abc");

  const auto framed =
      read(raw("\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00\x8c\x01"
               "aC\x01\xff\x86."));
  const auto* pair = PickleNode::as<PickleTuple>(framed.root);
  REQUIRE(pair != nullptr);
  CHECK(*PickleNode::as<std::string>(pair->items[0]) == "a");
  CHECK(PickleNode::as<PickleBytes>(pair->items[1])->bytes == "\xff");
}

TEST_CASE("pickle: long integers keep their sign, and those beyond 64 bits their bytes") {
  CHECK(*PickleNode::as<int64_t>(read(raw("\x80\x02\x8a\x00.")).root) == 0);
  CHECK(*PickleNode::as<int64_t>(read(raw("\x80\x02\x8a\x05\x00\x00\x00\x00\x01.")).root) == int64_t{1} << 32);
  CHECK(*PickleNode::as<int64_t>(read(raw("\x80\x02\x8a\x05\x00\x00\x00\x00\xff.")).root) == -(int64_t{1} << 32));
  const auto magic = read(raw("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."));
  REQUIRE(PickleNode::as<PickleLong>(magic.root) != nullptr);
  CHECK(PickleNode::as<PickleLong>(magic.root)->bytes == "l\xfc\x9c\x46\xf9 j\xa8P\x19");
}

TEST_CASE("pickle: lists, sets and dicts are filled, and shared objects stay one") {
  // a = [1]; [a, a, {a: 2} is not hashable, so {'k': a}]
  const auto pickle =
      read(raw("\x80\x02](]q\x00K\x01"
               "ah\x00}X\x01\x00\x00\x00kh\x00se."));
  const auto* list = PickleNode::as<PickleList>(pickle.root);
  REQUIRE(list != nullptr);
  REQUIRE(list->items.size() == 3);
  CHECK(list->items[0] == list->items[1]);
  const auto* dict = PickleNode::as<PickleDict>(list->items[2]);
  REQUIRE(dict != nullptr);
  CHECK(dict->items[0].second == list->items[0]);

  const auto set = read(raw("\x80\x04\x8f(K\x01K\x02\x90."));
  CHECK(PickleNode::as<PickleSet>(set.root)->items.size() == 2);
}

TEST_CASE("pickle: calls, globals and persistent ids are kept as data") {
  const auto pickle =
      read(raw("\x80\x02"
               "cos\nsystem\nX\x02\x00\x00\x00ls\x85R."));
  const auto* call = PickleNode::as<PickleCall>(pickle.root);
  REQUIRE(call != nullptr);
  CHECK(call->callable->name == "os.system");
  CHECK(*PickleNode::as<std::string>(call->arguments->items[0]) == "ls");
  CHECK(*PickleNode::as<std::string>(
            PickleNode::as<PicklePersistentId>(read(raw("\x80\x02X\x01\x00\x00\x00sQ.")).root)->id) == "s");
}

TEST_CASE("pickle: an OrderedDict is a dict, as Python 3 and as Python 2 wrote it") {
  const auto three =
      read(raw("\x80\x02"
               "ccollections\nOrderedDict\n)RX\x01\x00\x00\x00kK\x01s}b."));
  REQUIRE(PickleNode::as<PickleDict>(three.root) != nullptr);
  CHECK(*PickleNode::as<std::string>(PickleNode::as<PickleDict>(three.root)->items[0].first) == "k");
  const auto two =
      read(raw("\x80\x02"
               "ccollections\nOrderedDict\n](](U\x01kK\x01"
               "ee\x85R."));
  REQUIRE(PickleNode::as<PickleDict>(two.root) != nullptr);
  CHECK(*PickleNode::as<int64_t>(PickleNode::as<PickleDict>(two.root)->items[0].second) == 1);
}

TEST_CASE("pickle: what follows the pickle is not read") {
  CHECK(read(raw("\x80\x02N.junk")).size_bytes == 4);
}

TEST_CASE("pickle: a global that is not allowed is refused by name, in every form") {
  const std::string refused =
      "x.bin: refers to 'os.system', which a checkpoint of tensors does not need; nothing was "
      "executed";
  for (const std::string& bytes : {
           raw("\x80\x02"
               "cos\nsystem\nX\x02\x00\x00\x00ls\x85R."),
           raw("cos\nsystem\n(S'ls'\ntR."),
           raw("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R."),
           raw("(ios\nsystem\n."),
       }) {
    const Error error = error_in(bytes);
    CHECK(error.kind() == ErrorKind::kUnsafe);
    CHECK(error.what() == refused);
  }
}

TEST_CASE("pickle: instructions that make instances of any class are unsafe, unknown ones unsupported") {
  for (const std::string& bytes : {raw("\x80\x02(o."), raw("\x80\x02\x82\x01."), raw("\x80\x02\x83\x01\x00.")}) {
    CHECK(error_in(bytes).kind() == ErrorKind::kUnsafe);
  }
  const Error unknown = error_in("version https://git-lfs.github.com/spec/v1\n");
  CHECK(unknown.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(unknown.what(), Contains("uses pickle instruction 0x76 at byte 0, which torch.save does not write"));
  CHECK(error_in(raw("\x80\x09N.")).kind() == ErrorKind::kUnsupported);
}

TEST_CASE("pickle: instructions of protocols 0 and 1 are refused by Python's name for them") {
  CHECK_THAT(error_in("I1\n.").what(), Contains("uses pickle instruction 0x49 (INT) at byte 0"));
  CHECK_THAT(error_in("(d.").what(), Contains("uses pickle instruction 0x64 (DICT) at byte 1"));
  CHECK_THAT(error_in(raw("\x80\x05\x97.")).what(), Contains("0x97 (NEXT_BUFFER) at byte 2"));
  CHECK_THAT(error_in(raw("\x80\x02\x82\x01.")).what(), Contains("0x82 (EXT1), which makes an instance of any class"));
}

TEST_CASE("pickle: long integers of protocol 2 and byte arrays of protocol 5 are values") {
  // pickle.dumps(-5 << 2040 >> 2040, 2) writes LONG1; LONG4 holds the same little-endian two's complement.
  CHECK(*PickleNode::as<int64_t>(read(raw("\x80\x02\x8b\x01\x00\x00\x00\xfb.")).root) == -5);
  const auto array =
      read(raw("\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00"
               "ab."));
  REQUIRE(PickleNode::as<PickleBytes>(array.root) != nullptr);
  CHECK(PickleNode::as<PickleBytes>(array.root)->bytes == "ab");
  CHECK(error_in(raw("\x80\x02\x8b\xff\xff\xff\x7f\x00.")).kind() == ErrorKind::kCorrupt);
  CHECK(error_in(raw("\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff.")).kind() == ErrorKind::kCorrupt);
}

TEST_CASE("pickle: nonsense is refused") {
  for (const std::string& bytes : {
           raw(""),           // empty
           raw("\x80\x02N"),  // no end
           raw("\x80\x02."),  // nothing to return
           raw("\x80\x02X\xff\xff\xff\xff"
               "a."),  // a text longer than the file
           raw("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
               "a."),
           raw("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."),  // a frame longer than the file
           raw("\x80\x02t."),                                      // a tuple without a mark
           raw("\x80\x02K\x01(\x85."),                             // reaches below the mark
           raw("\x80\x02h\x05."),                                  // an object that was not memorised
           raw("\x80\x02K\x01K\x02"
               "a."),                       // appends to an int
           raw("\x80\x02]K\x01K\x02s."),    // sets an item of a list
           raw("\x80\x02}(K\x01u."),        // a key without a value
           raw("\x80\x02K\x01)R."),         // calls an int
           raw("\x80\x02K\x01K\x02\x93."),  // imports a number
           raw("\x80\x02"
               "cos\nsystem"),  // an import without an end
       }) {
    CHECK(error_in(bytes, allow_all).kind() == ErrorKind::kCorrupt);
  }
}

TEST_CASE("pickle: endless nesting and endless work are refused") {
  CHECK_THAT(error_in(std::string(10'001, '(')).what(), Contains("nests more than 10000 deep"));
  CHECK(error_in(std::string(4'000'001, ']')).kind() == ErrorKind::kUnsupported);

  // One shared list of pairs, made into an OrderedDict again and again: 2000 pairs for 6 bytes.
  std::string pairs =
      raw("\x80\x02"
          "ccollections\nOrderedDict\nq\x01](");
  for (int i = 0; i < 2000; ++i) {
    pairs +=
        raw("](K\x01K\x01"
            "e");
  }
  pairs += raw("e\x85q\x02");
  for (int i = 0; i < 3000; ++i) {
    pairs += raw("h\x01h\x02R0");
  }
  CHECK(error_in(pairs + "N.", allow_all).kind() == ErrorKind::kUnsupported);
}

TEST_CASE("pickle: what writes to an import is unsafe: it is the class or function of the process itself") {
  const std::string import = "ctorch\nSize\n";
  for (const std::string write : {"}b", "NNs", "(NNu", "Na", "(Ne", "(N\x90"}) {
    INFO(write);
    const Error error = error_in("\x80\x02" + import + write + ".", allow_all);
    CHECK(error.kind() == ErrorKind::kUnsafe);
    CHECK_THAT(error.what(), Contains("changes 'torch.Size' itself"));
    CHECK_NOTHROW(read("\x80\x02" + import + ")R}b.", allow_all));
  }
}

// pickle.dumps(bytearray(b'ab'), protocol) of CPython 3.11, protocols 2 and 4.
TEST_CASE("pickle: a bytearray is made of text or bytes, not of a number that memory is taken for") {
  CHECK_NOTHROW(read(raw("\x80\x02"
                         "c__builtin__\nbytearray\nX\x02\x00\x00\x00"
                         "abX\x07\x00\x00\x00latin-1\x86R."),
                     allow_all));
  CHECK_NOTHROW(read(raw("\x80\x04\x8c\x08"
                         "builtins\x8c\x09"
                         "bytearray\x93"
                         "C\x02"
                         "ab\x85R."),
                     allow_all));
  CHECK_NOTHROW(
      read("\x80\x02"
           "c__builtin__\nbytearray\n)R.",
           allow_all));
  for (const std::string argument : {"J\xff\xff\xff\x7f", "\x8a\x01\x7f",
                                     "](K\x01K\x02"
                                     "e"}) {
    CHECK(error_in("\x80\x02"
                   "cbuiltins\nbytearray\n" +
                       argument + "\x85R.",
                   allow_all)
              .kind() == ErrorKind::kUnsafe);
  }
}

// torch/csrc/jit/serialization/pickler.cpp, pushIValueImpl: an enum's class, its value, REDUCE.
TEST_CASE("pickle: an enum of TorchScript is a call whose argument is no tuple, and nothing else is") {
  const auto pickle =
      read(raw("\x80\x02"
               "c__torch__\nColour\nK\x02R."));
  const auto* call = PickleNode::as<PickleCall>(pickle.root);
  REQUIRE(call != nullptr);
  CHECK(call->callable->name == "__torch__.Colour");
  REQUIRE(call->arguments->items.size() == 1);
  CHECK(*PickleNode::as<int64_t>(call->arguments->items[0]) == 2);
  CHECK(error_in("\x80\x02"
                 "ctorch\nSize\nNR.",
                 allow_all)
            .kind() == ErrorKind::kCorrupt);
}

}  // namespace bertjit
