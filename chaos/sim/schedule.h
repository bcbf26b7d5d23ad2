// Schedule: all that a seed decides, as an explicit list: the settings of the world and each fault
// with its time and its subjects. Drawn from the seed first, executed by the world afterwards; so
// it can be printed, written to a file, edited, shrunk (shrink.h) and replayed.
//
// Each seed draws its own mix (swarm testing, Groce et al. 2012): which faults there are and how
// often, the network's delays and losses, the clocks, the key mix and the rates. So one seed
// exercises what another would drown.
//
// What is left to chance when a schedule runs (each message's delay, what each client does next)
// comes from streams of the seed of their own, a purpose and a subject each (simulator.h): without
// one event the others stay nearly the same.
//
// The file, one line a word, a setting or an event; `#` begins a comment; what is not said has its
// default:
//
//   everwrite-events 1
//   seed 17
//   regions 3
//   seconds 20
//   hot-keys 8
//   at 1.250000 crash 2 for 0.450000 keeps 30
//   at 3.000000 cut 1 3 for 1.200000
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace everwrite::chaos {

constexpr size_t kRegionsMax = 9;
constexpr int64_t kSecondsMax = 86'400;
constexpr size_t kScheduleEventsMax = 100'000;

// Each has a name, bounds and a line of explanation (SettingInfos). The defaults are the simplest
// world; a shrunk schedule has as many of them as it can.
struct Settings {
  int64_t delay_ms = 20;
  int64_t jitter_ms = 0;
  int64_t loss_permille = 0;
  int64_t repeat_permille = 0;
  int64_t sync_ms_max = 2;
  int64_t clock_grain_ms = 1;
  int64_t cruel_percent = 0;
  int64_t frame_bytes = 0;
  int64_t log_bytes = 0;
  int64_t log_keep_ms = 0;
  int64_t ledger_bytes = 0;
  int64_t losses_overlap = 0;

  int64_t sessions = 1;
  int64_t think_ms = 30;
  int64_t hot_keys = 4;
  int64_t delete_percent = 8;
  int64_t burst_ms = 0;
  int64_t mortal_percent = 0;

  int64_t pair_sessions = 0;
  int64_t pair_think_ms = 30;
  int64_t pairs = 3;

  int64_t roaming_clients = 0;
  int64_t roaming_think_ms = 50;

  int64_t ttl_sessions = 0;
  int64_t ttl_think_ms = 60;
  int64_t ttl_keys = 20;
  int64_t ttl_takeover_ms = 60'000;

  int64_t stream = 0;
  int64_t stream_think_ms = 100;
  int64_t stream_move_percent = 20;
  int64_t stream_roll_ms = 5000;
  int64_t stream_records_max = 500;
  int64_t stream_split_rate = 100;
  int64_t stream_open_max = 2;
  int64_t stream_mark_entries = 50;

  int64_t placed_sessions = 0;
  int64_t placed_keys = 20;
  int64_t placed_think_ms = 60;

  bool operator==(const Settings&) const = default;
};

struct SettingInfo {
  std::string_view name;
  int64_t Settings::*field;
  int64_t low, high;
  std::string_view what;
};
const std::vector<SettingInfo>& SettingInfos();

enum class EventKind : uint8_t {
  kCrash,           // of region a, for a while; so many percent of what was not synced stay
  kLoseDisk,        // a crash, and region a comes back with an empty disk
  kKeepCopy,        // a copy of region a's disk is made
  kOldDisk,         // a crash, and the copy stands in place of the disk; no copy: an empty one
  kStopReplicator,  // that of region a, for a while
  kCut,             // between a and b
  kCutOneWay,       // what travels from a to b
  kPause,           // of region a's process
  kPauseReplicator,
  kDiskError,    // region a's writes fail for a while; from 50 on they are on the disk all the same
  kDiskFull,     // they fail, and are not
  kClock,        // region a's wall clock is set to be so many ms off
  kDrift,        // it runs fast, so many microseconds a second
  kFreezeClock,  // it stands still for a while
  kIndex,        // an index is added by way of region a, or removed
  kPlace,        // region a becomes a replica of the placed table, or none
  kTtlOn,        // by way of region a
  kTtlOff,
};

struct Event {
  int64_t at_micros = 0;
  EventKind kind = EventKind::kCrash;
  size_t a = 0, b = 0;     // regions, from 0; in files from 1
  int64_t for_micros = 0;  // where the kind has it (EventInfos)
  int64_t amount = 0;      // likewise
  bool operator==(const Event&) const = default;
};

struct EventInfo {
  EventKind kind;
  std::string_view name;
  int subjects;
  bool lasts;
  std::string_view amount;  // the word before it; empty: it has none
  int64_t low, high;        // of the amount
  std::string_view what;
};
const std::vector<EventInfo>& EventInfos();
const EventInfo& InfoOf(EventKind kind);

struct Schedule {
  uint64_t seed = 1;
  size_t regions = 3;
  int64_t seconds = 20;
  Settings settings;
  std::vector<Event> events;  // in order of time
  bool operator==(const Schedule&) const = default;
};

struct DrawOptions {
  uint64_t seed = 1;
  size_t regions = 0;  // 0: the seed draws 2 to 5
  int64_t seconds = 20;
  // Change logs of 10 to 150 KB, so that regions are cut loose, wherever no stream needs the log;
  // else in a third of those worlds.
  bool small_logs = false;
  // Disks are lost also while another region is still being filled.
  bool overlapping_losses = false;
  bool placed_tables = true;  // a table whose replicas come and go, in half of the worlds
};

Schedule DrawSchedule(const DrawOptions& options);

// The file's text.
std::string FormatSchedule(const Schedule& schedule);
std::string FormatEvent(const Event& event);
// Errors: kInvalidArgument with "file:line: " and the mend.
Result<Schedule> ParseSchedule(std::string_view text, std::string_view file);

// For one line of a report: how many events of each kind, and what of the settings is out of the
// ordinary.
std::string Describe(const Schedule& schedule);

}  // namespace everwrite::chaos
