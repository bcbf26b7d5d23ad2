#include "chaos/sim/schedule.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/check.h"
#include "base/clock.h"

namespace everwrite::chaos {
namespace {

constexpr std::string_view kHead = "everwrite-events";
constexpr int64_t kFormat = 1;

std::string SecondsText(int64_t micros) {
  const std::string fraction = std::to_string(micros % kMicrosPerSecond);
  return std::to_string(micros / kMicrosPerSecond) + "." + std::string(6 - fraction.size(), '0') +
         fraction;
}

// One line, word by word.
class Line {
 public:
  Line(std::string_view text, std::string where) : where_(std::move(where)) {
    text = text.substr(0, text.find('#'));
    while (true) {
      const size_t begin = text.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) break;
      const size_t end = std::min(text.find_first_of(" \t\r", begin), text.size());
      words_.push_back(text.substr(begin, end - begin));
      text.remove_prefix(end);
    }
  }
  bool empty() const { return words_.empty(); }
  bool AtEnd() const { return next_ == words_.size(); }
  std::string_view Word() { return AtEnd() ? std::string_view() : words_[next_++]; }

  Status Error(const std::string& text) const { return InvalidArgument(where_ + ": " + text); }

  Status Number(std::string_view what, int64_t low, int64_t high, int64_t& value) {
    const std::string_view word = Word();
    const auto [end, error] = std::from_chars(word.begin(), word.end(), value);
    if (word.empty() || error != std::errc() || end != word.end() || value < low || value > high)
      return Error(std::string(what) + " is a whole number from " + std::to_string(low) + " to " +
                   std::to_string(high) + ", not '" + std::string(word) + "'");
    return {};
  }

  // Seconds with up to six digits behind the point.
  Status Seconds(std::string_view what, int64_t& micros) {
    const std::string_view word = Word();
    const size_t point = std::min(word.find('.'), word.size());
    std::string digits(word.substr(0, point));
    const std::string fraction(point < word.size() ? word.substr(point + 1) : "");
    digits += fraction + std::string(fraction.size() < 6 ? 6 - fraction.size() : 0, '0');
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), micros);
    if (point == 0 || fraction.size() > 6 || error != std::errc() ||
        end != digits.data() + digits.size() || micros < 0 ||
        micros > kSecondsMax * kMicrosPerSecond)
      return Error(std::string(what) + " is in seconds, as in 1.250000, at most " +
                   std::to_string(kSecondsMax) + "; not '" + std::string(word) + "'");
    return {};
  }

  Status Expect(std::string_view word) {
    const std::string_view found = Word();
    if (found == word) return {};
    return Error("'" + std::string(word) + "' comes here" +
                 (found.empty() ? "" : ", not '" + std::string(found) + "'"));
  }

  Status End() {
    return AtEnd() ? OkStatus() : Error("nothing comes after this: '" + std::string(Word()) + "'");
  }

 private:
  const std::string where_;
  std::vector<std::string_view> words_;
  size_t next_ = 0;
};

Status ParseEvent(Line& line, size_t regions, Event& event) {
  EW_RETURN_IF_ERROR(line.Seconds("the time of an event", event.at_micros));
  const std::string_view name = line.Word();
  const auto& infos = EventInfos();
  const auto info = std::find_if(infos.begin(), infos.end(),
                                 [name](const EventInfo& other) { return other.name == name; });
  if (info == infos.end()) {
    std::string names;
    for (const EventInfo& other : infos)
      names += (names.empty() ? "" : ", ") + std::string(other.name);
    return line.Error("there is no event '" + std::string(name) + "'; there are " + names);
  }
  event.kind = info->kind;
  for (int i = 0; i < info->subjects; ++i) {
    int64_t region = 0;
    EW_RETURN_IF_ERROR(line.Number("a region", 1, static_cast<int64_t>(regions), region));
    (i == 0 ? event.a : event.b) = static_cast<size_t>(region - 1);
  }
  if (info->subjects == 2 && event.a == event.b) return line.Error("name two different regions");
  if (info->lasts) {
    EW_RETURN_IF_ERROR(line.Expect("for"));
    EW_RETURN_IF_ERROR(line.Seconds("how long it lasts", event.for_micros));
  }
  if (!info->amount.empty()) {
    EW_RETURN_IF_ERROR(line.Expect(info->amount));
    EW_RETURN_IF_ERROR(line.Number("what follows '" + std::string(info->amount) + "'", info->low,
                                   info->high, event.amount));
  }
  return line.End();
}

