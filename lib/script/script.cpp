#include "script/script.h"

#include <regex>

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include "script/archive_guard.h"
#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/library.h"
#include "script/python_error.h"
#include "script/script_file.h"

namespace bertjit {

namespace {

// Random numbers of a file begin with its seed; the process goes on with its own.
class SeededGenerator {
 public:
  explicit SeededGenerator(uint64_t seed) : previous_(at::detail::getDefaultCPUGenerator().get_state()) {
    at::Generator(at::detail::getDefaultCPUGenerator()).set_current_seed(seed);
  }
  ~SeededGenerator() {
    at::Generator(at::detail::getDefaultCPUGenerator()).set_state(previous_);
  }
  SeededGenerator(const SeededGenerator&) = delete;
  SeededGenerator& operator=(const SeededGenerator&) = delete;

 private:
  at::Tensor previous_;
};

bool is_dotted_name(const std::string& text) {
  bool start = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = std::isalpha(byte) != 0 || c == '_' || byte >= 0x80;
    if (!(letter || (!start && (std::isdigit(byte) != 0 || c == '.')))) {
      return false;
    }
    start = c == '.';
  }
  return !start;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 30;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    text += (i == 0 ? "" : ", ");
    text += names[i];
  }
  return names.size() > kMost ? text + ", …" : text;
}

Object made_of(const std::shared_ptr<ClassObject>& type, const std::string& file) {
  if (!type->is_module()) {
    refuse(type->def.range(), "class " + type->name + " is no torch.nn.Module: name a function or a module");
  }
  try {
    return instantiate(type, {}, type->def.range());
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.find("TypeError: " + type->name + ".__init__() missing") == std::string::npos) {
      throw;
    }
    throw Error(error.kind(),
                message + "\n  write model = " + type->name + "(…) in the file and name " + file + ":model");
  }
}

// Whether a message begins with "FILE:LINE:COLUMN: ".
bool has_place(const std::string& message) {
  static const std::regex kPlace("^[^\n]*:[0-9]+:[0-9]+: ");
  return std::regex_search(message, kPlace);
}

bool is_callable(const Object& object) {
  return object.as<FunctionObject>() || object.as<InstanceObject>() || object.as<BoundMethodObject>() ||
         object.as<CompiledFunctionObject>() || object.as<CompiledModuleObject>();
}

Object select_path(Object object, const std::string& name) {
  for (size_t at = name.find('.'); at != std::string::npos;) {
    const size_t end = name.find('.', at + 1);
    object = get_attribute(object, name.substr(at + 1, end - at - 1), {});
    at = end;
  }
  return object;
}

}  // namespace

std::optional<std::pair<std::string, std::string>> split_script_source(const std::string& source) {
  const size_t colon = source.rfind(':');
  if (colon == std::string::npos || colon < 3 || source.compare(colon - 3, 3, ".py") != 0) {
    return std::nullopt;
  }
  const std::string name = source.substr(colon + 1);
  if (!is_dotted_name(name)) {
    return std::nullopt;
  }
  return std::make_pair(source.substr(0, colon), name);
}

ScriptDefinition open_script(const std::string& source, uint64_t seed, const LoadGuard& guard) {
  const auto parts = split_script_source(source);
  if (!parts) {
    throw Error(ErrorKind::kInvalidArgument, source + ": not of the form FILE.py:NAME");
  }
  const auto& [path, name] = *parts;
  evaluation() = Evaluation();
  archive_guard() = guard;
  const SeededGenerator generator(seed);
  const c10::AutoGradMode grad(true);
  ScriptFile file(PythonFile::open(path), place_of_program(path));
  const std::string root = name.substr(0, name.find('.'));
  std::vector<std::string> notes;
  const Object* found = file.defines(root) ? file.require_in_order(root, notes) : nullptr;
  if (found == nullptr) {
    const auto names = file.names();
    throw Error(ErrorKind::kInvalidArgument,
                path + ": there is no '" + root + "' in it; it defines " + (names.empty() ? "nothing" : listed(names)));
  }
  try {
    Object object = select_path(*found, name);
    if (const auto type = object.as<ClassObject>()) {
      object = made_of(type, path);
    }
    if (!is_callable(object)) {
      throw Error(ErrorKind::kInvalidArgument, "'" + name + "' is no function and no module, but " + describe(object));
    }
    return {path, name, object, notes};
  } catch (const Error& error) {
    throw has_place(error.what()) ? error : Error(error.kind(), path + ": " + error.what());
  }
}

}  // namespace bertjit
