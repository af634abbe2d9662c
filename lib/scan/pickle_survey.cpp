#include "scan/pickle_survey.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "container/bytes.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr size_t kMaxInstructions = 4'000'000;

/// What follows an instruction in the file.
enum class Argument : uint8_t { kNone, kBytes1, kBytes2, kBytes4, kBytes8, kLine, kText1, kText4, kText8 };

/// What it does to the stack. Of what lies there only texts matter (they name imports) and what came of an import.
enum class Effect : uint8_t {
  kPush,         ///< pops `pops`, pushes a value
  kPushText,     ///< its argument
  kPops,         ///< pops `pops`
  kAdds,         ///< pops `pops`, and adds them to the object below, which stays
  kPopsOne,      ///< pops the top, or the mark where that is on top
  kMark,         ///< pushes a mark
  kPopsMark,     ///< pops to the mark
  kPushesMark,   ///< pops to the mark, pushes a value
  kAddsMark,     ///< the same with what lies above the mark
  kPut,          ///< memorises the top
  kGet,          ///< recalls
  kDuplicates,   ///< the top
  kGlobal,       ///< imports by two lines
  kStackGlobal,  ///< imports by two texts on the stack
  kInstance,     ///< imports by two lines, calls with what lies above the mark
  kObject,       ///< calls the first object above the mark with the others
  kCall,         ///< pops `pops`, calls the lowest
  kExtension,    ///< imports by a number
  kProtocol,
  kStop,
};

struct Instruction {
  char opcode;
  Argument argument;
  Effect effect;
  uint8_t pops = 0;
};

using A = Argument;
using E = Effect;

constexpr auto kInstructions = std::to_array<Instruction>({
    {'(', A::kNone, E::kMark},           {'.', A::kNone, E::kStop},           {'0', A::kNone, E::kPopsOne},
    {'1', A::kNone, E::kPopsMark},       {'2', A::kNone, E::kDuplicates},     {'F', A::kLine, E::kPush},
    {'G', A::kBytes8, E::kPush},         {'I', A::kLine, E::kPush},           {'J', A::kBytes4, E::kPush},
    {'K', A::kBytes1, E::kPush},         {'L', A::kLine, E::kPush},           {'M', A::kBytes2, E::kPush},
    {'N', A::kNone, E::kPush},           {'P', A::kLine, E::kPush},           {'Q', A::kNone, E::kPush, 1},
    {'R', A::kNone, E::kCall, 2},        {'S', A::kLine, E::kPushText},       {'T', A::kText4, E::kPushText},
    {'U', A::kText1, E::kPushText},      {'V', A::kLine, E::kPushText},       {'X', A::kText4, E::kPushText},
    {'a', A::kNone, E::kAdds, 1},        {'b', A::kNone, E::kCall, 2},        {'c', A::kNone, E::kGlobal},
    {'d', A::kNone, E::kPushesMark},     {'e', A::kNone, E::kAddsMark},       {'g', A::kLine, E::kGet},
    {'h', A::kBytes1, E::kGet},          {'i', A::kNone, E::kInstance},       {'j', A::kBytes4, E::kGet},
    {'l', A::kNone, E::kPushesMark},     {'o', A::kNone, E::kObject},         {'p', A::kLine, E::kPut},
    {'q', A::kBytes1, E::kPut},          {'r', A::kBytes4, E::kPut},          {'s', A::kNone, E::kAdds, 2},
    {'t', A::kNone, E::kPushesMark},     {'u', A::kNone, E::kAddsMark},       {'}', A::kNone, E::kPush},
    {']', A::kNone, E::kPush},           {')', A::kNone, E::kPush},           {'B', A::kText4, E::kPush},
    {'C', A::kText1, E::kPush},          {'\x80', A::kBytes1, E::kProtocol},  {'\x81', A::kNone, E::kCall, 2},
    {'\x82', A::kBytes1, E::kExtension}, {'\x83', A::kBytes2, E::kExtension}, {'\x84', A::kBytes4, E::kExtension},
    {'\x85', A::kNone, E::kPush, 1},     {'\x86', A::kNone, E::kPush, 2},     {'\x87', A::kNone, E::kPush, 3},
    {'\x88', A::kNone, E::kPush},        {'\x89', A::kNone, E::kPush},        {'\x8a', A::kText1, E::kPush},
    {'\x8b', A::kText4, E::kPush},       {'\x8c', A::kText1, E::kPushText},   {'\x8d', A::kText8, E::kPushText},
    {'\x8e', A::kText8, E::kPush},       {'\x8f', A::kNone, E::kPush},        {'\x90', A::kNone, E::kAddsMark},
    {'\x91', A::kNone, E::kPushesMark},  {'\x92', A::kNone, E::kCall, 3},     {'\x93', A::kNone, E::kStackGlobal},
    {'\x94', A::kNone, E::kPut},         {'\x95', A::kBytes8, E::kPops},      {'\x96', A::kText8, E::kPush},
    {'\x97', A::kNone, E::kPush},        {'\x98', A::kNone, E::kPops},
});

