// Lists of jobs and lines of their results; a line that was read, written and read again is the same.
#include "fuzz/fuzz.h"
#include "zoo/job_list.h"
#include "zoo/result_line.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const JobForm form{.command = "verify",
                            .operand = "module",
                            .has_many_operands = false,
                            .flags = {{"source", {true, true}}, {"input", {true}}, {"werror", {false}}}};
  const std::string text(fuzz::as_text(data, size));
  fuzz::answers([&] {
    for (const ZooJob& job : parse_job_list(text, "zoo.jsonl", form).jobs) {
      job_arguments(job, {}, form);
    }
  });
  fuzz::answers([&] {
    const std::string written = write_result_line(read_result_line(text, "out.jsonl"));
    entry_of(read_result_line(written, "out.jsonl"));
    fuzz::require(write_result_line(read_result_line(written, "out.jsonl")) == written, "a line comes back");
  });
  fuzz::answers([&] { parse_shard(text); });
  return 0;
}
