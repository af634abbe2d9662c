#include "container/shards.h"

#include <algorithm>
#include <climits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "container/bytes.h"
#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "support/error.h"
#include "support/file.h"
#include "support/file_status.h"
#include "support/json.h"

namespace bertjit {

namespace fs = std::filesystem;

using nlohmann::json;

namespace {

/// As for the header of a safetensors file, which holds more for each tensor.
constexpr size_t kMaxIndexBytes = 100'000'000;
constexpr int kMaxDepth = 16;

[[noreturn]] void fail(const fs::path& path, const std::string& what, ErrorKind kind = ErrorKind::kCorrupt) {
  throw Error(kind, path.string() + ": " + what);
}

/// A parser keeps one of two equal keys, and which one differs between parsers. Depth is bounded for memory's sake.
json parse_index(const fs::path& path, const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) {
      fail(path, "is nested too deeply");
    }
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      fail(path, "holds " + in_quotes(parsed.get<std::string>()) + " twice");
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception&) {
    return parse_json(text, path.string());  // throws, with line and column
  }
}

/// Shard names are joined to the folder's: a separator or ".." would lead out of it.
void check_is_plain_name(const fs::path& index, const std::string& shard) {
  const bool plain = !shard.empty() && shard.size() <= NAME_MAX && shard != "." && shard != ".." &&
                     shard.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
  if (!plain) {
    fail(index, "lists shard " + in_quotes(shard) + ", which is not a plain file name in its own folder",
         ErrorKind::kUnsafe);
  }
}

/// Names of the tensors listed for each shard.
std::map<std::string, std::vector<std::string>> read_index(const fs::path& path) {
  const std::string text = read_text_file(path, kMaxIndexBytes);
  refuse_git_lfs_pointer(path, text);
  const json index = parse_index(path, text);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object()) {
    fail(path, "has no weight_map, an object of tensor names and the files that hold them");
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string()) {
      fail(path, "weight_map entry " + in_quotes(name) + " is " +
                     shard.dump(-1, ' ', false, json::error_handler_t::replace) + ", expected a file name");
    }
    check_is_plain_name(path, shard.get<std::string>());
    shards[shard.get<std::string>()].push_back(name);
  }
  if (shards.empty()) {
    fail(path, "lists no tensors");
  }
  return shards;
}

TensorFile read_shard(const fs::path& index, const std::string& name, size_t tensor_count) {
  const fs::path path = index.parent_path() / name;
  if (!path_exists(path)) {
    fail(index, "shard " + in_quotes(name) + " is missing; " + std::to_string(tensor_count) + " tensors are in it",
         ErrorKind::kNotFound);
  }
  return path.extension() == ".safetensors" ? read_safetensors(path) : read_pytorch_bin(path);
}

/// Collects the listed tensors of one shard after the other.
class ShardCollector {
 public:
  explicit ShardCollector(const fs::path& index) : shards_(read_index(index)), result_{.path = index} {
    for (const auto& [shard, names] : shards_) {
      for (const std::string& name : names) {
        listed_in_.emplace(name, shard);
      }
    }
  }

  TensorFile collect() {
    for (const auto& [shard, names] : shards_) {
      TensorFile file = read_shard(result_.path, shard, names.size());
      check_holds(shard, names, file);
      add(shard, file);
    }
    sort_by_name(result_);
    return std::move(result_);
  }

 private:
  void check_holds(const std::string& shard, const std::vector<std::string>& names, const TensorFile& file) const {
    for (const std::string& name : names) {
      if (file.find(name) == nullptr) {
        fail(result_.path, "lists tensor " + in_quotes(name) + " in " + in_quotes(shard) + ", which does not hold it");
      }
    }
  }

  void add(const std::string& shard, TensorFile& file) {
    std::vector<std::string> not_listed;
    for (TensorView& tensor : file.tensors) {
      const auto listed = listed_in_.find(tensor.name);
      if (listed == listed_in_.end()) {
        not_listed.push_back(tensor.name);
      } else if (listed->second != shard) {
        fail(result_.path, "lists tensor " + in_quotes(tensor.name) + " in " + in_quotes(listed->second) + ", and " +
                               in_quotes(shard) + " holds one of that name too");
      } else {
        result_.tensors.push_back(std::move(tensor));
      }
    }
    std::ranges::move(file.notes, std::back_inserter(result_.notes));
    if (!not_listed.empty()) {
      result_.notes.push_back(file.path.string() +
                              ": passed over what the index does not list: " + all_in_quotes(not_listed));
    }
  }

  std::map<std::string, std::vector<std::string>> shards_;
  std::map<std::string, std::string> listed_in_;  ///< tensor -> shard
  TensorFile result_;
};

}  // namespace

TensorFile read_shards(const fs::path& index) {
  return ShardCollector(index).collect();
}

std::vector<fs::path> list_shards(const fs::path& index) {
  std::vector<fs::path> paths;
  for (const auto& [shard, names] : read_index(index)) {
    paths.push_back(index.parent_path() / shard);
  }
  return paths;
}

}  // namespace bertjit
