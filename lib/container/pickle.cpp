#include "container/pickle.h"

#include <cstdio>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// A BERT checkpoint has 20 thousand. Bounds memory: an instruction is a byte, the object it makes up to a hundred.
constexpr size_t kMaxInstructions = 4'000'000;
constexpr size_t kMaxMarks = 10'000;
constexpr uint8_t kMaxProtocol = 5;
constexpr std::string_view kScriptClasses = "__torch__.";

/// Python's names for them, pickletools.opcodes.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kInst = 'i',
  kLongBinGet = 'j',
  kObj = 'o',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kProto = 0x80,
  kNewObj = 0x81,
  kExt1 = 0x82,
  kExt2 = 0x83,
  kExt4 = 0x84,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kNewObjEx = 0x92,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
  kByteArray8 = 0x96,
};

/// Python's names for instructions that are refused: those of protocols 0 and 1, and buffers kept outside the pickle.
std::string opcode_text(uint8_t opcode) {
  static const std::unordered_map<uint8_t, const char*> kNames{
      {kObj, "OBJ"}, {kExt1, "EXT1"}, {kExt2, "EXT2"}, {kExt4, "EXT4"},       {kNewObjEx, "NEWOBJ_EX"},  {'F', "FLOAT"},
      {'I', "INT"},  {'L', "LONG"},   {'P', "PERSID"}, {'S', "STRING"},       {'V', "UNICODE"},          {'d', "DICT"},
      {'g', "GET"},  {'l', "LIST"},   {'p', "PUT"},    {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
  };
  char text[5];
  std::snprintf(text, sizeof text, "0x%02x", opcode);
  const auto name = kNames.find(opcode);
  return name == kNames.end() ? text : text + std::string(" (") + name->second + ")";
}

class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, const std::string& source, const PickleRules& rules)
      : cursor_(bytes, source + ": pickle"), source_(source), rules_(rules) {}

  Pickle read() {
    while (work_++ < kMaxInstructions) {
      const auto opcode = cursor_.read<uint8_t>();
      if (opcode == kStop) {
        pickle_.root = pop();
        pickle_.size_bytes = cursor_.position();
        return std::move(pickle_);
      }
      if (!read_scalar(opcode) && !read_collection(opcode) && !read_memo(opcode) && !read_object(opcode)) {
        fail("uses pickle instruction " + opcode_text(opcode) + " at byte " + std::to_string(cursor_.position() - 1) +
                 ", which torch.save does not write (is this a file of tensors?)",
             ErrorKind::kUnsupported);
      }
    }
    fail("has a pickle of more than " + std::to_string(kMaxInstructions) + " instructions", ErrorKind::kUnsupported);
  }

 private:
  using Items = std::vector<const PickleNode*>;

  [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::kCorrupt) const {
    throw Error(kind, source_ + ": " + what);
  }

  [[noreturn]] void fail_here(const std::string& what) const {
    fail("pickle " + what + " at its byte " + std::to_string(cursor_.position() - 1));
  }

  template <class T>
  void push(T value) {
    stack_.push_back(&pickle_.nodes.emplace_back(PickleNode{std::move(value)}));
  }

  /// What lies below the last mark belongs to an object that is not finished; nothing may reach it.
  void need(size_t count) const {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) {
      fail_here("takes an object that is not there");
    }
  }

  PickleNode* top() const {
    need(1);
    return stack_.back();
  }

  PickleNode* pop() {
    PickleNode* node = top();
    stack_.pop_back();
    return node;
  }

  Items pop_items(size_t count) {
    need(count);
    Items items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  Items pop_to_mark() {
    if (marks_.empty()) {
      fail_here("looks for a mark that is not there");
    }
    Items items = pop_items(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  std::string take_text(uint64_t size) {
    return std::string(as_text(cursor_.take(size)));
  }

  bool read_scalar(uint8_t opcode) {
    switch (opcode) {
      case kNone:
        push(std::monostate{});
        return true;
      case kNewTrue:
      case kNewFalse:
        push(opcode == kNewTrue);
        return true;
      case kBinInt:
        push(int64_t{cursor_.read<int32_t>()});
        return true;
      case kBinInt1:
        push(int64_t{cursor_.read<uint8_t>()});
        return true;
      case kBinInt2:
        push(int64_t{cursor_.read<uint16_t>()});
        return true;
      case kLong1:
        push_long(take_text(cursor_.read<uint8_t>()));
        return true;
      case kLong4:
        push_long(take_text(cursor_.read<uint32_t>()));
        return true;
      case kBinFloat:
        push(std::bit_cast<double>(__builtin_bswap64(cursor_.read<uint64_t>())));
        return true;
      case kBinUnicode:
      case kBinString:  // Python 2's str
        push(take_text(cursor_.read<uint32_t>()));
        return true;
      case kShortBinUnicode:
      case kShortBinString:
        push(take_text(cursor_.read<uint8_t>()));
        return true;
      case kBinUnicode8:
        push(take_text(cursor_.read<uint64_t>()));
        return true;
      case kBinBytes:
        push(PickleBytes{take_text(cursor_.read<uint32_t>())});
        return true;
      case kShortBinBytes:
        push(PickleBytes{take_text(cursor_.read<uint8_t>())});
        return true;
      case kBinBytes8:
      case kByteArray8:
        push(PickleBytes{take_text(cursor_.read<uint64_t>())});
        return true;
      default:
        return false;
    }
  }

  void push_long(std::string bytes) {
    if (bytes.size() > sizeof(int64_t)) {
      push(PickleLong{std::move(bytes)});
      return;
    }
    const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
    bytes.resize(sizeof(int64_t), negative ? '\xff' : '\0');
    int64_t value;
    std::memcpy(&value, bytes.data(), sizeof value);
    push(value);
  }

  bool read_collection(uint8_t opcode) {
    switch (opcode) {
      case kMark:
        if (marks_.size() == kMaxMarks) {
          fail_here("nests more than " + std::to_string(kMaxMarks) + " deep");
        }
        marks_.push_back(stack_.size());
        return true;
      case kEmptyTuple:
        push(PickleTuple{});
        return true;
      case kTuple1:
      case kTuple2:
      case kTuple3:
        push(PickleTuple{pop_items(opcode - kTuple1 + 1)});
        return true;
      case kTuple:
        push(PickleTuple{pop_to_mark()});
        return true;
      case kEmptyList:
        push(PickleList{});
        return true;
      case kAppend:
        append_items<PickleList>(pop_items(1));
        return true;
      case kAppends:
        append_items<PickleList>(pop_to_mark());
        return true;
      case kEmptySet:
        push(PickleSet{});
        return true;
      case kAddItems:
        append_items<PickleSet>(pop_to_mark());
        return true;
      case kFrozenSet:
        push(PickleSet{pop_to_mark()});
        return true;
      case kEmptyDict:
        push(PickleDict{});
        return true;
      case kSetItem:
        set_items(pop_items(2));
        return true;
      case kSetItems:
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  /// What is imported is the class or function of the process itself.
  void refuse_change_of_import() const {
    if (const auto* global = PickleNode::as<PickleGlobal>(top())) {
      fail("changes " + in_quotes(global->name) + " itself, for all that runs in the process; nothing was executed",
           ErrorKind::kUnsafe);
    }
  }

  template <class T>
  T& top_as() const {
    refuse_change_of_import();
    T* value = std::get_if<T>(&top()->value);
    if (value == nullptr) {
      fail_here("adds to an object of another kind");
    }
    return *value;
  }

  template <class T>
  void append_items(const Items& items) {
    auto& target = top_as<T>().items;
    target.insert(target.end(), items.begin(), items.end());
  }

  void set_items(const Items& items) {
    if (items.size() % 2 != 0) {
      fail_here("sets a key without a value");
    }
    auto& target = top_as<PickleDict>().items;
    for (size_t i = 0; i < items.size(); i += 2) {
      target.emplace_back(items[i], items[i + 1]);
    }
  }

  /// The stack itself, and the memo: objects that occur again.
  bool read_memo(uint8_t opcode) {
    switch (opcode) {
      case kPop:
        pop();
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup:
        stack_.push_back(top());
        return true;
      case kBinPut:
        memo_[cursor_.read<uint8_t>()] = top();
        return true;
      case kLongBinPut:
        memo_[cursor_.read<uint32_t>()] = top();
        return true;
      case kMemoize:
        memo_[static_cast<uint32_t>(memo_.size())] = top();
        return true;
      case kBinGet:
        recall(cursor_.read<uint8_t>());
        return true;
      case kLongBinGet:
        recall(cursor_.read<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  void recall(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) {
      fail_here("recalls object " + std::to_string(index) + ", which it has not memorised,");
    }
    stack_.push_back(found->second);
  }

  bool read_object(uint8_t opcode) {
    switch (opcode) {
      case kProto:
        read_protocol();
        return true;
      case kFrame:
        check_frame(cursor_.read<uint64_t>());
        return true;
      case kGlobal:
        push_global(read_two_lines());
        return true;
      case kStackGlobal:
        push_global(pop_module_and_name());
        return true;
      case kReduce:
      case kNewObj:
        opcode == kNewObj&& rules_.keep_objects ? push_object() : push_call();
        return true;
      case kBuild:
        set_state(pop());
        return true;
      case kBinPersId:
        push(PicklePersistentId{pop()});
        return true;
      case kInst:
        refuse(read_two_lines());
      case kObj:
      case kExt1:
      case kExt2:
      case kExt4:
        fail("uses pickle instruction " + opcode_text(opcode) +
                 ", which makes an instance of any class; nothing was executed",
             ErrorKind::kUnsafe);
      default:
        return false;
    }
  }

  void read_protocol() {
    const auto protocol = cursor_.read<uint8_t>();
    if (protocol > kMaxProtocol) {
      fail("is pickled with protocol " + std::to_string(protocol) + ", not 0 to " + std::to_string(kMaxProtocol),
           ErrorKind::kUnsupported);
    }
  }

  void check_frame(uint64_t size) const {
    if (size > cursor_.remaining()) {
      fail_here("has a frame of " + std::to_string(size) + " bytes, and " + std::to_string(cursor_.remaining()) +
                " follow (truncated?)");
    }
  }

  std::string read_two_lines() {
    std::string name(cursor_.take_line());
    return name.append(".").append(cursor_.take_line());
  }

  std::string pop_module_and_name() {
    const auto* name = PickleNode::as<std::string>(pop());
    const auto* module = PickleNode::as<std::string>(pop());
    if (name == nullptr || module == nullptr) {
      fail_here("imports something whose name is not text");
    }
    return *module + "." + *name;
  }

  [[noreturn]] void refuse(const std::string& global) const {
    fail("refers to " + in_quotes(global) + ", which " + rules_.content + " does not need; nothing was executed",
         ErrorKind::kUnsafe);
  }

  void push_global(std::string name) {
    if (!rules_.is_allowed(name)) {
      refuse(name);
    }
    push(PickleGlobal{std::move(name)});
  }

  /// libtorch writes an enum as its class, its value and REDUCE, without a tuple around the value.
  const PickleTuple* pop_arguments() {
    const PickleNode* arguments = pop();
    const auto* callable = PickleNode::as<PickleGlobal>(top());
    const bool is_value = PickleNode::as<PickleTuple>(arguments) == nullptr;
    if (is_value && callable != nullptr && callable->name.starts_with(kScriptClasses)) {
      arguments = &pickle_.nodes.emplace_back(PickleNode{PickleTuple{{arguments}}});
    }
    return PickleNode::as<PickleTuple>(arguments);
  }

  void push_call() {
    const auto* arguments = pop_arguments();
    const auto* callable = PickleNode::as<PickleGlobal>(pop());
    if (arguments == nullptr || callable == nullptr) {
      fail_here("calls something that is not a global with a tuple of arguments");
    }
    if (callable->name == "collections.OrderedDict") {
      push_ordered_dict(*arguments);
    } else {
      check_bytearray(callable->name, *arguments);
      push(PickleCall{callable, arguments});
    }
  }

  void push_object() {
    const auto* arguments = PickleNode::as<PickleTuple>(pop());
    const auto* type = PickleNode::as<PickleGlobal>(pop());
    if (arguments == nullptr || !arguments->items.empty() || type == nullptr) {
      fail_here("makes an object of something other than a global without arguments");
    }
    push(PickleObject{type});
  }

  /// Objects of other kinds (a dict that is an OrderedDict with attributes) drop it.
  void set_state(const PickleNode* state) {
    refuse_change_of_import();
    auto* object = std::get_if<PickleObject>(&top()->value);
    if (object == nullptr) {
      return;
    }
    if (object->state != nullptr) {
      fail_here("gives an object its state twice");
    }
    object->state = state;
  }

  /// Of a number Python makes as many zeros, which cost the file nothing. Pickles hold text or bytes (of protocol 2: a
  /// call that makes them).
  void check_bytearray(std::string_view function, const PickleTuple& arguments) const {
    if ((function != "builtins.bytearray" && function != "__builtin__.bytearray") || arguments.items.empty()) {
      return;
    }
    const PickleNode* content = arguments.items.front();
    if (PickleNode::as<std::string>(content) == nullptr && PickleNode::as<PickleBytes>(content) == nullptr &&
        PickleNode::as<PickleCall>(content) == nullptr) {
      fail("makes a bytearray of something that is neither text nor bytes; nothing was executed", ErrorKind::kUnsafe);
    }
  }

  /// Python 3 makes an empty one and sets its items afterwards; Python 2 gives a list of [key, value] lists.
  void push_ordered_dict(const PickleTuple& arguments) {
    PickleDict dict;
    if (!arguments.items.empty()) {
      const auto* pairs = PickleNode::as<PickleList>(arguments.items.front());
      work_ += pairs != nullptr ? pairs->items.size() : 0;  // the list can be shared: copies must not be free
      for (const PickleNode* item : pairs != nullptr ? pairs->items : Items()) {
        const auto* pair = PickleNode::as<PickleList>(item);
        if (pair == nullptr || pair->items.size() != 2) {
          fail_here("makes an OrderedDict of something that is not a list of pairs");
        }
        dict.items.emplace_back(pair->items[0], pair->items[1]);
      }
    }
    push(std::move(dict));
  }

  ByteCursor cursor_;
  const std::string& source_;
  const PickleRules& rules_;
  Pickle pickle_;
  size_t work_ = 0;  ///< instructions so far
  std::vector<PickleNode*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleNode*> memo_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& source, const PickleRules& rules) {
  return PickleReader(bytes, source, rules).read();
}

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& source, const GlobalFilter& is_allowed) {
  return read_pickle(bytes, source, PickleRules{.is_allowed = is_allowed});
}

}  // namespace bertjit
