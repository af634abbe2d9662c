#include "record/symbols.h"

#include <algorithm>

namespace bertjit {

namespace {

bool is_container(const c10::IValue& value) {
  return value.isList() || value.isTuple();
}

size_t size_of(const c10::IValue& container) {
  return container.isTuple() ? container.toTupleRef().elements().size() : container.toListRef().size();
}

c10::impl::GenericList list_of(const std::vector<int64_t>& ids) {
  c10::impl::GenericList list(c10::IntType::get());
  for (const int64_t id : ids) {
    list.push_back(id);
  }
  return list;
}

void collect_tensors(const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) {
      tensors.push_back(value.toTensor());
    }
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) {
      collect_tensors(element, tensors);
    }
  } else if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) {
      collect_tensors(element, tensors);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      collect_tensors(entry.value(), tensors);
    }
  }
}

}  // namespace

Symbols::Symbols() : symbols_{{}, {{}, true}} {}

int64_t Symbols::add(const at::Tensor& tensor, bool depends) {
  const auto [place, is_new] = of_tensor_.emplace(tensor.unsafeGetTensorImpl(), static_cast<int64_t>(symbols_.size()));
  if (is_new) {
    symbols_.push_back({tensor, depends});
  }
  return place->second;
}

int64_t Symbols::of(const at::Tensor& tensor) const {
  const auto found = of_tensor_.find(tensor.unsafeGetTensorImpl());
  return found == of_tensor_.end() ? 0 : found->second;
}

void Symbols::forget(const at::Tensor& tensor) {
  // Its entry in symbols_ stays, and with it the address.
  of_tensor_.erase(tensor.unsafeGetTensorImpl());
}

std::vector<int64_t> Symbols::elements(const c10::IValue& container) const {
  if (!is_container(container)) {
    return {};
  }
  const auto found = elements_.find(container.internalToPointer());
  // A list that was changed behind our back has elements that nothing is known of.
  if (found == elements_.end() || found->second.ids.size() != size_of(container)) {
    return {};
  }
  std::vector<int64_t> ids;
  bool any = false;
  for (const c10::IValue& id : found->second.ids) {
    ids.push_back(id.toInt());
    any = any || ids.back() != 0;
  }
  return any ? ids : std::vector<int64_t>();
}

void Symbols::set_elements(const c10::IValue& container, const std::vector<int64_t>& ids) {
  if (std::any_of(ids.begin(), ids.end(), [](int64_t id) { return id != 0; })) {
    elements_.insert_or_assign(container.internalToPointer(), Elements{container, list_of(ids)});
  }
}

void Symbols::mark_length(const c10::IValue& list) {
  lengths_.emplace(list.internalToPointer(), list);
}

c10::IValue Symbols::shadow(const c10::IValue& list) {
  const auto found = elements_.find(list.internalToPointer());
  if (found != elements_.end() && found->second.ids.size() == size_of(list)) {
    return found->second.ids;
  }
  return elements_
      .insert_or_assign(list.internalToPointer(), Elements{list, list_of(std::vector<int64_t>(size_of(list)))})
      .first->second.ids;
}

void Symbols::set_shadow(const c10::IValue& list, const c10::IValue& shadow) {
  elements_.insert_or_assign(list.internalToPointer(), Elements{list, shadow.toList()});
}

bool Symbols::any_element_depends(const c10::IValue& container) const {
  const auto ids = elements(container);
  return std::any_of(ids.begin(), ids.end(), [&](int64_t id) { return at(id).depends; });
}

bool Dependence::depends(const at::Tensor& tensor) const {
  return tensors_.contains(tensor.unsafeGetTensorImpl()) || storages_.contains(memory_of(tensor));
}

bool Dependence::any_depends(const c10::IValue& value) const {
  const auto tensors = tensors_in(value);
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& tensor) { return depends(tensor); });
}

void Dependence::mark_storage(const at::Tensor& tensor) {
  if (!tensor.has_storage()) {
    mark_tensor(tensor);
  } else if (!storages_.contains(memory_of(tensor))) {
    // A weak reference keeps the address from becoming another's.
    storages_.emplace(memory_of(tensor), tensor.storage().getWeakStorageImpl());
  }
}

void Dependence::mark_tensor(const at::Tensor& tensor) {
  tensors_.emplace(tensor.unsafeGetTensorImpl(), tensor.getIntrusivePtr());
}

std::vector<at::Tensor> tensors_in(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  collect_tensors(value, tensors);
  return tensors;
}

const void* memory_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? static_cast<const void*>(tensor.storage().unsafeGetStorageImpl())
                              : tensor.unsafeGetTensorImpl();
}

}  // namespace bertjit
