#include "script/objects.h"

namespace bertjit {

const Object* Scope::find(const std::string& name) const {
  const auto it = names_.find(name);
  if (it != names_.end()) {
    return &it->second;
  }
  return outer_ == nullptr ? nullptr : outer_->find(name);
}

void Scope::set(const std::string& name, Object value) {
  names_[name] = std::move(value);
}

}  // namespace bertjit
