#include "base/log.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace everwrite {
namespace {

// Length of the UTF-8 sequence at the front of `text`, 0 when it is not one (overlong forms and
// surrogates are not).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = 0;
  uint32_t code = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2;
    code = lead & 0x1f;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3;
    code = lead & 0x0f;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4;
    code = lead & 0x07;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
  return length;
}

class StderrLogSink : public LogSink {
 public:
  void Write(std::string_view line) override {
    while (!line.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return;
      }
      line.remove_prefix(static_cast<size_t>(written));
    }
  }
};

void AppendNumber(std::string& out, auto value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, end);
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const char c = text.front();
    const size_t length = Utf8Length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else {
        out += "\\u00";
        out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
        out.push_back(kHex[c & 0xf]);
      }
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

std::string FormatUtcMillis(uint64_t millis_since_epoch) {
  // Days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  const int64_t days = static_cast<int64_t>(millis_since_epoch / 86400000);
  const auto rest = static_cast<uint32_t>(millis_since_epoch % 86400000);
  const int64_t shifted = days + 719468;
  const int64_t era = shifted / 146097;
  const int64_t day_of_era = shifted % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_index = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
  const int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  char text[48];
  std::snprintf(text, sizeof(text), "%04lld-%02d-%02dT%02u:%02u:%02u.%03uZ",
                static_cast<long long>(year), static_cast<int>(month), static_cast<int>(day),
                rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
  return text;
}

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
    case LogLevel::kOff: return "off";
  }
  return "unknown";
}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    if (LogLevelName(level) == name) return level;
  }
  return InvalidArgument("log level '" + std::string(name) +
                         "' is not one of debug, info, warning, error, off");
}

void LogField::AppendValue(std::string& out, bool json) const {
  switch (kind_) {
    case Kind::kText:
      if (json || text_.find_first_of(" \t\n\"=") != std::string_view::npos) {
        AppendJsonString(out, text_);
      } else {
        out += text_;
      }
      return;
    case Kind::kBool: out += number_ != 0 ? "true" : "false"; return;
    case Kind::kSigned: AppendNumber(out, number_); return;
    case Kind::kUnsigned: AppendNumber(out, static_cast<uint64_t>(number_)); return;
  }
}

std::shared_ptr<LogSink> StderrSink() {
  static const auto sink = std::make_shared<StderrLogSink>();
  return sink;
}

bool StderrIsTerminal() { return ::isatty(STDERR_FILENO) == 1; }

struct Logger::Shared {
  std::shared_ptr<LogSink> sink;
  std::string region;
  const Clock* clock;
  bool json;
};

Logger::Logger(std::shared_ptr<LogSink> sink, LogOptions options, const Clock* clock)
    : level_(options.level),
      shared_(std::make_shared<Shared>(
          Shared{std::move(sink), std::move(options.region), clock, options.json})),
      component_(std::move(options.component)) {}

Logger Logger::Named(std::string_view component) const {
  Logger copy = *this;
  copy.component_ = component;
  return copy;
}

void Logger::Write(LogLevel level, std::string_view message, Fields fields) const {
  if (shared_ == nullptr) return;
  std::string line;
  line.reserve(256);
  const std::string time = FormatUtcMillis(shared_->clock->PhysicalMillis());
  // The parts that a caller gives are cut, not the line: it stays one JSON object.
  const std::string_view text = message.substr(0, kMaxLogLine / 8);
  if (shared_->json) {
    line += "{\"ts\":\"" + time + "\",\"level\":\"";
    line += LogLevelName(level);
    line += '"';
    if (!shared_->region.empty()) {
      line += ",\"region\":";
      AppendJsonString(line, shared_->region);
    }
    line += ",\"component\":";
    AppendJsonString(line, component_);
    line += ",\"msg\":";
    AppendJsonString(line, text);
  } else {
    line += time.substr(11, 12) + ' ';
    line += LogLevelName(level);
    line += ' ';
    if (!shared_->region.empty()) line += shared_->region + ' ';
    line += component_ + ": ";
    line += text;
  }
  std::string value;
  for (const LogField& field : fields) {
    value.clear();
    field.AppendValue(value, shared_->json);
    if (line.size() + field.name().size() + value.size() + 8 > kMaxLogLine) continue;
    if (shared_->json) {
      line += ',';
      AppendJsonString(line, field.name());
      line += ':';
    } else {
      line += ' ';
      line += field.name();
      line += '=';
    }
    line += value;
  }
  line += shared_->json ? "}\n" : "\n";
  shared_->sink->Write(line);
}

}  // namespace everwrite
