#include "container/pytorch_bin.h"

#include "container/bytes.h"
#include "container/container_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::error_of;
using testing::make_zip;
using testing::NamedBytes;
using testing::TempDir;
using testing::values;

namespace {

std::string text(const std::string& value) {
  std::string bytes = "X";
  append_le<uint32_t>(bytes, static_cast<uint32_t>(value.size()));
  return bytes + value;
}

std::string number(int64_t value) {
  std::string bytes = "\x8a\x08";
  append_le<int64_t>(bytes, value);
  return bytes;
}

std::string tuple(const std::vector<int64_t>& items) {
  std::string bytes = "(";
  for (const int64_t item : items) {
    bytes += number(item);
  }
  return bytes + "t";
}

/// A float32 tensor in storage '0' of `count` elements, as torch.save pickles it.
std::string tensor(int64_t count, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& strides, const std::string& storage = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + storage + "\n" + text("0") +
         text("cpu") + number(count) + "tQ" + number(offset) + tuple(shape) + tuple(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

/// {"x": value}
std::string dict_of(const std::string& value) {
  return "\x80\x02}" + text("x") + value + "s.";
}

std::vector<NamedBytes> checkpoint(const std::string& pickle, const std::string& storage) {
  return {{"m/data.pkl", pickle}, {"m/byteorder", "little"}, {"m/data/0", storage}};
}

Error error_in(const std::string& bytes) {
  const TempDir dir;
  testing::write_bytes(dir / "x.bin", bytes);
  return error_of([&] { read_pytorch_bin(dir / "x.bin"); });
}

/// What reading {"x": tensor} over a storage of 6 floats throws.
Error error_in_tensor(const std::string& tensor) {
  return error_in(make_zip(checkpoint(dict_of(tensor), std::string(24, '\1'))));
}

}  // namespace

// Values from testdata/container/make.py (torch 2.13.0).
TEST_CASE("pytorch_bin: every dtype and view is read, in the zip form and the old form") {
  for (const char* name : {"container/zip_form.bin", "container/old_form.bin"}) {
    INFO(name);
    const auto file = read_pytorch_bin(testing::testdata(name));
    CHECK(testing::names(file) == std::vector<std::string>{"bf16", "double", "empty", "expanded", "half", "i16", "i32",
                                                           "i8", "ids", "mask", "parameter", "row", "tied",
                                                           "transposed", "u8", "weight"});
    CHECK(values<float>(file, "weight") == std::vector<float>{0, 0.25, 0.5, 0.75, 1, 1.25});
    CHECK(file.find("weight")->shape == std::vector<int64_t>{2, 3});
    CHECK(file.find("tied")->bytes.data() == file.find("weight")->bytes.data());
    CHECK(values<float>(file, "transposed") == std::vector<float>{0, 0.75, 0.25, 1, 0.5, 1.25});
    CHECK(file.find("transposed")->shape == std::vector<int64_t>{3, 2});
    CHECK(values<float>(file, "row") == std::vector<float>{0.75, 1, 1.25});
    CHECK(values<float>(file, "expanded") == std::vector<float>{2.5, 2.5, 2.5});
    CHECK(values<float>(file, "parameter") == std::vector<float>{1, -1});
    CHECK(file.find("half")->dtype == DType::kFloat16);
    CHECK(values<uint16_t>(file, "half") == std::vector<uint16_t>{0x3e00, 0xc000});
    CHECK(file.find("bf16")->dtype == DType::kBFloat16);
    CHECK(values<uint16_t>(file, "bf16") == std::vector<uint16_t>{0x3fc0, 0xc000});
    CHECK(values<double>(file, "double") == std::vector<double>{0.1});
    CHECK(file.find("double")->shape.empty());
    CHECK(values<int64_t>(file, "ids") == std::vector<int64_t>{101, 7592, 102, 101, -5, 0});
    CHECK(values<int32_t>(file, "i32") == std::vector<int32_t>{7});
    CHECK(values<int16_t>(file, "i16") == std::vector<int16_t>{-7});
    CHECK(values<int8_t>(file, "i8") == std::vector<int8_t>{-1});
    CHECK(values<uint8_t>(file, "u8") == std::vector<uint8_t>{255});
    CHECK(file.find("mask")->dtype == DType::kBool);
    CHECK(values<uint8_t>(file, "mask") == std::vector<uint8_t>{1, 0});
    CHECK(file.find("empty")->shape == std::vector<int64_t>{0, 4});
  }
}

TEST_CASE("pytorch_bin: tensors under state_dict or model are found, other values passed over") {
  for (const char* name :
       {"training.bin", "protocol3.bin", "protocol4.bin", "protocol4_old_form.bin", "protocol5.bin"}) {
    INFO(name);
    const auto file = read_pytorch_bin(testing::testdata(std::string("container/") + name));
    CHECK(testing::names(file) == std::vector<std::string>{"x"});
    CHECK(values<float>(file, "x") == std::vector<float>{1, 2});
  }
}

TEST_CASE("pytorch_bin: what is chosen or passed over is said, once and by name") {
  const auto notes = [](const std::string& name) {
    const std::string path = testing::testdata("container/" + name).string();
    auto notes = read_pytorch_bin(path).notes;
    for (std::string& note : notes) {
      REQUIRE_THAT(note, StartsWith(path + ": "));
      note = note.substr(path.size() + 2);
    }
    return notes;
  };
  using Notes = std::vector<std::string>;
  CHECK(notes("zip_form.bin").empty());
  CHECK(notes("training.bin") ==
        Notes{"is a training checkpoint; the tensors under 'state_dict' are used (transformers "
              "looks at the top level only)"});
  CHECK(notes("protocol5.bin") == Notes{"passed over what is no tensor: 'raw', 'array', 'big', 'tags'"});
  CHECK(notes("wrapped.bin") == Notes{"passed over what is no tensor: 'epoch', 'name', 'optimizer', 'version'"});
}

TEST_CASE("pytorch_bin: parameters and tensors with attributes of their own are tensors") {
  const auto file = read_pytorch_bin(testing::testdata("container/wrapped.bin"));
  CHECK(testing::names(file) == std::vector<std::string>{"marked", "parameter", "plain", "tagged"});
  CHECK(values<float>(file, "marked") == std::vector<float>{5});
  CHECK(values<float>(file, "tagged") == std::vector<float>{3, 4});
  CHECK(file.find("parameter")->bytes.data() == file.find("plain")->bytes.data());
}

TEST_CASE("pytorch_bin: _rebuild_tensor, which PyTorch wrote before 0.4, is read") {
  std::string old = tensor(6, 0, {2, 3}, {3, 1});
  const std::string without_grad_and_hooks =
      "\x89"
      "ccollections\nOrderedDict\n)R";
  old.erase(old.find(without_grad_and_hooks), without_grad_and_hooks.size());
  old.erase(old.find("_v2"), 3);
  const TempDir dir;
  testing::write_bytes(dir / "x.bin", make_zip(checkpoint(dict_of(old), std::string(24, '\0'))));
  const auto file = read_pytorch_bin(dir / "x.bin");
  CHECK(file.find("x")->shape == std::vector<int64_t>{2, 3});
  CHECK(values<float>(file, "x") == std::vector<float>(6));
}

TEST_CASE("pytorch_bin: endless wrappers end, and a wrapper around nothing is no tensor") {
  std::string wrapped = tensor(6, 0, {6}, {1});
  for (int i = 0; i < 100; ++i) {
    wrapped = "ctorch._utils\n_rebuild_parameter\n(" + wrapped + "\x88)tR";
  }
  CHECK_THAT(error_in_tensor(wrapped).what(), Contains("holds no tensors by name"));
  CHECK_THAT(error_in_tensor("ctorch._utils\n_rebuild_parameter\n)R").what(), Contains("tensor 'x' is made by"));
  for (const std::string arguments : {")", "(N)t", "(ctorch._utils\n_rebuild_parameter\nctorch\nTensor\n)Nt"}) {
    const Error error = error_in_tensor("ctorch._tensor\n_rebuild_from_type_v2\n" + arguments + "R");
    CHECK_THAT(error.what(), Contains("holds no tensors by name"));
  }
}

TEST_CASE("pytorch_bin: a file that would run a command is refused as unsafe, and nothing runs") {
  const Error error = error_of([] { read_pytorch_bin(testing::testdata("container/os_system.bin")); });
  CHECK(error.kind() == ErrorKind::kUnsafe);
  CHECK_THAT(error.what(), Contains("os_system.bin: refers to 'posix.system', which a checkpoint of tensors does not "
                                    "need; nothing was executed"));
  CHECK_FALSE(std::filesystem::exists("executed.txt"));
}

TEST_CASE("pytorch_bin: whole modules and plain pickles are refused by the name of the class or function") {
  for (const auto& [name, global] : {std::pair("whole_module.bin", "torch.nn.modules.linear.Linear"),
                                     {"plain_pickle.bin", "torch.storage._load_from_bytes"}}) {
    const Error error =
        error_of([&, &file = name] { read_pytorch_bin(testing::testdata(std::string("container/") + file)); });
    CHECK(error.kind() == ErrorKind::kUnsafe);
    CHECK_THAT(error.what(),
               Contains("refers to '" + std::string(global) + "', which a checkpoint of tensors does not"));
  }
}

TEST_CASE("pytorch_bin: a tar archive of PyTorch before 0.1.10 and a Git LFS pointer are named as such") {
  const TempDir dir;
  testing::write_bytes(dir / "storages", "x");
  REQUIRE(
      testing::run_command("tar -C '" + dir.path().string() + "' -cf '" + (dir / "x.bin").string() + "' storages 2>&1")
          .exit_code == 0);
  const Error tar = error_of([&] { read_pytorch_bin(dir / "x.bin"); });
  CHECK(tar.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(tar.what(), Contains("is a tar archive, the form torch.save wrote before PyTorch 0.1.10"));
  const Error pointer = error_in("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  CHECK(pointer.kind() == ErrorKind::kNotFound);
  CHECK_THAT(pointer.what(), Contains("is a Git LFS pointer, not the weights themselves"));
}

TEST_CASE("pytorch_bin: dtypes, lists and TorchScript archives are unsupported, and named") {
  const auto message = [](const std::string& name) {
    const Error error = error_of([&] { read_pytorch_bin(testing::testdata("container/" + name)); });
    CHECK(error.kind() == ErrorKind::kUnsupported);
    return std::string(error.what());
  };
  CHECK_THAT(message("uint16.bin"), Contains("tensor 'x' has dtype torch.uint16, which bertjit does not read"));
  CHECK_THAT(message("complex64.bin"), Contains("is a torch.ComplexFloatStorage, which bertjit does not read"));
  CHECK_THAT(message("float8.bin"), Contains("tensor 'x' has dtype torch.float8_e4m3fn, which bertjit does not read"));
  CHECK_THAT(message("sparse.bin"),
             Contains("tensor 'x' is made by torch._utils._rebuild_sparse_tensor, which bertjit"));
  CHECK_THAT(message("quantized.bin"), Contains("tensor 'x' is made by torch._utils._rebuild_qtensor, which bertjit"));
  CHECK_THAT(message("meta.bin"),
             Contains("tensor 'x' is made by torch._utils._rebuild_meta_tensor_no_storage, which"));
  CHECK_THAT(message("storage.bin"), Contains("holds no tensors by name"));
  CHECK_THAT(message("list.bin"), Contains("holds no tensors by name"));
  CHECK_THAT(message("scripted.pt"), Contains("is a TorchScript archive, not a checkpoint of tensors"));
  CHECK_THAT(message("arrays.npz"), Contains("is a zip archive without data.pkl"));
}

TEST_CASE("pytorch_bin: the hand-made checkpoint of the following tests is readable") {
  const TempDir dir;
  testing::write_bytes(dir / "x.bin", make_zip(checkpoint(dict_of(tensor(6, 1, {2, 2}, {1, 2})), [] {
                         std::string floats;
                         for (const float f : {0.f, 1.f, 2.f, 3.f, 4.f, 5.f}) {
                           append_le<uint32_t>(floats, std::bit_cast<uint32_t>(f));
                         }
                         return floats;
                       }())));
  CHECK(values<float>(read_pytorch_bin(dir / "x.bin"), "x") == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("pytorch_bin: a tensor that reaches out of its storage is refused") {
  CHECK_THAT(error_in_tensor(tensor(6, 0, {7}, {1})).what(),
             Contains("tensor 'x' of shape [7], strides [1] and offset 0 reaches out of storage '0' of 6 elements"));
  for (const std::string& bad : {
           tensor(6, 1, {2, 3}, {3, 1}),
           tensor(6, 0, {2, 3}, {4, 1}),
           tensor(6, -1, {1}, {1}),
           tensor(6, 7, {0}, {1}),
           tensor(6, INT64_MAX, {1}, {1}),
           tensor(6, 0, {2}, {-1}),
           tensor(6, 0, {-2}, {1}),
           tensor(6, 0, {2}, {INT64_MAX}),
           tensor(6, 0, {INT64_MAX, INT64_MAX}, {0, 0}),
           tensor(6, 0, {2, 3}, {1}),
           tensor(6, 0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)),
       }) {
    CHECK(error_in_tensor(bad).kind() == ErrorKind::kCorrupt);
  }
}

TEST_CASE("pytorch_bin: a storage of another size than the pickle says is refused") {
  CHECK_THAT(error_in_tensor(tensor(7, 0, {7}, {1})).what(),
             Contains("storage '0' has 24 bytes; 7 elements of float32 need 28"));
  CHECK(error_in_tensor(tensor(INT64_MAX, 0, {1}, {1})).kind() == ErrorKind::kCorrupt);
  CHECK(error_in_tensor(tensor(-1, 0, {0}, {1})).kind() == ErrorKind::kCorrupt);
}

TEST_CASE("pytorch_bin: a tensor expanded beyond the file's size is refused before it is copied") {
  const Error error = error_in_tensor(tensor(6, 0, {int64_t{1} << 40}, {0}));
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("would be copied to more bytes than the whole file has"));
}

TEST_CASE("pytorch_bin: a missing storage, a changed byte, another byte order are refused") {
  auto records = checkpoint(dict_of(tensor(6, 0, {6}, {1})), std::string(24, '\1'));
  SECTION("missing") {
    records.pop_back();
    CHECK_THAT(error_in(make_zip(records)).what(), Contains("storage '0' is missing from the archive"));
  }
  SECTION("changed") {
    std::string bytes = make_zip(records);
    bytes[bytes.find("\1\1\1\1\1\1\1\1") + 5] = 2;
    CHECK_THAT(error_in(bytes).what(), Contains("record 'm/data/0' has CRC-32"));
  }
  SECTION("big-endian") {
    records[1].bytes = "big";
    const Error error = error_in(make_zip(records));
    CHECK(error.kind() == ErrorKind::kUnsupported);
    CHECK_THAT(error.what(), Contains("big-endian"));
  }
  SECTION("bytes after the pickle") {
    records[0].bytes += "N.";
    CHECK_THAT(error_in(make_zip(records)).what(), Contains("data.pkl has 2 bytes after its pickle"));
  }
}

TEST_CASE("pytorch_bin: a name that occurs twice is refused") {
  const std::string one = tensor(6, 0, {6}, {1});
  CHECK_THAT(error_in(make_zip(checkpoint("\x80\x02}" + text("x") + one + "s" + text("x") + one + "s.",
                                          std::string(24, '\1'))))
                 .what(),
             Contains("tensor 'x' occurs twice"));
}

TEST_CASE("pytorch_bin: the old form must hold exactly the storages it describes") {
  const std::string whole = testing::read_bytes(testing::testdata("container/protocol4_old_form.bin"));
  CHECK_THAT(error_in(whole + "x").what(), Contains("has 1 bytes after its last storage"));
  std::string longer = whole;
  testing::patch<int64_t>(longer, longer.size() - 16, 3);
  CHECK_THAT(error_in(longer).what(), Contains("has 3 elements, its tensors say 2"));
  std::string other_key = whole;
  const size_t list = other_key.rfind("]\x94\x8c") + 4;
  other_key[list] = other_key[list] == '1' ? '2' : '1';
  CHECK_THAT(error_in(other_key).what(), Contains("lists a storage that no tensor uses"));
  CHECK_THAT(error_in(std::string("\x80\x02N.")).what(), Contains("no magic number"));
}

TEST_CASE("pytorch_bin: files that hold no tensors by name, or of dtypes that are not read, are checked all the same") {
  const auto count = [](const std::string& name) { return check_pytorch_bin(testing::testdata("container/" + name)); };
  CHECK(count("list.bin") == 1);
  CHECK(count("uint16.bin") == 1);
  CHECK(count("complex64.bin") == 1);
  CHECK(count("float8.bin") == 1);
  CHECK(count("wrapped.bin") == 5);  // calls of _rebuild_tensor_v2, pickletools.dis
  CHECK(count("zip_form.bin") == count("old_form.bin"));
  for (const char* name : {"sparse.bin", "quantized.bin"}) {
    CHECK(error_of([&] { count(name); }).kind() == ErrorKind::kUnsupported);
  }
  const TempDir dir;
  testing::write_bytes(dir / "empty.bin", make_zip({{"m/data.pkl", "\x80\x02}."}}));
  CHECK(check_pytorch_bin(dir / "empty.bin") == 0);
}

TEST_CASE("pytorch_bin: a tensor that nothing names is held against its storage too") {
  const auto check = [](const std::string& value) {
    const TempDir dir;
    testing::write_bytes(dir / "x.bin", make_zip(checkpoint("\x80\x02](" + value + "e.", std::string(24, '\0'))));
    return check_pytorch_bin(dir / "x.bin");
  };
  const auto error = [&](const std::string& value) { return error_of([&] { check(value); }); };
  CHECK(check(tensor(6, 0, {2, 3}, {3, 1})) == 1);
  CHECK(check(tensor(3, 0, {3}, {1}, "ComplexFloatStorage")) == 1);
  CHECK_THAT(error(tensor(6, 0, {7}, {1})).what(), Contains("reaches out of storage '0' of 6 elements"));
  CHECK(error(tensor(6, 6, {1}, {1})).kind() == ErrorKind::kCorrupt);
  CHECK(error(tensor(6, 0, {1}, {-1})).kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error(tensor(7, 0, {7}, {1})).what(), Contains("storage '0' has 24 bytes"));
  CHECK(error(tensor(6, 0, {6}, {1}, "ComplexFloatStorage")).kind() == ErrorKind::kCorrupt);
  CHECK(error(tensor(INT64_MAX, 0, {1}, {1}, "ComplexFloatStorage")).kind() == ErrorKind::kCorrupt);
  // Calls of what a dict of tensors may name and torch.save does not call.
  CHECK(error("ctorch\nFloatStorage\nJ\xff\xff\xff\x7f\x85R").kind() == ErrorKind::kUnsupported);
  CHECK(error("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\nSize\nctorch\nSize\n)NtR").kind() ==
        ErrorKind::kUnsupported);
}

}  // namespace bertjit
