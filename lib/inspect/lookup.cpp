#include "inspect/lookup.h"

#include <algorithm>
#include <vector>

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// "; there are 'a', 'b'", or "; there is none".
std::string those_there_are(const std::vector<std::string>& names) {
  return names.empty() ? "; there is none" : "; there are " + all_in_quotes(names);
}

std::vector<std::string> child_names(const jit::Module& module) {
  std::vector<std::string> names;
  for (const auto& child : module.named_children()) {
    names.push_back(child.name);
  }
  return names;
}

}  // namespace

jit::Module find_submodule(const jit::Module& module, const std::string& path, const std::string& owner) {
  if (path.empty()) {
    return module;
  }
  jit::Module found = module;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const auto names = child_names(found);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string where = begin == 0 ? "" : " in " + in_quotes(path.substr(0, begin - 1));
      throw Error(ErrorKind::kInvalidArgument,
                  owner + ": no submodule " + in_quotes(name) + where + those_there_are(names));
    }
    found = found.attr(name).toModule();
    begin = end + 1;
  }
  return found;
}

jit::GraphFunction* find_graph(const jit::Module& module, const std::string& method) {
  const auto found = module.find_method(method);
  return found ? jit::tryToGraphFunction(found->function()) : nullptr;
}

jit::GraphFunction& require_graph(const jit::Module& module, const std::string& method, const std::string& owner) {
  if (jit::GraphFunction* function = find_graph(module, method)) {
    return *function;
  }
  std::vector<std::string> names;
  for (const auto& known : module.get_methods()) {
    names.push_back(known.name());
  }
  throw Error(ErrorKind::kInvalidArgument, owner + ": no method " + in_quotes(method) + those_there_are(names));
}

}  // namespace bertjit
