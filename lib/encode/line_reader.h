// Lines of a stream, as many as are there: a line that was just typed is not kept waiting for a full buffer.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace bertjit {

/// Some whole lines, each with its "\n", which the last line of the stream may lack.
struct LineBlock {
  std::string text;
  uint64_t first_line = 1;  ///< number of its first line, from 1
};

class LineReader {
 public:
  /// `in` must outlive this. `descriptor` is the file behind it, which is asked whether a read would wait; -1 says that
  /// it never does (a string).
  LineReader(std::istream& in, int descriptor) : in_(in), descriptor_(descriptor) {}

  bool at_end() const {
    return at_end_;
  }

  /// Whether read() would return at once.
  bool ready() const;

  /// Reads what is there, up to `max_bytes`; waits for something if nothing is. Throws Error(kIo).
  void read(size_t max_bytes);

  /// The whole lines read so far, the unfinished last one too at the end of the stream; nothing if there are none.
  std::optional<LineBlock> take_lines();

 private:
  std::istream& in_;
  int descriptor_;
  bool at_end_ = false;
  std::string text_;        ///< read, not taken
  size_t searched_ = 0;     ///< of text_, for the last line end: a long line is looked through once
  size_t complete_ = 0;     ///< end of the last whole line in text_
  uint64_t next_line_ = 1;  ///< number of the first line in text_
};

/// The next line of a block, without its "\n" or "\r\n"; takes it off the front of `text`, which must not be empty.
std::string_view take_line(std::string_view& text);

}  // namespace bertjit
