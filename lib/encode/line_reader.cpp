#include "encode/line_reader.h"

#include <poll.h>

#include <algorithm>

#include "support/error.h"

namespace bertjit {

bool LineReader::ready() const {
  if (at_end_ || descriptor_ < 0 || in_.rdbuf()->in_avail() > 0) {
    return true;
  }
  pollfd asked{descriptor_, POLLIN, 0};
  return ::poll(&asked, 1, 0) != 0;  // at its end, or in error, a read does not wait either
}

void LineReader::read(size_t max_bytes) {
  const size_t begin = text_.size();
  do {
    if (in_.peek() == std::istream::traits_type::eof()) {
      at_end_ = true;
      break;
    }
    const auto available = static_cast<size_t>(std::max<std::streamsize>(in_.rdbuf()->in_avail(), 1));
    const size_t length = text_.size();
    text_.resize(length + std::min(available, max_bytes - (length - begin)));
    in_.read(text_.data() + length, static_cast<std::streamsize>(text_.size() - length));
    text_.resize(length + static_cast<size_t>(in_.gcount()));  // less, if the file was cut short meanwhile
  } while (text_.size() - begin < max_bytes && ready());
  if (in_.bad()) {
    throw Error(ErrorKind::kIo, "cannot read standard input");
  }
  const size_t line_end = std::string_view(text_).substr(searched_).rfind('\n');
  complete_ = line_end == std::string_view::npos ? complete_ : searched_ + line_end + 1;
  searched_ = text_.size();
}

std::optional<LineBlock> LineReader::take_lines() {
  const size_t end = at_end_ ? text_.size() : complete_;
  if (end == 0) {
    return std::nullopt;
  }
  std::string rest = text_.substr(end);
  text_.resize(end);
  LineBlock block{std::move(text_), next_line_};
  next_line_ += static_cast<uint64_t>(std::count(block.text.begin(), block.text.end(), '\n'));
  text_ = std::move(rest);
  searched_ = text_.size();
  complete_ = 0;
  return block;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  // As in Python's text files. A lone "\r" is text.
  if (end != std::string_view::npos && line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

}  // namespace bertjit
