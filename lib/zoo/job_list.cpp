#include "zoo/job_list.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "checksum/sha512.h"
#include "support/error.h"
#include "support/words.h"
#include "zoo/json_line.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

constexpr const char* kName = "name";

/// What is wrong with a line.
[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorKind::kInvalidArgument, problem);
}

std::string quoted(const std::string& key) {
  return "'" + key + "'";
}

/// A value as it would be typed. Numbers keep their digits.
std::string value_text(const std::string& key, const ordered_json& value) {
  if (value.is_number()) {
    return value.dump();
  }
  if (!value.is_string()) {
    refuse(quoted(key) + " is " + value.dump().substr(0, 40) + ", not a text or a number");
  }
  auto text = value.get<std::string>();
  if (text.empty()) {
    refuse(quoted(key) + " is empty; leave it out");
  }
  return text;
}

/// One value, a list of them, or of `input` an object: {"x": "rand:2x3"} is x=rand:2x3.
std::vector<std::string> value_texts(const std::string& key, const ordered_json& value) {
  std::vector<std::string> texts;
  if (value.is_object() && key == "input") {
    for (const auto& [name, spec] : value.items()) {
      texts.push_back(name + "=" + (spec.is_string() ? spec.get<std::string>() : spec.dump()));
    }
  } else if (value.is_array()) {
    for (const ordered_json& item : value) {
      texts.push_back(value_text(key, item));
    }
  } else {
    texts.push_back(value_text(key, value));
  }
  if (texts.empty()) {
    refuse(quoted(key) + " is empty; leave it out");
  }
  return texts;
}

std::string known_keys(const JobForm& form) {
  std::vector<std::string> keys{kName, form.operand};
  for (const auto& [name, flag] : form.flags) {
    keys.push_back(name);
  }
  return joined(keys);
}

void set_flag(ZooJob& job, const std::string& key, const ordered_json& value, const JobForm& form) {
  const auto flag = form.flags.find(key);
  if (flag == form.flags.end()) {
    refuse(quoted(key) + " is no flag that a job of " + form.command + " takes (known: " + known_keys(form) + ")");
  }
  if (flag->second.takes_value) {
    job.flags[key] = value_texts(key, value);
  } else if (!value.is_boolean()) {
    refuse(quoted(key) + " is " + value.dump().substr(0, 40) + ", not true or false");
  } else if (value.get<bool>()) {
    job.flags[key] = {};
  } else {
    job.switched_off.push_back(key);
  }
}

void read_line(ZooJob& job, const std::string& line, const JobForm& form) {
  const std::optional<ordered_json> parsed = parse_json_line(line);
  if (!parsed) {
    refuse("is not JSON; a line is one object, such as {\"" + std::string(kName) + "\": \"a\", \"" + form.operand +
           "\": \"a.pt\"}");
  }
  const ordered_json& object = *parsed;
  if (!object.is_object()) {
    refuse("is " + std::string(object.type_name()) + ", not an object");
  }
  for (const auto& [key, value] : object.items()) {
    if (key == kName) {
      job.name = value_text(key, value);
    } else if (key == form.operand) {
      job.operands = form.has_many_operands ? value_texts(key, value) : std::vector{value_text(key, value)};
    } else {
      set_flag(job, key, value, form);
    }
  }
  if (job.operands.empty()) {
    refuse("has no " + quoted(form.operand));
  }
  if (job.name.empty()) {
    job.name = joined(job.operands);
  }
}

ZooJob parse_line(const std::string& line, size_t number, const JobForm& form) {
  ZooJob job;
  job.line = number;
  try {
    read_line(job, line, form);
  } catch (const Error& error) {
    job = ZooJob{.line = number, .name = "line " + std::to_string(number), .problem = error.what()};
  }
  return job;
}

void refuse_double_names(const JobList& list) {
  std::map<std::string, size_t> lines;
  for (const ZooJob& job : list.jobs) {
    const auto [first, is_new] = lines.emplace(job.name, job.line);
    if (!is_new) {
      throw Error(ErrorKind::kInvalidArgument, list.path + ":" + std::to_string(job.line) + ": a job of the name " +
                                                   quoted(job.name) + " is on line " + std::to_string(first->second) +
                                                   " too; results go by names: give each job a \"name\" of its own");
    }
  }
}

std::optional<size_t> whole_number(std::string_view text) {
  size_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

JobList parse_job_list(const std::string& text, const std::string& path, const JobForm& form) {
  JobList list{.path = path, .digest = to_hex(hash_bytes(std::as_bytes(std::span(text)))), .jobs = {}};
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string::npos) {
      list.jobs.push_back(parse_line(line, number, form));
      list.jobs.back().index = list.jobs.size();
    }
  }
  if (list.jobs.empty()) {
    throw Error(ErrorKind::kInvalidArgument, path + ": has no jobs; a line is one, such as {\"" + std::string(kName) +
                                                 "\": \"a\", \"" + form.operand + "\": \"a.pt\"}");
  }
  refuse_double_names(list);
  return list;
}

Shard parse_shard(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto number = whole_number(std::string_view(text).substr(0, slash));
  const auto count = whole_number(std::string_view(text).substr(std::min(slash + 1, text.size())));
  if (!number || !count || *number < 1 || *number > *count) {
    throw Error(ErrorKind::kInvalidArgument,
                "--shard " + text + ": is no part of a list; I/N is part I of N, from 1/N to N/N");
  }
  return {*number, *count};
}

std::string shard_text(const Shard& shard) {
  return std::to_string(shard.number) + "/" + std::to_string(shard.count);
}

std::vector<std::string> flags_as_arguments(const JobFlags& flags) {
  std::vector<std::string> arguments;
  for (const auto& [name, values] : flags) {
    if (values.empty()) {
      arguments.push_back("--" + name);
    }
    for (const std::string& value : values) {
      arguments.push_back("--" + name + "=" + value);
    }
  }
  return arguments;
}

std::vector<std::string> job_arguments(const ZooJob& job, const JobFlags& defaults, const JobForm& form) {
  JobFlags flags = job.flags;
  flags.insert(defaults.begin(), defaults.end());
  for (const std::string& name : job.switched_off) {
    flags.erase(name);
  }
  std::vector<std::string> arguments{form.command};
  std::ranges::move(flags_as_arguments(flags), std::back_inserter(arguments));
  arguments.emplace_back("--");  // an operand may begin with a dash
  arguments.insert(arguments.end(), job.operands.begin(), job.operands.end());
  return arguments;
}

}  // namespace bertjit
