#include "module/debug_info.h"

#include "container/bytes.h"
#include "container/zip.h"
#include "module/load.h"
#include "module/save.h"
#include "testing/testing.h"

namespace bertjit {

using testing::TempDir;

namespace {

/// A module whose code calls a function, has a branch, a loop, and a submodule.
torch::jit::Module module_with_source() {
  auto inner = torch::jit::Module("__torch__.Inner");
  inner.define("def forward(self, x: Tensor) -> Tensor:\n    return x + 1\n");
  auto module = torch::jit::Module("__torch__.Outer", inner._ivalue()->compilation_unit());
  module.register_module("inner", inner);
  module.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "    for i in range(3):\n"
      "        if bool(x.sum() > 0):\n"
      "            x = self.inner.forward(x)\n"
      "    return x\n");
  return module;
}

/// Text of all debug records, and of all code.
std::pair<std::string, std::string> debug_and_code(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  std::string debug;
  std::string code;
  for (const ZipRecord& record : archive.records()) {
    if (record.name.ends_with(".debug_pkl")) {
      debug += as_text(archive.read(record));
    } else if (record.name.ends_with(".py")) {
      code += as_text(archive.read(record));
    }
  }
  return {debug, code};
}

}  // namespace

TEST_CASE("debug info: stripped code says the same and no longer where it came from") {
  const TempDir dir;
  const auto module = module_with_source();
  save_module(module, dir / "a.pt", {"m", {}}, HashWhileWriting::kNo);
  const auto before = debug_and_code(dir / "a.pt");
  CHECK(before.first.find("self.inner.forward(x)") != std::string::npos);
  CHECK(before.first.find("return x + 1") != std::string::npos);
  strip_debug_info(module);
  save_module(module, dir / "b.pt", {"m", {}}, HashWhileWriting::kNo);
  const auto after = debug_and_code(dir / "b.pt");
  CHECK(after.second == before.second);
  CHECK(after.first.find("self.inner.forward(x)") == std::string::npos);
  CHECK(after.first.find("return x + 1") == std::string::npos);
  CHECK(after.first.size() < before.first.size());
}

TEST_CASE("debug info: a stripped file loads and computes the same") {
  const TempDir dir;
  auto module = module_with_source();
  const auto x = at::ones({2, 2});
  const auto expected = module.forward({x}).toTensor();
  strip_debug_info(module);
  save_module(module, dir / "a.pt", {"m", {}}, HashWhileWriting::kNo);
  auto loaded = load_module(dir / "a.pt").module;
  CHECK(at::equal(loaded.forward({x}).toTensor(), expected));
}

}  // namespace bertjit
