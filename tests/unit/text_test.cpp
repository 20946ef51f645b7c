#include "text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace portpool::test {
namespace {

TEST(Printable, LeavesTextAsItIs) {
  for (const char* text :
       {"", "redis-server *:6379", "gr\u00fc\u00df dich", "\u65e5\u672c", "\U0001F600"}) {
    EXPECT_EQ(printable(text, 100), text);
  }
}

TEST(Printable, ReplacesWhatControlsATerminal) {
  EXPECT_EQ(printable("a\033[2Jb\n\t\r\x7f", 100), "a?[2Jb????");
  EXPECT_EQ(printable(std::string("a\0b", 3), 100), "a?b");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m",
                      100),
            "??31m")
      << "U+009B, of one byte in Latin-1";
}

TEST(Printable, ReplacesWhatTurnsTheDirectionOfText) {
  EXPECT_EQ(printable("a\u202Eb\u202Cc\u2066d\u2069e\u200Ff", 100), "a???b???c???d???e???f");
  EXPECT_EQ(printable("\u2026\u20AC", 100), "\u2026\u20AC");
}

TEST(Printable, ReplacesWhatIsNoUTF8) {
  EXPECT_EQ(printable("\xFF\xFE", 100), "??");
  EXPECT_EQ(printable("\xC3", 100), "?");
  EXPECT_EQ(printable("\xC3(", 100), "?(");
  EXPECT_EQ(printable("\xC0\x80", 100), "??") << "too long";
  EXPECT_EQ(printable("\xE0\x80\x80", 100), "???") << "too long";
  EXPECT_EQ(printable("\xED\xA0\x80", 100), "???") << "a surrogate";
  EXPECT_EQ(printable("\xEF\xBF\xBE", 100), "???") << "U+FFFE, which XML forbids";
  EXPECT_EQ(printable("\xF0\x80\x80\x80", 100), "????") << "too long";
  EXPECT_EQ(printable("\xF4\x90\x80\x80", 100), "????") << "above U+10FFFF";
  EXPECT_EQ(printable("\x80", 100), "?");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable("abcde\u00fc", 6), "abcde...");
  EXPECT_EQ(printable("abcd\u00fc", 6), "abcd\u00fc");
}

}  // namespace
}  // namespace portpool::test
