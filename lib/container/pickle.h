// Python pickles as plain data. Nothing is imported and nothing is called.
//
// A pickle is a program for a stack machine (Lib/pickletools.py lists its instructions); Python's own machine imports
// any class or function the file names and calls it. This one knows the instructions that torch.save writes (protocol
// 2, and 3 to 5 if asked to) and keeps imports and calls as nodes of a tree: what they mean is up to who reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bertjit {

struct PickleNode;

/// An integer of more than 64 bits.
struct PickleLong {
  std::string bytes;  ///< two's complement, little-endian
};

struct PickleBytes {
  std::string bytes;
};

/// A class or function by name, e.g. "torch._utils._rebuild_tensor_v2".
struct PickleGlobal {
  std::string name;
};

struct PickleTuple {
  std::vector<const PickleNode*> items;
};

struct PickleList {
  std::vector<const PickleNode*> items;
};

struct PickleSet {
  std::vector<const PickleNode*> items;
};

/// dict, and collections.OrderedDict, in the order written; keys may repeat (Python keeps the last).
struct PickleDict {
  std::vector<std::pair<const PickleNode*, const PickleNode*>> items;
};

/// A call that Python would make: REDUCE, and NEWOBJ unless objects are kept.
struct PickleCall {
  const PickleGlobal* callable;
  const PickleTuple* arguments;
};

/// An instance that Python would make (NEWOBJ) and fill (BUILD).
struct PickleObject {
  const PickleGlobal* type;
  const PickleNode* state = nullptr;  ///< nullptr if it was given none
};

/// What the program that wrote the pickle keeps elsewhere; for torch.save a tuple that describes a storage.
struct PicklePersistentId {
  const PickleNode* id;
};

/// One Python object. Objects can be shared and, through lists and dicts, hold themselves: do not walk a tree without a
/// limit.
struct PickleNode {
  std::variant<std::monostate, bool, int64_t, double, std::string, PickleLong, PickleBytes, PickleGlobal, PickleTuple,
               PickleList, PickleSet, PickleDict, PickleCall, PickleObject, PicklePersistentId>
      value;

  /// nullptr if the object is of another kind; so is the result for nullptr.
  template <class T>
  static const T* as(const PickleNode* node) {
    return node == nullptr ? nullptr : std::get_if<T>(&node->value);
  }
};

struct Pickle {
  std::deque<PickleNode> nodes;  ///< every object, in order of appearance; owns them
  const PickleNode* root = nullptr;
  size_t size_bytes = 0;  ///< of the pickle; what follows it in `bytes` was not read
};

/// Whether a pickle may refer to that global (module, '.', name).
using GlobalFilter = std::function<bool(const std::string& name)>;

struct PickleRules {
  GlobalFilter is_allowed;
  /// Whether NEWOBJ, without arguments, makes a PickleObject that keeps the state of BUILD. Else it is a PickleCall,
  /// and state is dropped.
  bool keep_objects = false;
  /// Stands in the message that refuses a global: "refers to 'os.system', which … does not need".
  std::string content = "a checkpoint of tensors";
};

/// Reads the pickle at the start of `bytes`.
///
/// `source` stands first in messages. Throws Error(kUnsafe) that names the first global that `rules` do not allow, and
/// for instructions that build instances of arbitrary classes; Error(kCorrupt) if the pickle is truncated or makes no
/// sense; Error(kUnsupported) for instructions that torch.save does not write, and for more than 4 million of them.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& source, const PickleRules& rules);
/// The same with objects as calls.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& source, const GlobalFilter& is_allowed);

}  // namespace bertjit
