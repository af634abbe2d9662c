#include "scan/tar_scan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "container/bytes.h"
#include "container/pickled_tensors.h"
#include "scan/archive_scan.h"
#include "scan/pickle_survey.h"

namespace bertjit {

namespace {

// POSIX.1-1988, ustar: fields of the header by their place.
constexpr size_t kBlock = 512;
constexpr size_t kNameSize = 100;
constexpr size_t kSizeAt = 124;
constexpr size_t kSizeLength = 12;
constexpr size_t kChecksumAt = 148;
constexpr size_t kChecksumLength = 8;
/// torch.save wrote three.
constexpr size_t kMaxMembers = 100'000;

/// Octal digits, after blanks and up to a blank or NUL.
std::optional<uint64_t> octal(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  uint64_t number = 0;
  size_t i = begin;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '7'; ++i) {
    number = number * 8 + static_cast<uint64_t>(text[i] - '0');
  }
  return i == begin ? std::nullopt : std::optional(number);
}

}  // namespace

bool is_tar(std::span<const std::byte> bytes) {
  if (bytes.size() < kBlock) {
    return false;
  }
  const std::string_view header = as_text(bytes.first(kBlock));
  const auto expected = octal(header.substr(kChecksumAt, kChecksumLength));
  // The sum counts the field itself as blanks; some programs added signed bytes.
  uint64_t sum = 0;
  int64_t signed_sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const char c = i >= kChecksumAt && i < kChecksumAt + kChecksumLength ? ' ' : header[i];
    sum += static_cast<uint8_t>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return expected && (*expected == sum || static_cast<int64_t>(*expected) == signed_sum);
}

void scan_tar(std::span<const std::byte> bytes, ScanResult& result, ScanFindings& findings) {
  result.kind = "tar";
  for (size_t at = 0; result.records < kMaxMembers && is_tar(bytes.subspan(at));) {
    const std::string_view header = as_text(bytes.subspan(at, kBlock));
    const std::string_view name = header.substr(0, std::min(header.substr(0, kNameSize).find('\0'), kNameSize));
    const uint64_t size = octal(header.substr(kSizeAt, kSizeLength)).value_or(0);
    const auto rest = bytes.subspan(at + kBlock);
    const auto member = rest.first(std::min<uint64_t>(size, rest.size()));
    ++result.records;
    // A member holds a count, then that many pickles, one behind the other.
    for (size_t begin = 0; begin < member.size();) {
      const PickleSurvey survey = survey_pickle(member.subspan(begin));
      result.pickles += survey.complete;
      judge_imports(survey, is_tensor_global, std::string(name), begin, findings);
      if (!survey.complete) {
        break;
      }
      begin += survey.size_bytes;
    }
    const uint64_t padded = (member.size() + kBlock - 1) / kBlock * kBlock;
    at += kBlock + std::min<uint64_t>(padded, rest.size());
  }
  findings.add({.effect = ScanEffect::kUnread,
                .rule = "unread",
                .found = "is a tar archive, as torch.save wrote before PyTorch 0.1.10",
                .why = "what was not read cannot be vouched for"});
}

}  // namespace bertjit
