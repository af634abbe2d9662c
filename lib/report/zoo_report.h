// What `verify --list`, `eval --list` and `report merge` print.
#pragma once

#include <ostream>
#include <string>

#include "report/check_report.h"
#include "zoo/zoo_result.h"

namespace bertjit {

/// One line on one job: verdict, name, and what says most: "source: 1 of 199 tensors differ". Names are padded to
/// `name_width` columns.
void print_zoo_entry(const ZooEntry& entry, size_t name_width, Color color, std::ostream& out);

/// Columns for names; longer ones move what follows.
inline constexpr size_t kWidestName = 48;

/// A line a job, the worst last, where a terminal leaves the eye.
void print_text(const ZooResult& result, Color color, std::ostream& out);

/// Schema "bertjit.zoo/1"; docs/formats/zoo.md. Every job's report whole, read again from where it is. What is of
/// single runs stands in one list at the end, "runs": without it, shards and one machine give the same bytes.
///
/// Throws Error(kIo) if a file has changed since.
void print_json(const ZooResult& result, std::ostream& out);

/// A page: the table of all jobs, the worst first, and what the checks of those found that did not pass.
std::string zoo_html(const ZooResult& result, const std::string& command_line);

/// JUnit XML, a case for each job.
std::string zoo_junit(const ZooResult& result, const std::string& command_line);

/// What came of a job, in a few words: "13 pass, 4 skip"; "source: …"; why there is no answer.
std::string zoo_summary(const ZooEntry& entry);

}  // namespace bertjit
