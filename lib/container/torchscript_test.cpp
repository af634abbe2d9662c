#include "container/torchscript.h"

#include <algorithm>

#include "container/script_archive_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::edit_archive;
using testing::error_of;
using testing::RecordMap;
using testing::replace_once;
using testing::TempDir;
using testing::testdata;

namespace {

std::filesystem::path script(const std::string& name) {
  return testdata("torchscript/" + name);
}

/// "kind text" of the value of that name; of a dict's entry the value.
std::string value_of(const ScriptArchive& file, const std::string& name) {
  const auto found = std::ranges::find(file.nodes.rbegin(), file.nodes.rend(), name, &ScriptNode::name);
  return found == file.nodes.rend() ? "none of that name"
                                    : std::string(script_kind_name(found->kind)) + " " + found->text;
}

template <class T>
std::vector<T> elements(const ScriptArchive& file, const ScriptTensor& tensor) {
  std::vector<std::byte> copy;
  const auto bytes = read_elements(file, tensor, copy);
  std::string pieces;
  read_elements(file, tensor, [&](std::span<const std::byte> piece) { pieces += as_text(piece); });
  CHECK(pieces == as_text(bytes));
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// Reads `module.pt` with another pickle in place of its data.pkl.
Error error_with_pickle(const std::string& pickle) {
  const TempDir dir;
  edit_archive(script("module.pt"), dir / "x.pt", [&](RecordMap& records) { records.at("module/data.pkl") = pickle; });
  return error_of([&] { read_torchscript(dir / "x.pt"); });
}

Error error_with_edit(const std::string& source, const std::function<void(RecordMap&)>& edit) {
  const TempDir dir;
  edit_archive(script(source), dir / "x.pt", edit);
  return error_of([&] { read_torchscript(dir / "x.pt"); });
}

/// A string literal with its NULs.
template <size_t N>
std::string raw(const char (&text)[N]) {
  return {text, N - 1};
}

/// Protocol 2, an object of class __torch__.Kinds with the attribute "a", whose value `value` puts on the stack.
std::string object_with(const std::string& value) {
  return raw("\x80\x02"
             "c__torch__\nKinds\n)\x81}X\x01\x00\x00\x00"
             "a") +
         value + "sb.";
}

}  // namespace

// Expected values of this file: testdata/torchscript/make.py, and pickletools.dis of what torch 2.13 wrote.
TEST_CASE("torchscript: every kind of attribute that make.py gave the module comes back by its name") {
  const ScriptArchive file = read_torchscript(script("module.pt"));
  CHECK(file.root == "module");
  CHECK(file.version == "3");
  CHECK(file.byteorder == "little");
  CHECK(file.serialization_id.size() == 40);
  REQUIRE_FALSE(file.nodes.empty());
  CHECK(file.nodes[0].name.empty());
  CHECK(file.nodes[0].text == "__torch__.Kinds");
  CHECK(file.nodes[0].is_module);
  CHECK(file.nodes[0].count == 21);
  CHECK(value_of(file, "flag") == "bool True");
  CHECK(value_of(file, "training") == "bool True");
  CHECK(value_of(file, "number") == "int 5");
  CHECK(value_of(file, "ratio") == "float 0.10000000000000001");
  CHECK(value_of(file, "z") == "complex (1, -2)");
  CHECK(value_of(file, "name") == "str a\\b c\n");
  CHECK(value_of(file, "device") == "device cpu");
  CHECK(value_of(file, "_is_full_backward_hook") == "None None");
  CHECK(value_of(file, "sizes") == "list List[int]");
  CHECK(value_of(file, "sizes.1") == "int -2");
  CHECK(value_of(file, "scales") == "list List[float]");
  CHECK(value_of(file, "names") == "list List[str]");
  CHECK(value_of(file, "names.1") == "str b");
  CHECK(value_of(file, "flags") == "list List[bool]");
  CHECK(value_of(file, "tensors") == "list List[Tensor]");
  CHECK(value_of(file, "pair") == "tuple ");
  CHECK(value_of(file, "pair.1") == "str seven");
  CHECK(value_of(file, "table") == "dict Dict[str, int]");
  CHECK(value_of(file, "table.two") == "int 2");
  CHECK(value_of(file, "by_number") == "dict Dict[int, Tensor]");
  CHECK(value_of(file, "second") == "object __torch__.Leaf");
  CHECK(value_of(file, "second.training") == "bool True");
  CHECK(file.constants.empty());
}

TEST_CASE("torchscript: tensors have dtype, shape, role, gradient flag, record and elements") {
  const ScriptArchive file = read_torchscript(script("module.pt"));
  const ScriptTensor* weight = file.find_tensor("first.weight");
  REQUIRE(weight != nullptr);
  CHECK(weight->role == ScriptRole::kParameter);
  CHECK(weight->dtype == "float32");
  CHECK(weight->shape == std::vector<int64_t>{2, 3});
  CHECK(weight->strides == std::vector<int64_t>{3, 1});
  CHECK(weight->record == "data/6");
  CHECK(weight->device == "cpu");
  CHECK(weight->requires_grad);
  CHECK(weight->size_bytes == 24);
  CHECK(elements<float>(file, *weight) == std::vector<float>{0, .25, .5, .75, 1, 1.25});
  const ScriptTensor* ids = file.find_tensor("ids");
  REQUIRE(ids != nullptr);
  CHECK(ids->role == ScriptRole::kBuffer);
  CHECK_FALSE(ids->requires_grad);
  CHECK(elements<int64_t>(file, *ids) == std::vector<int64_t>{101, 7592, 102});
  CHECK(file.find_tensor("scratch")->role == ScriptRole::kBuffer);
  CHECK(file.find_tensor("plain")->role == ScriptRole::kAttribute);
  CHECK(file.find_tensor("plain")->dtype == "float16");
  CHECK(elements<float>(file, *file.find_tensor("tensors.0")) == std::vector<float>{1});
  CHECK(elements<float>(file, *file.find_tensor("by_number.1")) == std::vector<float>{3});
  CHECK(file.find_tensor("third") == nullptr);
}

TEST_CASE("torchscript: quantized tensors keep scales and zero points, packed weights their state") {
  const ScriptArchive file = read_torchscript(script("quantized.pt"));
  const ScriptTensor* tensorwise = file.find_tensor("tensorwise");
  REQUIRE(tensorwise != nullptr);
  CHECK(tensorwise->dtype == "qint8");
  REQUIRE(tensorwise->quantization);
  CHECK(tensorwise->quantization->scheme == "per_tensor_affine");
  CHECK(tensorwise->quantization->scales == std::vector<double>{.25});
  CHECK(tensorwise->quantization->zero_points == std::vector<double>{3});
  CHECK(elements<int8_t>(file, *tensorwise).front() == 3);  // 0 / 0.25 + 3
  const ScriptTensor* channelwise = file.find_tensor("channelwise");
  REQUIRE(channelwise != nullptr);
  CHECK(channelwise->dtype == "quint8");
  REQUIRE(channelwise->quantization);
  CHECK(channelwise->quantization->scheme == "per_channel_affine");
  CHECK(channelwise->quantization->scales == std::vector<double>{.25, .5, 1, 2});
  CHECK(channelwise->quantization->zero_points == std::vector<double>{0, 1, 2, 3});
  CHECK(channelwise->quantization->axis == 0);
  CHECK(value_of(file, "packed.1") == "tensor ");
  const auto packed = std::ranges::find(file.nodes, "packed", &ScriptNode::name);
  REQUIRE(packed != file.nodes.end());
  CHECK(packed->text == "__torch__.torch.classes.quantized.LinearPackedParamsBase");
  CHECK(packed->has_own_state);
  CHECK_FALSE(packed->is_module);
  REQUIRE(file.find_tensor("packed.0") != nullptr);
  CHECK(file.find_tensor("packed.0")->role == ScriptRole::kPacked);
  CHECK(elements<float>(file, *file.find_tensor("packed.1")) == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("torchscript: tied tensors share a record, constants have their own, every record is in one list") {
  const ScriptArchive file = read_torchscript(script("traced.pt"));
  CHECK(file.find_tensor("left.weight")->record == file.find_tensor("right.weight")->record);
  CHECK(file.find_tensor("left.bias")->record != file.find_tensor("right.bias")->record);
  REQUIRE(file.constants.size() == 1);
  CHECK(file.constants[0].name == "CONSTANTS.c0");
  const ScriptTensor& constant = file.tensors[file.constants[0].tensor];
  CHECK(constant.role == ScriptRole::kConstant);
  CHECK(constant.record == "constants/0");
  CHECK(elements<float>(file, constant) == std::vector<float>{2, 3});
  CHECK(file.code.size() == 2);
  CHECK(file.code[1].name == "code/__torch__/___torch_mangle_0.py");
  CHECK(file.debug.size() == 2);
  CHECK(file.data.size() == 4);
  CHECK(file.code.size() + file.debug.size() + file.extra.size() + file.data.size() + file.other.size() ==
        file.archive->records().size());
  CHECK_THAT(read_record_text(file, file.code[0]), Contains("class Pair(Module):"));
  CHECK(read_torchscript(script("extra.pt")).extra.at(0).name == "extra/note.txt");
}

TEST_CASE("torchscript: strided and compressed tensors come row-major") {
  const ScriptArchive strided = read_torchscript(script("strided.pt"));
  CHECK(strided.find_tensor("left.weight")->strides == std::vector<int64_t>{1, 2});
  CHECK(elements<float>(strided, *strided.find_tensor("left.weight")) == std::vector<float>{0, .25, .5, .75, 1, 1.25});
  const ScriptArchive compressed = read_torchscript(script("compressed.pt"));
  REQUIRE(compressed.find("data/0")->method == ZipMethod::kDeflated);
  CHECK(elements<float>(compressed, *compressed.find_tensor("left.weight")) ==
        std::vector<float>{0, .25, .5, .75, 1, 1.25});
}

TEST_CASE("torchscript: what is no TorchScript archive is told from one") {
  CHECK(is_torchscript(script("module.pt")));
  CHECK(is_torchscript(testdata("container/scripted.pt")));
  CHECK_FALSE(is_torchscript(testdata("container/zip_form.bin")));
  CHECK_FALSE(is_torchscript(testdata("container/old_form.bin")));
  CHECK_FALSE(is_torchscript(testdata("container/arrays.npz")));
  const Error checkpoint = error_of([] { read_torchscript(testdata("container/zip_form.bin")); });
  CHECK(checkpoint.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(checkpoint.what(), Contains("neither code/ nor constants.pkl"));
  const Error arrays = error_of([] { read_torchscript(testdata("container/arrays.npz")); });
  CHECK(arrays.kind() == ErrorKind::kUnsupported);
}

TEST_CASE("torchscript: a pickle that would run code is refused and names what it refers to") {
  const Error error =
      error_with_pickle(raw("\x80\x02"
                            "cos\nsystem\nX\x02\x00\x00\x00"
                            "ls\x85R."));
  CHECK(error.kind() == ErrorKind::kUnsafe);
  CHECK_THAT(error.what(), Contains("'os.system', which a TorchScript module does not need"));
}

TEST_CASE("torchscript: state is kept for objects only, once, and never for arguments") {
  // \x81 is NEWOBJ, b is BUILD.
  CHECK_THAT(error_with_pickle(raw("\x80\x02"
                                   "c__torch__\nM\n)\x81}b}b."))
                 .what(),
             Contains("gives an object its state twice"));
  CHECK_THAT(error_with_pickle(raw("\x80\x02"
                                   "c__torch__\nM\nK\x01\x85\x81}b."))
                 .what(),
             Contains("a global without arguments"));
  CHECK_THAT(error_with_pickle("\x80\x02}.").what(), Contains("holds no module"));
}

TEST_CASE("torchscript: objects that hold themselves, or too much, are refused") {
  CHECK_THAT(error_with_pickle(raw("\x80\x02"
                                   "c__torch__\nM\n)\x81q\x00}X\x01\x00\x00\x00"
                                   "ah\x00sb."))
                 .what(),
             Contains("value 'a' holds itself"));
  const Error deep = error_with_pickle(object_with(std::string(300, ']') + std::string(299, 'a')));
  CHECK(deep.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(deep.what(), Contains("200 levels"));
  // A list of twice the list before, forty times: a few hundred bytes for 10^12 values. q is BINPUT, 0 POP, h BINGET.
  std::string doubled = "]";
  for (int i = 0; i < 40; ++i) {
    const char memo = static_cast<char>(i);
    doubled += std::string("q") + memo + "0]h" + memo + "ah" + memo + "a";
  }
  const Error wide = error_with_pickle(object_with(doubled));
  CHECK(wide.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(wide.what(), Contains("million"));
}

TEST_CASE("torchscript: an object under two names is listed under both, as the same") {
  // {"a": leaf, "b": the same leaf}
  const TempDir dir;
  edit_archive(script("module.pt"), dir / "x.pt", [](RecordMap& records) {
    records.at("module/data.pkl") =
        raw("\x80\x02"
            "c__torch__\nKinds\n)\x81}(X\x01\x00\x00\x00"
            "ac__torch__\nLeaf\n)\x81}X\x01\x00\x00\x00nK\x07sbq\x00X\x01\x00\x00\x00"
            "bh\x00ub.");
  });
  const ScriptArchive file = read_torchscript(dir / "x.pt");
  CHECK(value_of(file, "a.n") == "int 7");
  CHECK(value_of(file, "b.n") == "int 7");
  REQUIRE(file.nodes.size() == 5);
  CHECK(file.nodes[1].same_as == 1);
  CHECK(file.nodes[3].name == "b");
  CHECK(file.nodes[3].same_as == 1);
}

TEST_CASE("torchscript: storages that are missing, short or overrun name tensor and record") {
  const Error missing = error_with_edit("module.pt", [](RecordMap& records) { records.erase("module/data/6"); });
  CHECK(missing.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(missing.what(), Contains("tensor 'first.weight' needs record 'data/6', which is missing"));
  const Error cut = error_with_edit("module.pt", [](RecordMap& records) { records.at("module/data/6").resize(20); });
  CHECK_THAT(cut.what(), Contains("lies in record 'data/6' of 20 bytes, not 6 elements of float32"));
  // The shape (2, 3) becomes (2, 9).
  const Error overrun = error_with_edit("module.pt", [](RecordMap& records) {
    replace_once(records.at("module/data.pkl"), raw("(K\x02K\x03t"), raw("(K\x02K\x09t"));
  });
  CHECK_THAT(overrun.what(), Contains("of shape [2, 9], strides [3, 1] and offset 0 reaches out of record 'data/6'"));
}

TEST_CASE("torchscript: a tensor expanded to far more than the file is not walked through") {
  // first.bias, 2 elements and stride 1, becomes 2^31 elements of stride 0.
  const TempDir dir;
  edit_archive(script("module.pt"), dir / "x.pt", [](RecordMap& records) {
    std::string& pickle = records.at("module/data.pkl");
    const size_t at = pickle.find("bias");
    REQUIRE(at != std::string::npos);
    std::string rest = pickle.substr(at);
    replace_once(rest, raw("(K\x02t"), raw("(\x8a\x05\x00\x00\x00\x80\x00t"));
    replace_once(rest, raw("(K\x01t"), raw("(K\x00t"));
    pickle = pickle.substr(0, at) + rest;
  });
  const ScriptArchive file = read_torchscript(dir / "x.pt");
  const ScriptTensor* bias = file.find_tensor("first.bias");
  REQUIRE(bias != nullptr);
  CHECK(bias->size_bytes == uint64_t{4} << 31);
  const Error error = error_of([&] { read_elements(file, *bias, [](std::span<const std::byte>) {}); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("the largest is 'first.bias'"));
  // The other tensors of such a file are not read either: many that are expanded a little come to as much.
  CHECK(error_of([&] {
          read_elements(file, *file.find_tensor("first.weight"), [](std::span<const std::byte>) {});
        }).kind() == ErrorKind::kUnsupported);
}

TEST_CASE("torchscript: other machines' and older archives are refused as such") {
  const Error big = error_with_edit("module.pt", [](RecordMap& records) { records.at("module/byteorder") = "big"; });
  CHECK(big.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(big.what(), Contains("big-endian"));
  const Error old = error_with_edit("module.pt", [](RecordMap& records) {
    records.erase("module/data.pkl");
    records["module/model.json"] = "{}";
  });
  CHECK(old.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(old.what(), Contains("before 1.4"));
  const Error rootless = error_with_edit("module.pt", [](RecordMap& records) { records["beside"] = ""; });
  CHECK(rootless.kind() == ErrorKind::kUnsupported);
}

TEST_CASE("torchscript: a flipped bit in what is read names the record and both CRCs") {
  for (const char* record : {"module/data.pkl", "module/constants.pkl"}) {
    const TempDir dir;
    testing::flip_bit(script("module.pt"), dir / "x.pt", record);
    const Error error = error_of([&] { read_torchscript(dir / "x.pt"); });
    CHECK(error.kind() == ErrorKind::kCorrupt);
    CHECK_THAT(error.what(), Contains(std::string("record '") + record + "' has CRC-32"));
    CHECK_THAT(error.what(), Contains("its directory says"));
  }
}

TEST_CASE("torchscript: any changed byte of a pickle gives a file or an Error, never more") {
  const TempDir dir;
  size_t read = 0;
  size_t refused = 0;
  for (const char* name : {"module", "quantized"}) {
    RecordMap records = testing::read_records(script(std::string(name) + ".pt"));
    for (const char* pickle : {"/data.pkl", "/constants.pkl"}) {
      std::string& bytes = records.at(name + std::string(pickle));
      for (size_t i = 0; i < bytes.size(); ++i) {
        const char before = bytes[i];
        for (const int change : {0x01, 0x80}) {
          bytes[i] = static_cast<char>(before ^ change);
          testing::write_records(records, dir / "x.pt");
          try {
            const ScriptArchive file = read_torchscript(dir / "x.pt");
            for (const ScriptTensor& tensor : file.tensors) {
              read_elements(file, tensor, [](std::span<const std::byte>) {});
            }
            ++read;
          } catch (const Error&) {
            ++refused;
          }
        }
        bytes[i] = before;
      }
    }
  }
  CHECK(read > 100);
  CHECK(refused > 500);
}

TEST_CASE("torchscript: an enum is an object with its value, which is a number or a text") {
  const TempDir dir;
  const auto read_with = [&](const std::string& value) {
    edit_archive(script("module.pt"), dir / "x.pt", [&](RecordMap& records) {
      records.at("module/data.pkl") = object_with("c__torch__\nColour\n" + value + "R");
    });
    return read_torchscript(dir / "x.pt");
  };
  const ScriptArchive file = read_with("K\x02");
  REQUIRE(file.nodes.size() == 3);
  CHECK(file.nodes[1].text == "__torch__.Colour");
  CHECK(file.nodes[1].count == 1);
  CHECK(value_of(file, "a") == "int 2");
  CHECK(value_of(read_with(raw("X\x03\x00\x00\x00red")), "a") == "str red");
  // libtorch would make an object of the dict, by the class's __setstate__ if it has one.
  CHECK(error_of([&] { read_with("}"); }).kind() == ErrorKind::kUnsupported);
}

}  // namespace bertjit
