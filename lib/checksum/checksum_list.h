// Lines of checksum lists, as GNU sha512sum 9.1 writes and reads them.
//
//   HEX  NAME            the usual form; '*' in place of the second space marks binary mode, which means nothing here
//   HEX NAME             what old BSD tools wrote ("reversed"); a list may not mix it with the usual form
//   SHA512 (NAME) = HEX  the form of BSD's and OpenSSL's tools
//   \HEX  NAME           a name in which \\ \n \r stand for a backslash, a newline and a carriage return
#pragma once

#include <string>
#include <string_view>

#include "checksum/sha512.h"

namespace bertjit {

enum class LineStyle { kGnu, kBsd };
enum class ModeMark { kText, kBinary };
enum class LineEnd {
  kNewline,  ///< names are escaped where they must be
  kNul,      ///< names are written as they are
};

struct LineFormat {
  /// What the digests are of, as BSD's form names it.
  std::string tag = "SHA512";
  LineStyle style = LineStyle::kGnu;
  ModeMark mark = ModeMark::kText;
  LineEnd end = LineEnd::kNewline;
};

/// A whole line of a list, its end included.
std::string format_checksum_line(std::string_view name, const Sha512Digest& digest, const LineFormat& format);

/// The name as a report on it writes it: escaped after one backslash that says so, or as it is. Unlike a line of a
/// list, a report escapes only names that hold a newline.
std::string format_reported_name(std::string_view name);

/// One line of a list that was read.
struct ListedChecksum {
  enum class Kind {
    kEntry,
    kIgnored,    ///< empty, or a comment (starts with '#')
    kMalformed,  ///< nothing that sha512sum understands
  };
  Kind kind = Kind::kMalformed;
  std::string name;  ///< unescaped; it may be "-"
  Sha512Digest digest{};
};

/// Reads lines one by one, in order; the usual form and the reversed one exclude each other, and the first line of
/// either decides for all lists this object reads. sha512sum does the same, since otherwise a name that starts with a
/// space could be made to mean another file.
class ChecksumListParser {
 public:
  /// `tag` begins the lines in BSD's form; those with another are malformed.
  explicit ChecksumListParser(std::string tag = LineFormat().tag) : tag_(std::move(tag)) {}

  /// `line` without its newline; one carriage return at its end is dropped. Names end at a NUL.
  ListedChecksum parse_line(std::string_view line);

 private:
  enum class Layout { kUnknown, kUsual, kReversed };

  bool parse_untagged(std::string_view rest, bool escaped, ListedChecksum& entry);
  bool accept_layout(Layout layout);

  std::string tag_;
  Layout layout_ = Layout::kUnknown;
};

}  // namespace bertjit