constexpr char kMemoize = '\x94';
constexpr char kBuild = 'b';

/// One entry for each byte; nullptr where it is no instruction.
const Instruction* find_instruction(uint8_t opcode) {
  static const auto kTable = [] {
    std::array<const Instruction*, 256> table{};
    for (const Instruction& instruction : kInstructions) {
      table[static_cast<uint8_t>(instruction.opcode)] = &instruction;
    }
    return table;
  }();
  return kTable[opcode];
}

constexpr uint32_t kNoImport = UINT32_MAX;

struct Value {
  std::optional<std::string_view> text;
  bool imported = false;        ///< an import, or what came of calling one
  uint32_t import = kNoImport;  ///< which import it is itself: its place in PickleSurvey::imports
};

class Survey {
 public:
  explicit Survey(std::span<const std::byte> bytes) : cursor_(bytes, "pickle") {}

  PickleSurvey run() {
    try {
      for (size_t i = 0; !survey_.complete; ++i) {
        if (i == kMaxInstructions) {
          fail("has more than " + std::to_string(kMaxInstructions) + " instructions");
        }
        offset_ = cursor_.position();
        step();
      }
      survey_.size_bytes = cursor_.position();
    } catch (const Error& error) {
      survey_.fault = error.what();
      survey_.size_bytes = offset_;
    }
    return std::move(survey_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kCorrupt, "pickle " + what + " at its byte " + std::to_string(offset_));
  }

  void step() {
    const auto opcode = cursor_.read<uint8_t>();
    const Instruction* instruction = find_instruction(opcode);
    if (instruction == nullptr) {
      fail("has no instruction " + std::to_string(opcode));
    }
    const std::string_view argument = take(instruction->argument);
    switch (instruction->effect) {
      case Effect::kPush:
        pop(instruction->pops);
        return push({});
      case Effect::kPushText:
        return push({.text = instruction->opcode == 'S' ? unquoted(argument) : argument});
      case Effect::kPops:
        pop(instruction->pops);
        return;
      case Effect::kPopsOne:
        return pop_one();
      case Effect::kMark:
        marks_.push_back(stack_.size());
        return;
      case Effect::kAdds:
        pop(instruction->pops);
        return note_change(stack_.empty() ? Value{} : stack_.back());
      case Effect::kAddsMark:
        pop_to_mark();
        return note_change(stack_.empty() ? Value{} : stack_.back());
      case Effect::kPopsMark:
        pop_to_mark();
        return;
      case Effect::kPushesMark:
        pop_to_mark();
        return push({});
      case Effect::kPut:
        memo_[opcode == static_cast<uint8_t>(kMemoize) ? memo_.size() : memo_key(instruction->argument, argument)] =
            top();
        return;
      case Effect::kGet:
        return recall(memo_key(instruction->argument, argument));
      case Effect::kDuplicates:
        return push(top());
      case Effect::kProtocol:
        survey_.has_header = survey_.has_header || offset_ == 0;
        return;
      case Effect::kStop:
        pop(1);
        survey_.complete = true;
        return;
      default:
        return import_or_call(*instruction, argument);
    }
  }

  void import_or_call(const Instruction& instruction, std::string_view argument) {
    switch (instruction.effect) {
      case Effect::kGlobal:
        return import(take_two_lines());
      case Effect::kStackGlobal:
        return import(pop_name());
      case Effect::kExtension:
        return import("(extension " + std::to_string(as_number(argument)) + ")");
      case Effect::kInstance:
        pop_to_mark();
        import(take_two_lines());
        pop(1);
        survey_.calls = true;
        return push({.imported = true});
      case Effect::kObject:
        survey_.calls = pop_to_mark().imported || survey_.calls;
        return push({.imported = true});
      default:
        return call(instruction);
    }
  }

