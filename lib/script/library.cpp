#include "script/library.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "script/builtins.h"
#include "script/operators.h"
#include "script/script_file.h"
#include "support/words.h"

namespace bertjit {

namespace {

std::string module_of(std::string_view path) {
  std::string module(path.substr(0, path.size() - 3));  // ".py"
  std::replace(module.begin(), module.end(), '/', '.');
  const std::string init = ".__init__";
  if (module.size() > init.size() && module.compare(module.size() - init.size(), init.size(), init) == 0) {
    module.resize(module.size() - init.size());
  }
  return module;
}

// The files of the library, evaluated as far as somebody asked. Their definitions are the same for every file.
class Library {
 public:
  static Library& instance() {
    static Library library;
    return library;
  }

  std::recursive_mutex& mutex() {
    return mutex_;
  }

  bool has_namespace(const std::string& path) const {
    return std::any_of(files_.begin(), files_.end(), [&path](const auto& entry) {
      return entry.first == path || entry.first.compare(0, path.size() + 1, path + ".") == 0;
    });
  }

  ScriptFile* file(const std::string& space) {
    const auto found = files_.find(space);
    return found == files_.end() ? nullptr : found->second.get();
  }

  // What a package's __init__.py gathers, or what a file defines.
  std::vector<std::string> names(const std::string& space) {
    auto* const found = file(space);
    std::vector<std::string> result = found == nullptr ? std::vector<std::string>() : found->names();
    if (found != nullptr && result.empty()) {
      result = found->imported_names();
    }
    result.erase(std::remove_if(result.begin(), result.end(), [](const auto& name) { return name[0] == '_'; }),
                 result.end());
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  Library() {
    for (const auto& file : library_files()) {
      const std::string module = module_of(file.path);
      auto text = std::make_shared<PythonFile>(std::string(file.path), std::string(file.text));
      files_.emplace(module, std::make_unique<ScriptFile>(std::move(text), module));
    }
  }

  std::map<std::string, std::unique_ptr<ScriptFile>> files_;
  std::recursive_mutex mutex_;
};

std::optional<Object> library_member(const std::string& space, const std::string& name) {
  auto& library = Library::instance();
  const std::lock_guard lock(library.mutex());
  auto* const file = library.file(space);
  const auto* found = file != nullptr && file->defines(name) ? file->require(name) : nullptr;
  return found == nullptr ? std::nullopt : std::make_optional(*found);
}

}  // namespace

bool is_namespace(const std::string& path) {
  static const std::vector<std::string> kOwn = {"torch",
                                                "torch.nn",
                                                "torch.jit",
                                                "torch.random",
                                                "torch.nn.parameter",
                                                "torch.nn.modules.module",
                                                "torch.nn.modules",
                                                "torch.autograd",
                                                "torch.utils",
                                                "torch.version",
                                                "torch.cuda"};
  return std::find(kOwn.begin(), kOwn.end(), path) != kOwn.end() || Library::instance().has_namespace(path);
}

std::optional<Object> namespace_member(const NamespaceObject& space, const std::string& name) {
  if (space.file) {
    return space.file->member(name);
  }
  if (auto own = builtin_member(space.path, name)) {
    return own;
  }
  if (auto written = library_member(space.path, name)) {
    return written;
  }
  const std::string path = space.path + "." + name;
  if (is_namespace(path)) {
    return Object{NamespaceObject{path, nullptr}};
  }
  if ((space.path == "torch" || space.path == "torch.nn.functional") && has_operator(name)) {
    const auto run = [name](const CallArguments& arguments, const torch::jit::SourceRange& where) {
      return call_operator(name, std::nullopt, arguments, where);
    };
    return Object{std::make_shared<BuiltinObject>(BuiltinObject{path, run})};
  }
  return std::nullopt;
}

std::string missing_member(const NamespaceObject& space, const std::string& name) {
  if (space.file) {
    return space.file->name() + " has no '" + name + "'; it has " + joined(space.file->names());
  }
  const auto names = Library::instance().names(space.path);
  if (!names.empty()) {
    return space.path + "." + name + " is not in the library of the subset; it has " + joined(names);
  }
  static const std::vector<std::string> kPython = {"math", "typing",    "typing_extensions", "collections",    "copy",
                                                   "abc",  "functools", "warnings",          "collections.abc"};
  const bool known = is_namespace(space.path) || std::find(kPython.begin(), kPython.end(), space.path) != kPython.end();
  return known
             ? space.path + "." + name + " is outside the subset"
             : "module '" + space.path +
                   "' is outside the subset: torch, torchvision.models, math, typing, collections, copy, functools and "
                   "files beside this one can be used";
}

}  // namespace bertjit
