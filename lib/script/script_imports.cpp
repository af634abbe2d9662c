// `import` and `from … import …` of a file: files and packages of the user's own, then what bertjit knows.
#include <algorithm>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/library.h"
#include "script/python_error.h"
#include "script/script_file.h"
#include "support/file_status.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

std::string parent_of(const std::string& module) {
  const size_t dot = module.rfind('.');
  return dot == std::string::npos ? "" : module.substr(0, dot);
}

std::string joined(const std::string& package, const std::string& name) {
  return package.empty() || name.empty() ? package + name : package + "." + name;
}

std::shared_ptr<ScriptFile> opened(const fs::path& path, const ImportPlace& place) {
  auto& file = evaluation().files[path.string()];
  if (!file) {
    const bool is_folder = path_is_folder(path);
    file = std::make_shared<ScriptFile>(
        is_folder ? std::make_shared<PythonFile>(path.string(), "") : PythonFile::open(path), place);
  }
  return file;
}

// The module that `names` ("a.b") is, looked for in `folder`, which Python calls `package`; a folder without
// __init__.py only where `bare` says so.
std::shared_ptr<ScriptFile> find_in(const fs::path& folder, const std::string& package, const std::string& names,
                                    const std::vector<fs::path>& folders, bool bare) {
  std::string path = names;
  std::replace(path.begin(), path.end(), '.', '/');
  const fs::path base = (folder / path).lexically_normal();
  const std::string module = joined(package, names);
  if (const fs::path init = base / "__init__.py"; path_is_file(init)) {
    return opened(init, {module, folders, base, module, true});
  }
  const fs::path file = base.string() + ".py";
  if (!names.empty() && path_is_file(file)) {
    return opened(file, {module, folders, base.parent_path(), parent_of(module), false});
  }
  return bare && path_is_folder(base) ? opened(base, {module, folders, base, module, true}) : nullptr;
}

std::string alias_root(const std::string& module) {
  return module.substr(0, module.find('.'));
}

}  // namespace

ImportPlace place_of_program(const fs::path& file) {
  const fs::path own = file.parent_path().empty() ? fs::path(".") : file.parent_path();
  ImportPlace place{"", {own}, own, "", false};
  fs::path top = fs::absolute(own).lexically_normal();
  bool in_package = false;
  for (; path_exists(top / "__init__.py") && top.has_parent_path() && top != top.parent_path();
       top = top.parent_path()) {
    in_package = true;
  }
  if (in_package) {
    place.folders.push_back(top);
  }
  return place;
}

std::shared_ptr<ScriptFile> find_module(const ImportPlace& place, const PythonImport& import) {
  const size_t dots = std::min(import.module.find_first_not_of('.'), import.module.size());
  const std::string names = import.module.substr(dots);
  if (dots > 0) {
    fs::path folder = place.folder;
    std::string package = place.package;
    for (size_t i = 1; i < dots; ++i) {
      folder = folder.empty() || folder == "." ? fs::path("..") : folder / "..";
      package = parent_of(package);
    }
    auto found = place.folder.empty() ? nullptr : find_in(folder, package, names, place.folders, true);
    if (!found) {
      refuse(import.where, "ModuleNotFoundError: there is no " + import.module + " beside " +
                               std::get<0>(*import.where.file_line_col()));
    }
    return found;
  }
  for (const bool bare : {false, true}) {
    for (const auto& folder : place.folders) {
      if (bare && is_namespace(alias_root(names))) {
        continue;
      }
      if (auto found = find_in(folder, "", names, place.folders, bare)) {
        return found;
      }
    }
  }
  return nullptr;
}

std::optional<Object> ScriptFile::member(const std::string& name) {
  if (const Object* found = require(name)) {
    return *found;
  }
  if (!place_.is_package) {
    return std::nullopt;
  }
  const auto file = find_in(place_.folder, place_.package, name, place_.folders, true);
  return file ? std::make_optional(Object{NamespaceObject{joined(place_.module, name), file}}) : std::nullopt;
}

Object ScriptFile::imported_name(const std::shared_ptr<ScriptFile>& file, const PythonImport& import) {
  if (auto found = file->member(import.name)) {
    return *found;
  }
  refuse(import.where, missing_member({import.module, file}, import.name));
}

void ScriptFile::run_imports(const PythonStatement& statement) {
  for (const auto& import : file_->parse_imports(statement)) {
    scope_->set(import.alias, imported(import));
  }
}

Object ScriptFile::imported(const PythonImport& import) {
  if (import.name == "*") {
    refuse(import.where, "'import *' is outside the subset: name what is imported");
  }
  const std::string shown = import.name.empty() ? import.module : import.module + "." + import.name;
  // `import a.b` binds a, of which b is a member.
  const bool whole = import.name.empty() && import.alias == alias_root(import.module);
  PythonImport wanted = import;
  wanted.module = whole ? import.alias : import.module;
  if (const auto file = find_module(place_, wanted)) {
    return import.name.empty() ? Object{NamespaceObject{wanted.module, file}} : imported_name(file, import);
  }
  if (import.name.empty()) {
    return Object{NamespaceObject{wanted.module, nullptr}};
  }
  if (auto member = namespace_member({import.module, nullptr}, import.name)) {
    return *member;
  }
  // What nobody calls does no harm: a file also imports what it plots with.
  return builtin_object(shown, [shown](const CallArguments&, const torch::jit::SourceRange& where) -> Object {
    const size_t dot = shown.rfind('.');
    refuse(where, missing_member({shown.substr(0, dot), nullptr}, shown.substr(dot + 1)));
  });
}

}  // namespace bertjit