  void call(const Instruction& instruction) {
    const Value callee = pop(instruction.pops);
    survey_.calls = survey_.calls || callee.imported;
    if (instruction.opcode == kBuild) {
      note_change(callee);
      push(callee);  // BUILD leaves the object that it filled
    } else {
      push({.imported = callee.imported});
    }
  }

  void note_change(const Value& target) {
    if (target.import != kNoImport) {
      survey_.calls = true;
      survey_.changes.push_back({offset_, survey_.imports[target.import].name});
    }
  }

  std::string_view take(Argument argument) {
    switch (argument) {
      case Argument::kNone:
        return {};
      case Argument::kBytes1:
        return as_text(cursor_.take(1));
      case Argument::kBytes2:
        return as_text(cursor_.take(2));
      case Argument::kBytes4:
        return as_text(cursor_.take(4));
      case Argument::kBytes8:
        return as_text(cursor_.take(8));
      case Argument::kLine:
        return cursor_.take_line();
      case Argument::kText1:
        return as_text(cursor_.take(cursor_.read<uint8_t>()));
      case Argument::kText4:
        return as_text(cursor_.take(cursor_.read<uint32_t>()));
      case Argument::kText8:
        return as_text(cursor_.take(cursor_.read<uint64_t>()));
    }
    return {};
  }

  std::string take_two_lines() {
    std::string name(cursor_.take_line());
    return name.append(".").append(cursor_.take_line());
  }

  static std::string_view unquoted(std::string_view line) {
    const bool quoted =
        line.size() >= 2 && (line.front() == '\'' || line.front() == '"') && line.back() == line.front();
    return quoted ? line.substr(1, line.size() - 2) : line;
  }

  static uint64_t as_number(std::string_view little_endian) {
    uint64_t number = 0;
    for (size_t i = 0; i < little_endian.size(); ++i) {
      number |= uint64_t{static_cast<uint8_t>(little_endian[i])} << (8 * i);
    }
    return number;
  }

  /// Python's int() takes white space around a number, a plus before it and underscores in it.
  static std::string plain_digits(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\v\f";
    const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
    std::string digits(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
    digits.erase(0, digits.starts_with('+') ? 1 : 0);
    std::erase(digits, '_');
    return digits;
  }

  uint64_t memo_key(Argument form, std::string_view argument) const {
    if (form != Argument::kLine) {
      return as_number(argument);
    }
    const std::string digits = plain_digits(argument);
    uint64_t key = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), key);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
      fail("numbers an object by something that is no number");
    }
    return key;
  }

  void recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) {
      fail("recalls an object that it has not memorised");
    }
    push(found->second);
  }

  void push(Value value) {
    stack_.push_back(value);
  }

  void need(size_t count) const {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) {
      fail("takes an object that is not there");
    }
  }

  const Value& top() const {
    need(1);
    return stack_.back();
  }

  /// The lowest of those that it pops.
  Value pop(size_t count) {
    if (count == 0) {
      return {};
    }
    need(count);
    const Value lowest = stack_[stack_.size() - count];
    stack_.resize(stack_.size() - count);
    return lowest;
  }

  void pop_one() {
    if (!marks_.empty() && marks_.back() == stack_.size()) {
      marks_.pop_back();
    } else {
      pop(1);
    }
  }

  Value pop_to_mark() {
    if (marks_.empty()) {
      fail("looks for a mark that is not there");
    }
    const Value lowest = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return lowest;
  }

  std::string pop_name() {
    need(2);
    const Value name = pop(1);
    const Value module = pop(1);
    return name.text && module.text ? std::string(*module.text).append(".").append(*name.text)
                                    : "(a name made while it runs)";
  }

  void import(std::string name) {
    push({.imported = true, .import = static_cast<uint32_t>(survey_.imports.size())});
    survey_.imports.push_back({offset_, std::move(name)});
  }

  ByteCursor cursor_;
  PickleSurvey survey_;
  size_t offset_ = 0;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Value> memo_;
};

}  // namespace

PickleSurvey survey_pickle(std::span<const std::byte> bytes) {
  return Survey(bytes).run();
}

bool imports_by_name(const PickleSurvey& survey) {
  constexpr auto is_control = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  return !survey.imports.empty() && std::ranges::none_of(survey.imports.front().name, is_control);
}

}  // namespace bertjit
