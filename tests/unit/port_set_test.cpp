#include <portpool/port_set.hpp>

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <portpool/errors.hpp>

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(PortSet, IsEmptyAtFirst) {
  const PortSet none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_EQ(none.toString(), "");
  EXPECT_FALSE(none.contains(1));
}

TEST(PortSet, IteratesInAscendingOrder) {
  EXPECT_THAT((PortSet{{30, 31}, {10, 12}, {20, 20}}), ElementsAre(10, 11, 12, 20, 30, 31));
}

TEST(PortSet, HoldsBothEndsOfTheNumberRange) {
  const PortSet all{{1, 65535}};
  EXPECT_EQ(all.size(), 65535U);
  EXPECT_TRUE(all.contains(1));
  EXPECT_TRUE(all.contains(65535));
  EXPECT_FALSE(all.contains(0));
  EXPECT_EQ(std::distance(all.begin(), all.end()), 65535);
  EXPECT_EQ((PortSet{{65535, 65535}, {65534, 65534}, {1, 1}}).toString(), "1,65534-65535");
  EXPECT_THAT(all - all, IsEmpty());
}

TEST(PortSet, MergesRangesThatOverlapOrTouch) {
  EXPECT_THAT((PortSet{{10, 12}, {13, 15}, {20, 30}, {25, 40}, {42, 42}}).ranges(),
              ElementsAre(PortRange{10, 15}, PortRange{20, 40}, PortRange{42, 42}));
  PortSet bridged{{10, 12}, {14, 16}, {18, 20}};
  bridged.insert({13, 17});
  EXPECT_THAT(bridged.ranges(), ElementsAre(PortRange{10, 20}));
}

TEST(PortSet, RefusesWhatIsNoRangeOfPorts) {
  PortSet ports;
  EXPECT_THAT([&] { ports.insert(0); }, ThrowsMessage<PortSpecificationError>(HasSubstr("0-0")));
  EXPECT_THAT(
      [&] {
        ports.insert({5, 4});
      },
      ThrowsMessage<PortSpecificationError>(HasSubstr("5-4")));
  EXPECT_TRUE(ports.empty());
}

TEST(PortSet, ItselfAsTheOtherOperandIsFine) {
  PortSet ports{{1, 3}, {7, 9}};
  const PortSet& same = ports;
  ports |= same;
  ports &= same;
  EXPECT_EQ(ports.toString(), "1-3,7-9");
  ports -= same;
  EXPECT_TRUE(ports.empty());
}

TEST(PortSet, PrintsItselfToAStream) {
  std::ostringstream out;
  out << PortSet{{20000, 20999}, {30000, 30000}};
  EXPECT_EQ(out.str(), "20000-20999,30000");
}

