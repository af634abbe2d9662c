// The code of a TorchScript archive, class by class, freed of accidents of naming (docs/formats/digests.md, "Code").
//
// A second trace in one process, or a second model with the same classes, gets mangled names:
// __torch__.torch.nn.modules.linear.___torch_mangle_7.Linear. The number says how many came before, not what the class
// is. Here a class is called by its name without that part, and "#1", "#2", … if other classes have the same, counted
// from the root module.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "container/torchscript.h"

namespace bertjit {

/// A class or function of the code.
struct CodeUnit {
  std::string name;   ///< as written: "__torch__.torch.nn.modules.linear.___torch_mangle_7.Linear"
  std::string plain;  ///< without mangling: "__torch__.torch.nn.modules.linear.Linear"
  std::string text;   ///< from "class" or "def" to the end of its last line
};

/// The classes and functions of one record. `source` stands in messages. What comes before the first is left out.
std::vector<CodeUnit> split_code(std::string_view qualifier, std::string_view text);

/// Those of all records of the file, in their order. Throws as read_record_text.
std::vector<CodeUnit> read_units(const ScriptArchive& file);

/// What a reference to a constant ("CONSTANTS.c3") becomes; may call CanonicalCode::name_of for the constant's classes.
using ConstantWord = std::function<std::string(size_t index)>;

/// Names units in the order in which they are asked for, and rewrites them.
class CanonicalCode {
 public:
  /// Throws Error(kCorrupt) that begins with `source` if two units have one name.
  CanonicalCode(std::vector<CodeUnit> units, const std::string& source, ConstantWord constant_word);

  /// The canonical name of a class or function; as it is if the code has none of that name.
  std::string name_of(const std::string& name);

  struct Unit {
    std::string name;  ///< canonical
    std::string text;  ///< with the names and constants that it refers to rewritten
  };
  /// Those that were named and not taken yet, and those they refer to, and so on, in the order of naming.
  std::vector<Unit> take_named();
  /// Names the others one by one, sorted by plain name, then text without mangling, and after each does take_named().
  std::vector<Unit> take_rest();

 private:
  std::string rewrite(std::string_view text);
  /// The canonical form of a dotted name that begins with "__torch__."; of its longest beginning that is a unit.
  std::string rewrite_name(std::string_view name);

  std::vector<CodeUnit> units_;
  ConstantWord constant_word_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::map<size_t, std::string> named_;
  std::map<std::string, size_t> counts_;  ///< units named so far, by plain name
  std::vector<size_t> order_;             ///< in which they were named
  size_t taken_ = 0;                      ///< of order_
};

}  // namespace bertjit
