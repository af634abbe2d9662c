#include "diff/line_diff.h"

#include "testing/testing.h"

using namespace bertjit;

TEST_CASE("line diff: equal texts have none") {
  CHECK(diff_texts("a\nb\n", "a\nb\n").text.empty());
  CHECK(diff_texts("", "").text.empty());
}

// Expected texts: GNU diff 3.8, `diff -u`, without the two lines of file names.
TEST_CASE("line diff: the form is that of diff -u") {
  const LineDiff changed = diff_texts("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\nX\nf\ng\nh\n");
  CHECK(changed.text == "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n");
  CHECK(changed.removed == 1);
  CHECK(changed.added == 1);
  CHECK(diff_texts("", "a\n").text == "@@ -0,0 +1 @@\n+a\n");
  CHECK(diff_texts("a\nb\n", "").text == "@@ -1,2 +0,0 @@\n-a\n-b\n");
  CHECK(diff_texts("a\n", "a\nb\n").text == "@@ -1 +1,2 @@\n a\n+b\n");
}

TEST_CASE("line diff: changes far apart come in hunks of their own") {
  std::string first;
  for (int i = 0; i < 20; ++i) {
    first += std::to_string(i) + "\n";
  }
  std::string second = first;
  second.replace(second.find("2\n"), 1, "X");
  second.replace(second.find("17\n"), 2, "Y");
  const LineDiff diff = diff_texts(first, second);
  CHECK(diff.removed == 2);
  CHECK(diff.added == 2);
  CHECK(diff.text.find("@@ -1,6 +1,6 @@\n") == 0);
  CHECK(diff.text.find("@@ -15,6 +15,6 @@\n") != std::string::npos);
}

TEST_CASE("line diff: no fewer lines could be left out and put in") {
  // The longest common subsequence of ABCABBA and CBABAC has 4 letters (Myers 1986, figure 1).
  const LineDiff diff = diff_texts("A\nB\nC\nA\nB\nB\nA\n", "C\nB\nA\nB\nA\nC\n");
  CHECK(diff.removed == 3);
  CHECK(diff.added == 2);
}

TEST_CASE("line diff: texts that have nothing in common are replaced as a whole") {
  std::string first;
  std::string second;
  for (int i = 0; i < 6000; ++i) {
    first += "a" + std::to_string(i) + "\n";
    second += "b" + std::to_string(i) + "\n";
  }
  const LineDiff diff = diff_texts(first, second);
  CHECK(diff.removed == 6000);
  CHECK(diff.added == 6000);
}
