// What the tests of the compiler share: Python text compiled, and run by libtorch's own executor.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "record/interpreter.h"
#include "script/compile.h"
#include "script/script.h"
#include "testing/error_of.h"

namespace bertjit::testing {

/// A Python file, for as long as the object lives.
class PythonText {
 public:
  explicit PythonText(const std::string& text, const std::string& file = "code.py") : path_((dir_ / file).string()) {
    write_bytes(path_, "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n" + text);
  }

  const std::string& path() const {
    return path_;
  }
  Object object(const std::string& name) const {
    return open_script(path_ + ":" + name, 0).callable;
  }
  Program script(const std::string& name) const {
    return compile_program(object(name), {}, CompileMode::kScript);
  }
  Program trace(const std::string& name, const std::vector<c10::IValue>& inputs) const {
    std::vector<c10::TypePtr> types;
    for (const c10::IValue& input : inputs) {
      types.push_back(type_of_example(input));
    }
    return compile_program(object(name), types, CompileMode::kTrace);
  }

 private:
  TempDir dir_;
  std::string path_;
};

inline c10::IValue run(const Program& program, std::vector<c10::IValue> inputs) {
  if (program.self) {
    inputs.insert(inputs.begin(), program.self->_ivalue());
  }
  return (*program.function)(std::move(inputs));
}

/// The tensor that `name` of `text` gives for `inputs`, compiled as for tracing. Run by libtorch and, operator by
/// operator, by the interpreter that records; they must agree.
inline at::Tensor traced(const std::string& text, const std::string& name, const std::vector<c10::IValue>& inputs) {
  const PythonText code(text);
  const at::Tensor result = run(code.trace(name, inputs), inputs).toTensor();
  CHECK(at::equal(interpret(code.trace(name, inputs), inputs).toTensor(), result));
  return result;
}
inline at::Tensor scripted(const std::string& text, const std::string& name, const std::vector<c10::IValue>& inputs) {
  return run(PythonText(text).script(name), inputs).toTensor();
}

inline at::Tensor floats(std::vector<float> values) {
  return at::tensor(values);
}

/// The message of the Error, with the folder of the file left out.
inline std::string compile_error(const std::string& text, const std::string& name, CompileMode mode,
                                 const std::vector<c10::IValue>& inputs = {}) {
  const PythonText code(text);
  std::string message =
      error_of([&] { mode == CompileMode::kScript ? code.script(name) : code.trace(name, inputs); }).what();
  const std::string folder = std::filesystem::path(code.path()).parent_path().string() + "/";
  for (size_t at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
    message.erase(at, folder.size());
  }
  return message;
}

}  // namespace bertjit::testing
