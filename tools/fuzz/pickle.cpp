// Pickles: the reader of values, under three sets of rules, and the survey of a scan.
#include "container/pickle.h"

#include "fuzz/fuzz.h"
#include "scan/pickle_survey.h"

using namespace bertjit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const PickleSurvey survey = survey_pickle(bytes);
  fuzz::require(survey.size_bytes <= size, "a survey ends within the bytes");
  fuzz::require(survey.complete == survey.fault.empty(), "an incomplete survey says why");

  const auto all = [](const std::string&) { return true; };
  const auto none = [](const std::string&) { return false; };
  for (const auto& rules : {PickleRules{.is_allowed = all}, PickleRules{.is_allowed = all, .keep_objects = true},
                            PickleRules{.is_allowed = none}}) {
    fuzz::answers([&] {
      const Pickle pickle = read_pickle(bytes, "input", rules);
      fuzz::require(pickle.root != nullptr, "a pickle has a root");
      fuzz::require(pickle.size_bytes <= size, "a pickle ends within the bytes");
      fuzz::require(survey.complete && survey.size_bytes == pickle.size_bytes, "what is read was surveyed");
    });
  }
  return 0;
}
