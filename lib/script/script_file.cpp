#include "script/script_file.h"

#include <algorithm>
#include <utility>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/library.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::Def;
using torch::jit::Expr;
using torch::jit::Stmt;
using Kind = PythonStatement::Kind;

namespace {

void insert_all(std::set<std::string>& into, const std::set<std::string>& names) {
  into.insert(names.begin(), names.end());
}

bool meets(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::any_of(left.begin(), left.end(), [&](const auto& name) { return right.count(name) != 0; });
}

}  // namespace

ScriptFile::ScriptFile(std::shared_ptr<PythonFile> file, std::string module)
    : ScriptFile(std::move(file), ImportPlace{std::move(module), {}, {}, "", false}) {}

ScriptFile::ScriptFile(std::shared_ptr<PythonFile> file, ImportPlace place)
    : file_(std::move(file)), place_(std::move(place)), scope_(std::make_shared<PythonScope>(builtin_scope())) {
  for (const auto& statement : file_->statements()) {
    if (statement.kind == Kind::kImport) {
      insert_all(imports_, statement.binds);
    }
  }
  scope_->set("__name__", string_object(place_.module.empty() ? "__main__" : place_.module));
}

bool ScriptFile::defines(const std::string& name) const {
  const auto& statements = file_->statements();
  return std::any_of(statements.begin(), statements.end(),
                     [&name](const auto& statement) { return statement.binds.count(name) != 0; });
}

std::vector<std::string> ScriptFile::names() const {
  std::vector<std::string> names;
  for (const auto& statement : file_->statements()) {
    for (const auto& name : statement.binds) {
      const bool known = std::find(names.begin(), names.end(), name) != names.end();
      if (statement.kind != Kind::kImport && !known) {
        names.push_back(name);
      }
    }
  }
  return names;
}

const Object* ScriptFile::require(const std::string& name) {
  for (const size_t index : needed_statements({name})) {
    if (evaluated_.insert(index).second) {
      run(index);
    }
  }
  const auto found = scope_->own().find(name);
  return found == scope_->own().end() ? nullptr : &found->second;
}

const Object* ScriptFile::require_in_order(const std::string& name, std::vector<std::string>& notes) {
  const auto needed = needed_statements({name});
  auto order = drawing_statements(needed);
  order.insert(needed.begin(), needed.end());
  size_t passed_over = 0;
  std::string first;
  for (const size_t index : order) {
    if (!evaluated_.insert(index).second) {
      continue;
    }
    if (needed.count(index) != 0) {
      run(index);
    } else if (const auto reason = try_run(index)) {
      first = passed_over++ == 0 ? *reason : first;
    }
  }
  if (passed_over > 0) {
    notes.push_back(first + "\n  statements that '" + name + "' does not need were passed over (" +
                    std::to_string(passed_over) +
                    "): if they draw random numbers, those that are drawn later are not Python's");
  }
  return require(name);
}

std::set<size_t> ScriptFile::drawing_statements(const std::set<size_t>& needed) {
  const auto& statements = file_->statements();
  size_t last = 0;
  for (const size_t index : needed) {
    last = statements[index].seeds ? last : index;
  }
  // A class without a seed in the file is made as after torch.manual_seed(--seed), whatever the file does beside it.
  const bool is_value = statements[last].kind == Kind::kOther;
  const bool draws =
      std::any_of(statements.begin(), statements.begin() + static_cast<std::ptrdiff_t>(last),
                  [is_value](const auto& statement) { return statement.seeds || (statement.draws && is_value); });
  std::set<size_t> chosen;
  for (size_t i = 0; draws && i < last; ++i) {
    if (statements[i].kind != Kind::kOther || !statements[i].calls || needed.count(i) != 0) {
      continue;
    }
    chosen.insert(i);
    try {
      const auto own = needed_statements(parsed(i).reads);
      chosen.insert(own.begin(), own.upper_bound(last));
    } catch (const Error&) {
      // It cannot be read; running it will say so.
    }
  }
  return chosen;
}

std::optional<std::string> ScriptFile::try_run(size_t index) {
  constexpr int64_t kMostSteps = 200'000;
  const auto& statement = file_->statements()[index];
  auto& limit = evaluation().step_limit;
  const int64_t all = std::exchange(limit, std::min(limit, evaluation().steps + kMostSteps));
  std::optional<std::string> reason;
  try {
    // What reads a name that is not there would stop halfway, with half of its changes made.
    for (const auto& read : statement.kind == Kind::kOther ? parsed(index).reads : std::set<std::string>()) {
      if (statement.binds.count(read) == 0 && scope_->find(read) == nullptr && read.rfind("__bertjit", 0) != 0) {
        refuse(file_->range(statement), "'" + read + "' is not there");
      }
    }
    run(index);
  } catch (const Error& error) {
    reason = error.what();
  }
  limit = all;
  return reason;
}