TEST(PortSet, DoesAsAStandardSetDoes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    // Few numbers, so that ranges touch and overlap often, at either end of what a port can be.
    const int lowest = random() % 2 == 0 ? 1 : 65536 - 60;
    const auto fill = [&](PortSet& ports, std::set<int>& model) {
      for (auto count = random() % 12; count > 0; --count) {
        const int first = lowest + static_cast<int>(random() % 60);
        const int last = std::min(first + static_cast<int>(random() % 8), lowest + 59);
        ports.insert({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
        for (int port = first; port <= last; ++port) model.insert(port);
      }
    };
    const auto same = [&](const PortSet& ports, const std::set<int>& model) {
      EXPECT_EQ(std::vector<int>(ports.begin(), ports.end()),
                std::vector<int>(model.begin(), model.end()));
      EXPECT_EQ(ports.size(), model.size());
      EXPECT_EQ(parsePortSet(ports.toString()), ports);
      for (int port = lowest; port < lowest + 60; ++port) {
        EXPECT_EQ(ports.contains(static_cast<std::uint16_t>(port)), model.count(port) == 1) << port;
      }
      for (std::size_t i = 1; i < ports.ranges().size(); ++i) {
        EXPECT_GT(ports.ranges()[i].first, ports.ranges()[i - 1].last + 1) << "not maximal";
      }
    };
    PortSet a, b;
    std::set<int> modelA, modelB;
    fill(a, modelA);
    fill(b, modelB);
    same(a, modelA);

    std::set<int> both = modelA, common, difference;
    both.insert(modelB.begin(), modelB.end());
    for (const int port : modelA) (modelB.count(port) == 1 ? common : difference).insert(port);
    same(a | b, both);
    same(a & b, common);
    same(a - b, difference);
    EXPECT_EQ(a == b, modelA == modelB);
    if (HasFailure()) return;
  }
}

struct Text {
  const char* text;
  const char* meaning;
};

TEST(ParsePortSet, ReadsWhatPeopleWrite) {
  for (const auto& [text, meaning] : {
           Text{"", ""},
           {"20000", "20000"},
           {"1,65535", "1,65535"},
           {"20000-20999,30000", "20000-20999,30000"},
           {"20000-20000", "20000"},
           {"30000,20000,30000,20000-20001", "20000-20001,30000"},
           {" 20000 - 20002 ,\t30000 ", "20000-20002,30000"},
           {"20000\n30000", "20000,30000"},
           {"20000\n30000\n", "20000,30000"},
           {"20000\r\n30000\r\n", "20000,30000"},
           {"\n\n  \r\n20000\n\n", "20000"},
           {"# all of ours\n20000-20001 # two, really\n#30000\n", "20000-20001"},
           {"#", ""},
           {"00020000", "20000"},
       }) {
    EXPECT_EQ(parsePortSet(text).toString(), meaning) << '"' << text << '"';
  }
}

struct BadText {
  const char* text;
  const char* token;
};

TEST(ParsePortSet, RefusesTheRestAndNamesSourceTokenAndForm) {
  for (const auto& [text, token] : {
           BadText{"0", "\"0\" is not from 1 to 65535"},
           {"65536", "\"65536\" is not from 1 to 65535"},
           {"70000", "\"70000\" is not from 1 to 65535"},
           {"99999999999999999999999", "\"99999999999999999999999\" is not from 1 to 65535"},
           {"0-5", "\"0-5\" is not from 1 to 65535"},
           {"20000-65536", "\"20000-65536\" is not from 1 to 65535"},
           {"20999-20000", "\"20999-20000\" is a range that ends before it begins"},
           {"-20000", "\"-20000\" is neither"},
           {"+20000", "\"+20000\" is neither"},
           {"20000-", "\"20000-\" is neither"},
           {"-", "\"-\" is neither"},
           {"20000--20001", "\"20000--20001\" is neither"},
           {"20000-20001-20002", "\"20000-20001-20002\" is neither"},
           {"20000 20001", "\"20000 20001\" is neither"},
           {"http", "\"http\" is neither"},
           {"20000x", "\"20000x\" is neither"},
           {"0x5000", "\"0x5000\" is neither"},
           {"20000.5", "\"20000.5\" is neither"},
           {"20000;20001", "\"20000;20001\" is neither"},
           {"20000,", "\",\" has nothing after it"},
           {"20000, # and more\n", "\",\" has nothing after it"},
           {",20000", "\"\" is neither"},
           {"20000,,20001", "\"\" is neither"},
           {"20000\n30000\noops\n", "\"oops\" is neither"},
           {"20000\r30000", "\"20000?30000\" is neither"},
           {"\x1b[31m", "\"?[31m\" is neither"},
       }) {
    EXPECT_THAT([bad = text] { parsePortSet(bad, "THE_SOURCE"); },
                ThrowsMessage<PortSpecificationError>(
                    AllOf(HasSubstr(std::string("THE_SOURCE: ") + token),
                          HasSubstr("give ports from 1 to 65535 and ranges of them"),
                          HasSubstr("like 20000-20999,30000"))))
        << '"' << text << '"';
  }
}

TEST(ParsePortSet, ShortensALongTokenInItsMessage) {
  EXPECT_THAT([] { parsePortSet(std::string(5000, 'x')); },
              ThrowsMessage<PortSpecificationError>(
                  AllOf(HasSubstr(std::string(40, 'x') + "...\""),
                        ::testing::Not(HasSubstr(std::string(41, 'x'))))));
}

}  // namespace
}  // namespace portpool::test
