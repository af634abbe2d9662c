#include "checkpoint/config.h"

#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Equals;
using testing::error_of;
using testing::TempDir;

namespace {

Config config(const char* json) {
  return Config(nlohmann::json::parse(json), "config.json");
}

std::string message(const std::function<void()>& action) {
  const Error error = error_of(action);
  CHECK(error.kind() == ErrorKind::kCorrupt);
  return error.what();
}

}  // namespace

TEST_CASE("config: typed fields are read, absent and null ones take the default") {
  const Config c = config(R"({"hidden_size": 32, "layer_norm_eps": 1e-05, "pad_token_id": 0, "is_decoder": true,
                              "hidden_act": "gelu_new", "model_type": "bert", "architectures": ["BertModel", "Other"],
                              "nothing": null})");
  CHECK(c.name() == "config.json");
  CHECK(c.size("hidden_size") == 32);
  CHECK(c.size("hidden_size", 7) == 32);
  CHECK(c.size("absent", 7) == 7);
  CHECK(c.size("nothing", 7) == 7);
  CHECK(c.number("layer_norm_eps", 1) == 1e-5);
  CHECK(c.number("pad_token_id", 1) == 0);
  CHECK(c.number("nothing", 0.5) == 0.5);
  CHECK(c.flag("is_decoder", false));
  CHECK_FALSE(c.flag("absent", false));
  CHECK(c.flag("nothing", true));
  CHECK(c.text("hidden_act", "gelu") == "gelu_new");
  CHECK(c.text("nothing", "gelu") == "gelu");
  CHECK(c.model_type() == "bert");
  CHECK(c.architectures() == std::vector<std::string>{"BertModel", "Other"});
  CHECK(config("{}").model_type().empty());
  CHECK(config("{}").architectures().empty());
  CHECK(config(R"({"architectures": null})").architectures().empty());
}

TEST_CASE("config: a count that may be negative, and words in a list or between bars") {
  const Config c = config(R"({"position_buckets": -1, "list": ["c2p", "P2C"], "text": " P2C |c2p", "empty": "",
                              "number": 4, "mixed": ["c2p", 1], "half": 0.5})");
  CHECK(c.signed_count("position_buckets", 7) == -1);
  CHECK(c.signed_count("absent", -7) == -7);
  CHECK(c.words("list") == std::vector<std::string>{"c2p", "P2C"});
  CHECK(c.words("text") == std::vector<std::string>{"p2c", "c2p"});
  CHECK(c.words("empty").empty());
  CHECK(c.words("absent").empty());
  CHECK_THAT(message([&] { c.signed_count("half", 0); }), Equals("config.json: half is 0.5, expected an integer"));
  CHECK_THAT(message([&] { c.words("number"); }),
             Equals("config.json: number is 4, expected a list of words, or words with | between them"));
  CHECK_THAT(message([&] { c.words("mixed"); }),
             Equals("config.json: mixed is [\"c2p\",1], expected a list of words, or words with | between them"));
}

TEST_CASE("config: num_labels is the size of id2label, else num_labels, else 2") {
  CHECK(config(R"({"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 9})").num_labels() == 3);
  CHECK(config(R"({"num_labels": 9})").num_labels() == 9);
  CHECK(config(R"({"id2label": {}, "num_labels": 4})").num_labels() == 4);
  CHECK(config(R"({"id2label": null})").num_labels() == 2);
  CHECK(config("{}").num_labels() == 2);
}

TEST_CASE("config: a field of the wrong kind is refused with file, field, value and expectation") {
  const Config c = config(R"({"hidden_size": "32", "heads": 1.5, "layers": 0, "vocab_size": -3, "eps": "small",
                              "is_decoder": 1, "hidden_act": 4, "model_type": ["bert"], "architectures": "BertModel"})");
  CHECK_THAT(message([&] { c.size("hidden_size"); }),
             Equals("config.json: hidden_size is \"32\", expected a positive integer"));
  CHECK_THAT(message([&] { c.size("heads"); }), Equals("config.json: heads is 1.5, expected a positive integer"));
  CHECK_THAT(message([&] { c.size("layers"); }), Equals("config.json: layers is 0, expected a positive integer"));
  CHECK_THAT(message([&] { c.size("vocab_size"); }),
             Equals("config.json: vocab_size is -3, expected a positive integer"));
  CHECK_THAT(message([&] { c.number("eps", 0); }), Equals("config.json: eps is \"small\", expected a number"));
  CHECK_THAT(message([&] { c.flag("is_decoder", false); }),
             Equals("config.json: is_decoder is 1, expected true or false"));
  CHECK_THAT(message([&] { c.text("hidden_act", ""); }), Equals("config.json: hidden_act is 4, expected a string"));
  CHECK_THAT(message([&] { c.model_type(); }), Equals("config.json: model_type is [\"bert\"], expected a string"));
  CHECK_THAT(message([&] { c.architectures(); }),
             Equals("config.json: architectures is \"BertModel\", expected a list of class names"));
  CHECK_THAT(message([&] { config(R"({"architectures": ["A", 1]})").architectures(); }),
             Equals("config.json: architectures is [\"A\",1], expected a list of class names"));
}

TEST_CASE("config: a required field that is absent or null is an error that names it") {
  CHECK_THAT(message([] { config("{}").size("hidden_size"); }), Equals("config.json: has no hidden_size"));
  CHECK_THAT(message([] { config(R"({"hidden_size": null})").size("hidden_size"); }),
             Equals("config.json: has no hidden_size"));
}

TEST_CASE("config: null and absent are told apart where null means none, empty and absent are not") {
  const Config c = config(R"({"activation": null, "name": "", "pruned": {"0": [1]}, "none": {}, "labels": []})");
  CHECK(c.is_null("activation"));
  CHECK_FALSE(c.is_null("name"));
  CHECK_FALSE(c.is_null("absent"));
  CHECK(c.has_entries("pruned"));
  for (const char* empty : {"none", "labels", "activation", "absent"}) {
    CHECK_FALSE(c.has_entries(empty));
  }
}

TEST_CASE("config: sizes beyond 2^31 are refused, whatever integer they are written as") {
  CHECK(config(R"({"n": 2147483648})").size("n") == 2147483648);
  for (const char* huge :
       {"2147483649", "9223372036854775807", "18446744073709551615", "1e30", "-9223372036854775808"}) {
    INFO(huge);
    const Config c = config((std::string(R"({"n": )") + huge + "}").c_str());
    CHECK_THAT(message([&] { c.size("n"); }), Catch::Contains("expected a positive integer"));
  }
}

TEST_CASE("config: a document that is no object, or no JSON, is refused with its place") {
  CHECK_THAT(message([] { config("[1]"); }), Equals("config.json: holds a JSON array, expected an object"));
  const TempDir dir;
  testing::write_bytes(dir / "config.json", "{\"hidden_size\": 32,\n  oops}");
  CHECK_THAT(message([&] { Config::read(dir / "config.json"); }),
             Equals((dir / "config.json").string() + ":2:3: is not valid JSON"));
  CHECK(error_of([&] { Config::read(dir / "absent.json"); }).kind() == ErrorKind::kNotFound);
}

}  // namespace bertjit
