#include "tokenize/vocabulary.h"

#include <algorithm>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr int kInitialBits = 10;
constexpr int64_t kLargestId = (int64_t{1} << 30) - 1;  // leaves room for added tokens after it

uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 16);
}

}  // namespace

Vocabulary::Vocabulary() : slots_(size_t{1} << kInitialBits), shift_(64 - kInitialBits) {}

uint64_t Vocabulary::hash_bytes(uint64_t state, std::string_view bytes) {
  for (const char byte : bytes) {
    state = hash_byte(state, byte);
  }
  return state;
}

size_t Vocabulary::locate(uint64_t hash, std::string_view prefix, std::string_view rest) const {
  const size_t mask = slots_.size() - 1;
  for (size_t index = hash >> shift_;; index = (index + 1) & mask) {
    const Slot slot = slots_[index];
    if (slot.entry == 0) {
      return index;
    }
    if (slot.tag == tag_of(hash)) {
      const std::string_view token = text(entries_[slot.entry - 1]);
      if (token.size() == prefix.size() + rest.size() && token.starts_with(prefix) && token.ends_with(rest)) {
        return index;
      }
    }
  }
}

int32_t Vocabulary::find_hashed(uint64_t hash, std::string_view prefix, std::string_view rest) const {
  const uint32_t entry = slots_[locate(hash, prefix, rest)].entry;
  return entry == 0 ? kAbsent : entries_[entry - 1].id;
}

int32_t Vocabulary::find(std::string_view token) const {
  return find_hashed(hash_bytes(kHashSeed, token), {}, token);
}

void Vocabulary::add(std::string_view token, int64_t id, Repeated repeated) {
  if (id < 0 || id > kLargestId) {
    throw Error(ErrorKind::kUnsupported, "token '" + std::string(token) + "' has id " + std::to_string(id) +
                                             ", expected 0 to " + std::to_string(kLargestId));
  }
  if ((entries_.size() + 1) * 2 > slots_.size()) {
    grow();
  }
  const uint64_t hash = hash_bytes(kHashSeed, token);
  Slot& slot = slots_[locate(hash, {}, token)];
  if (slot.entry != 0 && repeated == Repeated::kLosesItsId) {
    entries_[slot.entry - 1].id = kAbsent;
  } else {
    ++size_;
  }
  entries_.push_back({pool_.size(), token.size(), static_cast<int32_t>(id)});
  pool_.append(token);
  slot = {tag_of(hash), static_cast<uint32_t>(entries_.size())};
  const auto index = static_cast<uint32_t>(entries_.size() - 1);
  if (static_cast<uint32_t>(id) != index) {
    displaced_[id] = index;
  } else {
    displaced_.erase(id);
  }
  longest_token_bytes_ = std::max(longest_token_bytes_, token.size());
}

void Vocabulary::grow() {
  --shift_;
  slots_.assign(slots_.size() * 2, Slot{});
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].id != kAbsent) {
      const std::string_view token = text(entries_[i]);
      const uint64_t hash = hash_bytes(kHashSeed, token);
      slots_[locate(hash, {}, token)] = {tag_of(hash), static_cast<uint32_t>(i + 1)};
    }
  }
}

std::optional<std::string_view> Vocabulary::token(int64_t id) const {
  if (id < 0) {
    return std::nullopt;
  }
  auto index = static_cast<size_t>(id);
  if (!displaced_.empty()) {
    const auto displaced = displaced_.find(id);
    index = displaced == displaced_.end() ? index : displaced->second;
  }
  if (index >= entries_.size() || entries_[index].id != id) {
    return std::nullopt;
  }
  return text(entries_[index]);
}

}  // namespace bertjit
