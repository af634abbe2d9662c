#include "verify/check.h"

namespace bertjit {

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks = {
      {"safety", "the archive is one file to every reader, and loading and running it only computes",
       "that it computes the right thing, or that libtorch's own operators have no fault",
       "do not load it; export the model anew", check_safety, nullptr},
      {"checksum", "the bytes are those that the list names", "that they were right when the list was made",
       "get the approved file again, or approve this one and write a new list", check_checksum, nullptr},
      {"grad-mode", "outputs and saved bytes do not depend on the gradient mode; grad_fn is where it belongs",
       "that the values are right", "trace again, after eval()", nullptr, check_grad_mode},
      {"roundtrip", "the module survives being saved and loaded again", "that the first file is right",
       "save it with the libtorch that will load it", nullptr, check_roundtrip},
      {"repeat", "the answer does not depend on how often it ran, on the optimizer or on threads",
       "that the answer is right", "look for operators that draw random numbers or keep state, and trace without them",
       nullptr, check_repeat},
      {"train-mode", "no dropout, batch statistics or random operator is active", "that training was finished",
       "call model.eval() before tracing", nullptr, check_train_mode},
      {"shapes", "the batch sizes and lengths of the grid work", "anything of other shapes",
       "record sizes while tracing (bertjit trace does), or claim fixed shapes", nullptr, check_shapes},
      {"check-inputs", "the further inputs give the source's outputs", "anything of other inputs",
       "script what depends on the input's values or shape, or trace with `bertjit trace`", nullptr,
       check_check_inputs},
      {"metamorphic", "rows do not know of one another, and what the mask hides counts for nothing",
       "that any number is right: a wrong weight keeps these relations",
       "trace again with sizes recorded and the mask passed by its name", nullptr, check_metamorphic},
      {"inputs",
       "every argument matters, does what its name says and stays as it is; words of the vocabulary give numbers",
       "that an argument does enough of it, or anything of words that were not drawn",
       "pass arguments by name while tracing: the second of BertModel is attention_mask", nullptr, check_inputs_matter},
      {"constants", "no size, data or device of the example is baked in that the shapes tried would show",
       "that data which fits every shape was not baked in",
       "compute sizes from the inputs while tracing (bertjit trace does)", nullptr, check_constants},
      {"source", "every weight and the example's outputs are the source's", "that the source is right",
       "export the checkpoint again", nullptr, check_source},
      {"rebuilt", "the code is that of the network its names and weights make", "that the weights are the right ones",
       "trace the checkpoint again, unpatched; with --source the weights are compared too", nullptr, check_rebuilt},
      {"golden", "the outputs are the recorded ones", "that the recorded ones are right",
       "export again, or record again if the model was meant to change", nullptr, check_golden},
      {"task", "on the task's rows the answers and the metric are the source's", "that the source's answers are right",
       "export the checkpoint again; of int8, keep the worst layers in float32 (bertjit quantize --max-flips)", nullptr,
       check_task},
      {"claims", "architecture, arguments, outputs, dtype and shapes are those the file is said to have",
       "that the numbers are right", "export again as claimed, or mend the claims", nullptr, check_claims},
      {"target", "operators, devices, dtypes and shapes are those of the place where it is to run",
       "that the target's own compiler takes it: that is not run", "make it for the target (bertjit trace --target)",
       nullptr, check_fit},
      {"weights", "weights are finite, of the dtype that is claimed, and neither lost nor stored twice",
       "that the weights are the right ones", "export the checkpoint again", nullptr, check_weights},
  };
  return checks;
}

}  // namespace bertjit
