// GLUE's tab-separated files, as the file of each task.
#include "fuzz/fuzz.h"
#include "glue/examples.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::as_text(data, size));
  for (const auto& task : glue_tasks()) {
    for (const char* split : {"dev", "test"}) {
      fuzz::answers([&] {
        for (const auto& example : parse_examples(task, text, "input.tsv", split).examples) {
          fuzz::require(example.label < static_cast<int64_t>(std::max<size_t>(task.classes.size(), 1)),
                        "a label is one of the classes");
        }
      });
    }
  }
  return 0;
}