std::set<size_t> ScriptFile::needed_statements(std::set<std::string> names) {
  const auto& statements = file_->statements();
  std::set<size_t> chosen;
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < statements.size(); ++i) {
      const auto& statement = statements[i];
      if (chosen.count(i) != 0 || statement.kind == Kind::kMain) {
        continue;
      }
      std::set<std::string> touched = statement.binds;
      std::copy_if(statement.changes.begin(), statement.changes.end(), std::inserter(touched, touched.end()),
                   [this](const auto& changed) { return imports_.count(changed) == 0; });
      if (statement.seeds || meets(touched, names)) {
        chosen.insert(i);
        insert_all(names, parsed(i).reads);
        more = true;
      }
    }
  }
  return chosen;
}

const ScriptFile::Parsed& ScriptFile::parsed(size_t index) {
  const auto found = parsed_.find(index);
  return found != parsed_.end() ? found->second
                                : parsed_.emplace(index, parse(file_->statements()[index])).first->second;
}

std::vector<Expr> ScriptFile::parse_decorators(const PythonStatement& statement) const {
  std::vector<Expr> result;
  for (const auto& tokens : statement.decorators) {
    result.push_back(file_->parse_expression(tokens));
  }
  return result;
}

ScriptFile::Parsed ScriptFile::parse(const PythonStatement& statement) const {
  Parsed result;
  result.decorators = parse_decorators(statement);
  for (const auto& decorator : result.decorators) {
    insert_all(result.reads, free_names(decorator.tree()));
  }
  if (statement.kind == Kind::kFunction) {
    result.def = file_->parse_function(statement, false);
    insert_all(result.reads, free_names(result.def->tree()));
  } else if (statement.kind == Kind::kClass) {
    parse_class(statement, result);
  } else if (statement.kind == Kind::kOther) {
    result.body = file_->parse_statements(statement);
    insert_all(result.reads, free_names(result.body->tree()));
  }
  return result;
}

void ScriptFile::parse_class(const PythonStatement& statement, Parsed& result) const {
  result.bases = file_->parse_bases(statement);
  for (const auto& base : result.bases) {
    insert_all(result.reads, free_names(base.tree()));
  }
  for (const auto& member : file_->members(statement)) {
    result.members.push_back(parse_member(member));
    const auto& parsed = result.members.back();
    for (const auto& decorator : parsed.decorators) {
      insert_all(result.reads, free_names(decorator.tree()));
    }
    insert_all(result.reads, parsed.def    ? free_names(parsed.def->tree())
                             : parsed.body ? free_names(parsed.body->tree())
                                           : std::set<std::string>());
  }
}

// A method that the subset does not have is a fault only if it is called.
ScriptFile::Member ScriptFile::parse_member(const PythonStatement& statement) const {
  Member member{statement, {}, std::nullopt, std::nullopt, nullptr};
  try {
    member.decorators = parse_decorators(statement);
    if (statement.kind == Kind::kFunction) {
      member.def = file_->parse_function(statement, true);
    } else {
      member.body = file_->parse_statements(statement);
    }
  } catch (const Error& error) {
    member.outside = std::make_shared<const Error>(error);
  }
  return member;
}

void ScriptFile::run(size_t index) {
  const auto& statement = file_->statements()[index];
  const auto& tree = parsed(index);
  if (statement.kind == Kind::kImport) {
    run_imports(statement);
  } else if (statement.kind == Kind::kClass) {
    run_class(statement, tree);
  } else if (statement.kind == Kind::kOther) {
    for (const auto& inner : *tree.body) {
      execute(inner, scope_);
    }
  } else {
    Def def = *tree.def;
    std::vector<std::pair<Object, Expr>> wrappers;
    for (auto decorator = tree.decorators.rbegin(); decorator != tree.decorators.rend(); ++decorator) {
      const Object value = evaluate(*decorator, scope_);
      if (is_context(value)) {
        def = in_context(def, *decorator);
      } else {
        wrappers.emplace_back(value, *decorator);
      }
    }
    auto defined = define_function(def, scope_);
    defined->module = place_.module;
    Object function{std::move(defined)};
    for (const auto& [wrapper, expr] : wrappers) {
      function = call(wrapper, {{function}, {}}, expr.range());
    }
    scope_->set(statement.name, function);
  }
}

}  // namespace bertjit
