// Result lines for tests.
#pragma once

#include <string>

#include "zoo/result_line.h"

namespace bertjit::testing {

/// A line of a list of that many jobs, as `verify` would leave it.
inline ZooLine zoo_line(size_t index, size_t jobs, int exit_code = 0) {
  ZooLine line{.header = {"verify", "0.1.0", std::string(128, 'a'), jobs, {"--rtol=1e-3"}}, .index = index};
  line.name = "job " + std::to_string(index);
  line.key = std::string(128, 'b');
  line.files = {{"a.pt", {std::string(128, 'c'), FileStamp{7, 8, 9, 10}}}, {"lost", {}}};
  line.arguments = {"verify", "--rtol=1e-3", "--", "a.pt"};
  line.exit_code = exit_code;
  line.error = exit_code == 2 ? "a.pt: no such file" : "";
  const char* verdict = exit_code == 0 ? "pass" : "fail";
  if (exit_code != 2) {
    line.report = {{"blamed", exit_code == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json("source")},
                   {"checks",
                    {{{"id", "safety"}, {"verdict", "pass"}, {"summary", "safe"}, {"where", ""}, {"advice", ""}},
                     {{"id", "source"},
                      {"verdict", verdict},
                      {"summary", "1 of 9 tensors differs"},
                      {"where", "encoder.weight"},
                      {"advice", "export it again"},
                      {"evidence", {{"process", {{"seconds", 1.5 * static_cast<double>(index)}}}}}}}}};
  }
  line.run = {"1/2", "node1", "2026-01-31T12:00:00Z", 0.25, 0.125, 1 << 20};
  return line;
}

}  // namespace bertjit::testing
