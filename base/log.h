// Structured logs: one line an event, for programs as JSON, for people on a terminal as text.
//
//   Logger log(StderrSink(), options, clock);
//   Logger link = log.Named("link");                    // same sink, another component
//   link.Warning("peer is silent", {{"peer", "eu-west-1"}, {"silent_ms", 3000}});
//
// A JSON line is {"ts":"2026-01-02T03:04:05.678Z","level":"warning","region":"eu-west-1",
// "component":"link","msg":"peer is silent","peer":"eu-west-1","silent_ms":3000}. Field order is
// the order of the call; a field never has one of the first five names.
//
// A level that is off costs one comparison: the fields are an initializer list of views, so nothing
// is formatted or allocated before the level was looked at. What does not fit into kMaxLogLine is
// left out. Never log item values or credentials.
//
// Thread-safety: Logger is a value, and const; its methods may be called from any thread. The sink
// gets whole lines and must be thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "base/result.h"

namespace everwrite {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
std::string_view LogLevelName(LogLevel level);
Result<LogLevel> ParseLogLevel(std::string_view name);

constexpr size_t kMaxLogLine = 16 * 1024;

// A name and a value; views of what the caller holds during the call.
class LogField {
 public:
  LogField(std::string_view name, std::string_view value)
      : name_(name), text_(value), kind_(Kind::kText) {}
  LogField(std::string_view name, const char* value) : LogField(name, std::string_view(value)) {}
  LogField(std::string_view name, const std::string& value)
      : LogField(name, std::string_view(value)) {}
  LogField(std::string_view name, bool value) : name_(name), number_(value), kind_(Kind::kBool) {}
  template <typename Integer>
  requires std::is_integral_v<Integer> LogField(std::string_view name, Integer value)
      : name_(name),
        number_(static_cast<int64_t>(value)),
        kind_(std::is_signed_v<Integer> ? Kind::kSigned : Kind::kUnsigned) {}
  LogField(std::string_view name, const Status& status)
      : name_(name),
        text_(status.ok() ? std::string_view("OK") : status.message()),
        kind_(Kind::kText) {}

  std::string_view name() const { return name_; }
  // Appends the value: as JSON, or bare for text.
  void AppendValue(std::string& out, bool json) const;

 private:
  enum class Kind : uint8_t { kText, kBool, kSigned, kUnsigned };
  std::string_view name_;
  std::string_view text_;
  int64_t number_ = 0;
  Kind kind_;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  // `line` ends with a newline. Must not throw, and must not log.
  virtual void Write(std::string_view line) = 0;
};

// Standard error, one write(2) a line. What cannot be written is lost: a log never blocks on its
// reader longer than the kernel does.
std::shared_ptr<LogSink> StderrSink();
bool StderrIsTerminal();

struct LogOptions {
  std::string region;  // left out of the line when empty
  std::string component;
  LogLevel level = LogLevel::kInfo;
  bool json = true;
};

class Logger {
 public:
  // Drops everything.
  Logger() = default;
  // `clock` must outlive the logger and all that were made of it.
  Logger(std::shared_ptr<LogSink> sink, LogOptions options, const Clock* clock);

  Logger Named(std::string_view component) const;
  bool Enabled(LogLevel level) const { return level >= level_; }

  using Fields = std::initializer_list<LogField>;
  void Log(LogLevel level, std::string_view message, Fields fields = {}) const {
    if (Enabled(level)) Write(level, message, fields);
  }
  void Debug(std::string_view message, Fields fields = {}) const {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, Fields fields = {}) const {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warning(std::string_view message, Fields fields = {}) const {
    Log(LogLevel::kWarning, message, fields);
  }
  void Error(std::string_view message, Fields fields = {}) const {
    Log(LogLevel::kError, message, fields);
  }

 private:
  struct Shared;
  void Write(LogLevel level, std::string_view message, Fields fields) const;

  LogLevel level_ = LogLevel::kOff;
  std::shared_ptr<const Shared> shared_;
  std::string component_;
};

// Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
// "2026-01-02T03:04:05.678Z"
std::string FormatUtcMillis(uint64_t millis_since_epoch);

}  // namespace everwrite
