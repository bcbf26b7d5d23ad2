// Logs: one valid line an event whatever the values hold, and nothing when the level is off.
#include "base/log.h"

#include <gtest/gtest.h>

#include <thread>

namespace everwrite {
namespace {

class FixedClock : public Clock {
 public:
  Instant Now() const override { return {}; }
  uint64_t PhysicalMillis() const override { return 1767323045678; }  // 2026-01-02T03:04:05.678Z
};

class CapturingSink : public LogSink {
 public:
  void Write(std::string_view line) override {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line);
  }
  std::mutex mutex;
  std::vector<std::string> lines;
};

struct Fixture {
  explicit Fixture(bool json, LogLevel level = LogLevel::kInfo)
      : log(sink, {.region = "eu-west-1", .component = "link", .level = level, .json = json},
            &clock) {}
  FixedClock clock;
  std::shared_ptr<CapturingSink> sink = std::make_shared<CapturingSink>();
  Logger log;
};

TEST(Log, AJsonLineHasTheAgreedNamesThenTheFields) {
  Fixture f(/*json=*/true);
  f.log.Warning("peer is silent", {{"peer", "us-east-1"}, {"silent_ms", 3000}, {"relay", true}});
  ASSERT_EQ(f.sink->lines.size(), 1u);
  EXPECT_EQ(f.sink->lines[0],
            "{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warning\",\"region\":\"eu-west-1\","
            "\"component\":\"link\",\"msg\":\"peer is silent\",\"peer\":\"us-east-1\","
            "\"silent_ms\":3000,\"relay\":true}\n");
}

TEST(Log, TextQuotesOnlyWhatNeedsIt) {
  Fixture f(/*json=*/false);
  f.log.Named("wal").Error("write failed", {{"why", "no space"}, {"code", -28}, {"file", "a.log"}});
  ASSERT_EQ(f.sink->lines.size(), 1u);
  EXPECT_EQ(
      f.sink->lines[0],
      "03:04:05.678 error eu-west-1 wal: write failed why=\"no space\" code=-28 file=a.log\n");
}

TEST(Log, ALevelThatIsOffWritesNothing) {
  Fixture f(/*json=*/true, LogLevel::kError);
  f.log.Warning("x");
  EXPECT_FALSE(f.log.Enabled(LogLevel::kWarning));
  Logger().Error("nobody listens");
  EXPECT_TRUE(f.sink->lines.empty());
}

TEST(Log, HostileTextStaysOneLineOfValidJson) {
  Fixture f(/*json=*/true);
  f.log.Info("a\"b\\c\nd\x01\xff\xc0\xaf\xed\xa0\x80 \xc3\xa9");
  const std::string& line = f.sink->lines.at(0);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_NE(line.find("a\\\"b\\\\c\\nd\\u0001\xef\xbf\xbd"), std::string::npos);
  EXPECT_NE(line.find("\xc3\xa9"), std::string::npos);
  EXPECT_EQ(line.find('\xff'), std::string::npos);
  EXPECT_EQ(line.find('\xed'), std::string::npos);
}

TEST(Log, ALongFieldIsLeftOutAndTheLineStaysAnObject) {
  Fixture f(/*json=*/true);
  f.log.Info(std::string(100000, 'm'), {{"big", std::string(100000, 'x')}, {"small", 1}});
  const std::string& line = f.sink->lines.at(0);
  EXPECT_LT(line.size(), kMaxLogLine);
  EXPECT_NE(line.find("\"small\":1}"), std::string::npos);
}

TEST(Log, LinesOfManyThreadsDoNotMix) {
  Fixture f(/*json=*/true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) f.log.Info("tick", {{"i", i}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(f.sink->lines.size(), 800u);
  for (const std::string& line : f.sink->lines) EXPECT_EQ(line.back(), '\n');
}

TEST(Log, DatesAreRightAcrossLeapYears) {
  EXPECT_EQ(FormatUtcMillis(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatUtcMillis(951782400000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(FormatUtcMillis(1709251199999), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(FormatUtcMillis(4107542400000), "2100-03-01T00:00:00.000Z");
}

TEST(Log, LevelNamesRoundTripAndOthersAreRefused) {
  for (int i = 0; i <= static_cast<int>(LogLevel::kOff); ++i) {
    const auto level = static_cast<LogLevel>(i);
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)).value(), level);
  }
  EXPECT_FALSE(ParseLogLevel("loud").ok());
}

}  // namespace
}  // namespace everwrite
