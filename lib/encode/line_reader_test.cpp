#include "encode/line_reader.h"

#include <unistd.h>
#include <ext/stdio_filebuf.h>

#include <sstream>

#include "testing/testing.h"

using namespace bertjit;

namespace {

/// A pipe: what a test writes to one end the reader finds at the other.
class Pipe {
 public:
  Pipe() {
    REQUIRE(::pipe(ends_) == 0);
    buffer_ = std::make_unique<__gnu_cxx::stdio_filebuf<char>>(ends_[0], std::ios::in);
    in_.rdbuf(buffer_.get());
  }
  ~Pipe() {
    close_writer();
  }

  std::istream& in() {
    return in_;
  }
  int descriptor() const {
    return ends_[0];
  }
  void write(const std::string& text) const {
    REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void close_writer() {
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }

 private:
  int ends_[2];
  std::unique_ptr<__gnu_cxx::stdio_filebuf<char>> buffer_;
  std::istream in_{nullptr};
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    lines.emplace_back(take_line(text));
  }
  return lines;
}

}  // namespace

TEST_CASE("encode: lines end with LF or CRLF, the last one perhaps with neither") {
  using Lines = std::vector<std::string>;
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("a\r\nb\r\n\r\n") == Lines{"a", "b", ""});
  CHECK(lines_of("\n\nc") == Lines{"", "", "c"});
  CHECK(lines_of("a\rb\r\r\nc\r") == Lines{"a\rb\r", "c\r"});
  CHECK(lines_of(std::string_view("a\0b\n", 4)) == Lines{std::string("a\0b", 3)});
}

TEST_CASE("encode: however a text is cut into reads, the same lines come with the same numbers") {
  const std::string text = "one\n\nthree is longer than a read\nfour";
  for (size_t size = 1; size <= text.size() + 1; ++size) {
    std::istringstream in(text);
    LineReader reader(in, -1);
    std::string all;
    uint64_t next_line = 1;
    while (!reader.at_end()) {
      reader.read(size);
      while (const auto block = reader.take_lines()) {
        CHECK(block->first_line == next_line);
        CHECK((block->text.back() == '\n' || reader.at_end()));
        all += block->text;
        next_line += lines_of(block->text).size();
      }
    }
    INFO("reads of " << size << " bytes");
    CHECK(all == text);
    CHECK(next_line == 5);
  }
}

TEST_CASE("encode: an empty stream has no lines") {
  std::istringstream in("");
  LineReader reader(in, -1);
  reader.read(100);
  CHECK(reader.at_end());
  CHECK_FALSE(reader.take_lines().has_value());
}

TEST_CASE("encode: a pipe is ready when a line, a part of one, or its end is there, and gives no more than that") {
  Pipe pipe;
  LineReader reader(pipe.in(), pipe.descriptor());
  CHECK_FALSE(reader.ready());
  pipe.write("one\ntw");
  CHECK(reader.ready());
  reader.read(1 << 20);
  CHECK_FALSE(reader.ready());
  CHECK(reader.take_lines()->text == "one\n");
  CHECK_FALSE(reader.take_lines().has_value());
  pipe.write("o\n");
  reader.read(1 << 20);
  const auto block = reader.take_lines();
  CHECK(block->text == "two\n");
  CHECK(block->first_line == 2);
  pipe.write("three");
  reader.read(1 << 20);
  CHECK_FALSE(reader.take_lines().has_value());
  pipe.close_writer();
  CHECK(reader.ready());
  reader.read(1 << 20);
  CHECK(reader.at_end());
  CHECK(reader.take_lines()->text == "three");
}
