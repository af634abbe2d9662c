// The walk over TorchScript's IR that interpret() and record_program() share.
//
// It goes over the graphs as they were compiled, before any optimizer: control flow, calls and containers are done
// here, all else is left to the operators of libtorch.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "record/liveness.h"
#include "record/location.h"
#include "record/slot.h"

namespace bertjit {

class Execution {
 public:
  explicit Execution(size_t max_steps) : max_steps_(max_steps) {}
  virtual ~Execution() = default;
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// Runs `function` on all of its arguments, self included.
  Slot enter(torch::jit::Function& function, Slots arguments);

 protected:
  /// A graph that is being run.
  struct Frame {
    std::string function;
    const LastUses* last_uses;
    const torch::jit::Node* node = nullptr;  ///< the one at work
    std::unordered_map<const torch::jit::Value*, Slot> values;
    Slots entered;  ///< objects of `with` statements
  };

  /// Runs an operator or builds a container; everything but control flow, calls and attributes.
  virtual Slots apply(const torch::jit::Node& node, Slots inputs);
  virtual Slot call_function(torch::jit::Function& function, Slots arguments);
  /// The object is arguments[0].
  virtual Slot call_method(const std::string& name, Slots arguments);
  virtual void set_attribute(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& name,
                             const Slot& value);
  /// Told of each branch that is taken, and of each loop when it is done.
  virtual void branched(const torch::jit::Node&, const Slot& /*condition*/) {}
  virtual void looped(const torch::jit::Node&, const Slots& /*decisions*/, int64_t /*turns*/) {}
  /// The method of that name of an object's own type, whatever type it is known by.
  virtual torch::jit::Function& method_of(const c10::ivalue::Object& object, const std::string& name);

  /// What an operator does that is not control flow, a container or a call.
  static Slots run_operator(const torch::jit::Node& node, const Slots& inputs);
  /// Tuples, lists and dicts made and taken apart, and what has no operator; false if `node` is none of these.
  static bool run_structural(const torch::jit::Node& node, const Slots& inputs, Slots& outputs);

  bool running() const {
    return !frames_.empty();
  }
  const torch::jit::Node& current() const {
    return *frames_.back()->node;
  }
  /// The lines that are being run, innermost first.
  std::vector<SourcePlace> places() const;
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  Slot run_graph(const std::shared_ptr<torch::jit::Graph>& graph, const std::string& name, Slots arguments);
  void run_block(Frame& frame, const torch::jit::Block& block);
  void count_step();
  void execute(Frame& frame, const torch::jit::Node& node);
  void dispatch(Frame& frame, const torch::jit::Node& node);
  void run_if(Frame& frame, const torch::jit::Node& node);
  void run_loop(Frame& frame, const torch::jit::Node& node);
  void run_with(Frame& frame, const torch::jit::Node& node);
  bool run_call(Frame& frame, const torch::jit::Node& node);
  bool run_attribute(Frame& frame, const torch::jit::Node& node);
  const LastUses& last_uses_of(const std::shared_ptr<torch::jit::Graph>& graph);

  size_t max_steps_;
  size_t steps_ = 0;
  std::vector<Frame*> frames_;
  struct KnownGraph {
    std::shared_ptr<torch::jit::Graph> graph;  ///< held so that its address is not another's
    LastUses last_uses;
  };
  std::unordered_map<const torch::jit::Graph*, KnownGraph> graphs_;
};

/// libtorch's words without the traceback around them.
std::string essential_words(const std::exception& error);

}  // namespace bertjit