Status ParseSetting(Line& line, std::string_view name, Schedule& schedule) {
  int64_t value = 0;
  if (name == "seed") {
    EW_RETURN_IF_ERROR(line.Number(name, 0, INT64_MAX, value));
    schedule.seed = static_cast<uint64_t>(value);
    return line.End();
  }
  if (name == "regions") {
    if (!schedule.events.empty()) return line.Error("'regions' comes before the first event");
    EW_RETURN_IF_ERROR(line.Number(name, 1, kRegionsMax, value));
    schedule.regions = static_cast<size_t>(value);
    return line.End();
  }
  if (name == "seconds") {
    EW_RETURN_IF_ERROR(line.Number(name, 1, kSecondsMax, schedule.seconds));
    return line.End();
  }
  const auto& infos = SettingInfos();
  const auto info = std::find_if(infos.begin(), infos.end(),
                                 [name](const SettingInfo& other) { return other.name == name; });
  if (info == infos.end())
    return line.Error("there is no setting '" + std::string(name) +
                      "'; events begin with 'at', and `everwrite chaos simulate --save` shows all "
                      "settings");
  EW_RETURN_IF_ERROR(line.Number(name, info->low, info->high, schedule.settings.*info->field));
  return line.End();
}

}  // namespace

const std::vector<SettingInfo>& SettingInfos() {
  using S = Settings;
  static const std::vector<SettingInfo> infos = {
      {"delay-ms", &S::delay_ms, 0, 10'000, "of a message between two regions"},
      {"jitter-ms", &S::jitter_ms, 0, 10'000, "up to so much more, which reorders"},
      {"loss-permille", &S::loss_permille, 0, 900, "messages lost"},
      {"repeat-permille", &S::repeat_permille, 0, 1000, "messages delivered twice"},
      {"sync-ms-max", &S::sync_ms_max, 1, 10'000, "of a sync of a disk"},
      {"clock-grain-ms", &S::clock_grain_ms, 1, 60'000, "tick of all wall clocks"},
      {"cruel-percent", &S::cruel_percent, 0, 100,
       "replicators that start with tiny batches, credits and caches"},
      {"frame-bytes", &S::frame_bytes, 0, 1 << 20,
       "largest message of the bus, of encoded ones; 0: as they are"},
      {"log-bytes", &S::log_bytes, 0, INT64_MAX, "bound of the change log; 0: none"},
      {"log-keep-ms", &S::log_keep_ms, 0, INT64_MAX, "how long it is kept, where it has a bound"},
      {"ledger-bytes", &S::ledger_bytes, 0, INT64_MAX, "bound of the conflict ledger; 0: none"},
      {"losses-overlap", &S::losses_overlap, 0, 1,
       "disks are lost while one other region is whole; 0: while all others are"},
      {"sessions", &S::sessions, 0, 100, "clients of a region that put, delete and read"},
      {"think-ms", &S::think_ms, 1, 60'000, "their mean pause"},
      {"hot-keys", &S::hot_keys, 1, 100'000, "keys that all of them write"},
      {"delete-percent", &S::delete_percent, 0, 100, "deletions of those"},
      {"burst-ms", &S::burst_ms, 0, 60'000,
       "how long everybody puts and deletes one key, before it is another; 0: never"},
      {"mortal-percent", &S::mortal_percent, 0, 50,
       "keys that are put once and deleted once, of the writes"},
      {"pair-sessions", &S::pair_sessions, 0, 100, "clients of a region that use transactions"},
      {"pair-think-ms", &S::pair_think_ms, 1, 60'000, "their mean pause"},
      {"pairs", &S::pairs, 1, 100'000, "pairs of items that they write"},
      {"roaming-clients", &S::roaming_clients, 0, 100,
       "clients that go from region to region with session tokens"},
      {"roaming-think-ms", &S::roaming_think_ms, 1, 60'000, "their mean pause"},
      {"ttl-sessions", &S::ttl_sessions, 0, 100, "clients of a region whose items expire"},
      {"ttl-think-ms", &S::ttl_think_ms, 1, 60'000, "their mean pause"},
      {"ttl-keys", &S::ttl_keys, 1, 100'000, "keys that they write"},
      {"ttl-takeover-ms", &S::ttl_takeover_ms, 1, 86'400'000,
       "after which others delete what has expired"},
      {"stream", &S::stream, 0, 1, "whether the table has a stream, and a reader of it"},
      {"stream-think-ms", &S::stream_think_ms, 1, 60'000, "mean pause of the reader"},
      {"stream-move-percent", &S::stream_move_percent, 0, 100,
       "times it goes on in another region"},
      {"stream-roll-ms", &S::stream_roll_ms, 100, 86'400'000, "after which shards roll"},
      {"stream-records-max", &S::stream_records_max, 1, 1'000'000, "of a shard"},
      {"stream-split-rate", &S::stream_split_rate, 1, 1'000'000,
       "records a second, from which a shard splits"},
      {"stream-open-max", &S::stream_open_max, 1, 100, "open shards"},
      {"stream-mark-entries", &S::stream_mark_entries, 1, 1'000'000, "between two marks"},
      {"placed-sessions", &S::placed_sessions, 0, 100,
       "clients of a region that write the table that lives in some regions"},
      {"placed-keys", &S::placed_keys, 1, 100'000, "keys of it"},
      {"placed-think-ms", &S::placed_think_ms, 1, 60'000, "their mean pause"},
  };
  return infos;
}

const std::vector<EventInfo>& EventInfos() {
  using enum EventKind;
  static const std::vector<EventInfo> infos = {
      {kCrash, "crash", 1, true, "keeps", 0, 100, "of a region"},
      {kLoseDisk, "lose-disk", 1, true, "", 0, 0, "a region comes back with an empty disk"},
      {kKeepCopy, "keep-copy", 1, false, "", 0, 0, "a copy of a disk is made"},
      {kOldDisk, "old-disk", 1, true, "", 0, 0, "a region comes back with that copy"},
      {kStopReplicator, "stop-replicator", 1, true, "", 0, 0, "of a region"},
      {kCut, "cut", 2, true, "", 0, 0, "between two regions"},
      {kCutOneWay, "cut-one-way", 2, true, "", 0, 0, "from one region to another"},
      {kPause, "pause", 1, true, "", 0, 0, "of a region's process"},
      {kPauseReplicator, "pause-replicator", 1, true, "", 0, 0, "of a region"},
      {kDiskError, "disk-error", 1, true, "keeps", 0, 100, "writes of a region fail"},
      {kDiskFull, "disk-full", 1, true, "", 0, 0, "of a region"},
      {kClock, "clock", 1, false, "off-ms", -86'400'000, 86'400'000, "of a region is set"},
      {kDrift, "drift", 1, false, "ppm", -100'000, 100'000, "of a region's clock"},
      {kFreezeClock, "freeze-clock", 1, true, "", 0, 0, "of a region"},
      {kIndex, "index", 1, false, "", 0, 0, "is added or removed by way of a region"},
      {kPlace, "place", 1, false, "", 0, 0, "a region takes in a table, or leaves it"},
      {kTtlOn, "ttl-on", 1, false, "", 0, 0, "by way of a region"},
      {kTtlOff, "ttl-off", 1, false, "", 0, 0, "by way of a region"},
  };
  return infos;
}

const EventInfo& InfoOf(EventKind kind) {
  for (const EventInfo& info : EventInfos())
    if (info.kind == kind) return info;
  CHECK(false, "every kind has its line");
  return EventInfos().front();
}

std::string FormatEvent(const Event& event) {
  const EventInfo& info = InfoOf(event.kind);
  std::string text = "at " + SecondsText(event.at_micros) + " " + std::string(info.name);
  if (info.subjects > 0) text += " " + std::to_string(event.a + 1);
  if (info.subjects > 1) text += " " + std::to_string(event.b + 1);
  if (info.lasts) text += " for " + SecondsText(event.for_micros);
  if (!info.amount.empty())
    text += " " + std::string(info.amount) + " " + std::to_string(event.amount);
  return text;
}

std::string FormatSchedule(const Schedule& schedule) {
  std::string text = std::string(kHead) + " " + std::to_string(kFormat) + "\n";
  text += "seed " + std::to_string(schedule.seed) + "\n";
  text += "regions " + std::to_string(schedule.regions) + "\n";
  text += "seconds " + std::to_string(schedule.seconds) + "\n";
  const Settings defaults;
  for (const SettingInfo& info : SettingInfos())
    if (schedule.settings.*info.field != defaults.*info.field)
      text += std::string(info.name) + " " + std::to_string(schedule.settings.*info.field) + "\n";
  for (const Event& event : schedule.events) text += FormatEvent(event) + "\n";
  return text;
}

Result<Schedule> ParseSchedule(std::string_view text, std::string_view file) {
  Schedule schedule;
  bool head = false;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    Line line(text.substr(0, end), std::string(file) + ":" + std::to_string(number));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const std::string_view first = line.Word();
    if (!head) {
      if (first != kHead)
        return line.Error("a file of events begins with '" + std::string(kHead) + " " +
                          std::to_string(kFormat) + "'");
      int64_t format = 0;
      EW_RETURN_IF_ERROR(line.Number("the version of the format", kFormat, kFormat, format));
      EW_RETURN_IF_ERROR(line.End());
      head = true;
    } else if (first == "at") {
      Event event;
      EW_RETURN_IF_ERROR(ParseEvent(line, schedule.regions, event));
      if (!schedule.events.empty() && event.at_micros < schedule.events.back().at_micros)
        return line.Error(
            "events stand in the order of their times; this one is earlier than the "
            "one before it");
      if (schedule.events.size() == kScheduleEventsMax)
        return line.Error("there are at most " + std::to_string(kScheduleEventsMax) + " events");
      schedule.events.push_back(event);
    } else {
      EW_RETURN_IF_ERROR(ParseSetting(line, first, schedule));
    }
  }
  if (!head) return InvalidArgument(std::string(file) + ":1: the file is empty");
  return schedule;
}

std::string Describe(const Schedule& schedule) {
  std::string text = std::to_string(schedule.regions) + " regions";
  std::map<EventKind, size_t> counts;
  for (const Event& event : schedule.events) ++counts[event.kind];
  for (const auto& [kind, count] : counts)
    text += ", " + std::to_string(count) + " " + std::string(InfoOf(kind).name);
  const Settings& s = schedule.settings;
  const auto add = [&text](bool say, std::string_view what, int64_t value, std::string_view unit) {
    if (say) text += ", " + std::string(what) + std::to_string(value) + std::string(unit);
  };
  add(s.log_bytes != 0, "logs of ", s.log_bytes / 1000, " KB");
  add(s.ledger_bytes != 0, "ledgers of ", s.ledger_bytes / 1000, " KB");
  add(s.clock_grain_ms > 1, "clock grain ", s.clock_grain_ms, " ms");
  add(s.loss_permille != 0, "loss ", s.loss_permille, "/1000");
  add(s.repeat_permille != 0, "repeats ", s.repeat_permille, "/1000");
  add(s.frame_bytes != 0, "frames of ", s.frame_bytes, " bytes");
  add(s.jitter_ms != 0, "jitter ", s.jitter_ms, " ms");
  return text;
}

}  // namespace everwrite::chaos
