// What a seed draws (schedule.h). Each purpose has a stream of its own, so that another fault does
// not change what is drawn of the rest.
#include <algorithm>

#include "chaos/sim/schedule.h"
#include "chaos/sim/simulator.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kLongSeconds = 120;
constexpr int64_t kLongTimes = 10;  // as long as the short ones

class Drawer {
 public:
  explicit Drawer(const DrawOptions& options) : options_(options) {
    schedule_.seed = options.seed;
    schedule_.seconds = options.seconds;
    schedule_.regions = options.regions;
    if (options.regions == 0) {
      constexpr size_t kMix[] = {2, 3, 3, 3, 3, 4, 5, 5};
      schedule_.regions = kMix[Stream("regions").Below(std::size(kMix))];
    }
  }

  Schedule Draw() {
    DrawNetwork();
    DrawTable();
    DrawWorkloads();
    DrawPace();
    DrawClocks();
    DrawCrashes();
    DrawDisks();
    DrawLinks();
    DrawLossesUnderWay();
    DrawPauses();
    DrawDiskFailures();
    DrawDefinitions();
    std::stable_sort(schedule_.events.begin(), schedule_.events.end(),
                     [](const Event& x, const Event& y) { return x.at_micros < y.at_micros; });
    return std::move(schedule_);
  }

 private:
  Random Stream(std::string_view purpose) const {
    return StreamOf(options_.seed, std::string("draw ") + std::string(purpose));
  }
  size_t AnyRegion(Random& random) const { return random.Below(schedule_.regions); }

  // Again and again, `mean_micros` apart in the mean, until the chaos ends.
  template <typename Strike>
  void Every(Random& random, int64_t mean_micros, Strike&& strike) {
    int64_t at = 0;
    while ((at += random.Between(1, 2 * mean_micros)) < schedule_.seconds * kMicrosPerSecond)
      strike(at);
  }
  void Add(const Event& event) { schedule_.events.push_back(event); }

  void DrawNetwork() {
    Random random = Stream("network");
    Settings& s = schedule_.settings;
    s.delay_ms = random.Between(0, 100);
    s.jitter_ms = random.Chance(1, 2) ? random.Between(0, 50) : 0;
    s.loss_permille = random.Chance(1, 2) ? random.Between(0, 49) : 0;
    s.repeat_permille = random.Chance(1, 2) ? random.Between(0, 99) : 0;
    s.sync_ms_max = random.Chance(1, 4) ? 60 : 2;
    s.cruel_percent = random.Chance(1, 2) ? 60 : 0;
    Random frames = Stream("frames");
    s.frame_bytes = frames.Chance(1, 6) ? frames.Between(1024, 8000) : 0;
  }

  void DrawTable() {
    Random random = Stream("table");
    Settings& s = schedule_.settings;
    s.sessions = random.Between(1, 4);
    s.think_ms = random.Between(10, 60);
    s.hot_keys = random.Between(1, 12);
    s.delete_percent = random.Between(0, 24);
    Random deletions = Stream("deletions");
    s.burst_ms = deletions.Chance(1, 2) ? deletions.Between(100, 2000) : 0;
    s.mortal_percent = deletions.Chance(1, 2) ? deletions.Between(5, 25) : 0;
    s.losses_overlap = options_.overlapping_losses ? 1 : 0;
    Random ledger = Stream("ledger");
    if (ledger.Chance(1, 4)) s.ledger_bytes = ledger.Between(10, 300) * 1000;
    s.stream = random.Chance(1, 3) ? 1 : 0;  // its checks cost as much as all others
    if (s.stream != 0) {
      s.stream_think_ms = random.Between(20, 400);
      s.stream_move_percent = random.Between(0, 40);
      s.stream_roll_ms = random.Between(1, 10) * 1000;
      s.stream_records_max = random.Between(20, 2000);
      s.stream_split_rate = random.Between(5, 200);
      s.stream_open_max = random.Between(1, 6);
      s.stream_mark_entries = random.Between(1, 100);
    } else if (random.Chance(1, 3) || options_.small_logs) {
      // Streams are read from the log: there it is kept.
      s.log_bytes = random.Between(10, 150) * 1000;
      s.log_keep_ms = random.Between(0, 3000);
    }
  }

  void DrawWorkloads() {
    Random random = Stream("workloads");
    Settings& s = schedule_.settings;
    s.pair_sessions = random.Between(0, 2);
    s.pair_think_ms = random.Between(10, 60);
    s.pairs = random.Between(1, 6);
    s.ttl_sessions = random.Between(0, 1);
    s.ttl_keys = random.Between(2, 40);
    s.ttl_takeover_ms = random.Chance(1, 2) ? 1500 : 60'000;
    Random roaming = Stream("roaming");
    if (roaming.Chance(1, 2)) s.roaming_clients = roaming.Between(1, 4);
    s.roaming_think_ms = roaming.Between(20, 150);
    const bool placed = random.Chance(1, 2);
    const int64_t sessions = random.Between(1, 2);
    s.placed_keys = random.Between(2, 30);
    s.placed_think_ms = random.Between(20, 100);
    if (placed && options_.placed_tables) s.placed_sessions = sessions;
  }

  // A long world draws how much is written in it, all regions together; what kinds of clients there
  // are stays as it is. Bounds of a few KB, as cruel replicators have, are for little.
  void DrawPace() {
    if (schedule_.seconds < kLongSeconds) return;
    Random random = Stream("pace");
    constexpr int64_t kWritesPerSecond[] = {150, 60, 30, 15};
    Settings& s = schedule_.settings;
    int64_t wanted = kWritesPerSecond[random.Below(std::size(kWritesPerSecond))];
    if (s.cruel_percent > 0) wanted = std::min<int64_t>(wanted, 60);
    // In thousandths: of what the clients of items and placed tables do a part are reads.
    const int64_t drawn =
        static_cast<int64_t>(schedule_.regions) *
            (600'000 * s.sessions / s.think_ms + 1'000'000 * s.pair_sessions / s.pair_think_ms +
             1'000'000 * s.ttl_sessions / s.ttl_think_ms +
             1'000'000 * s.placed_sessions / s.placed_think_ms) +
        500'000 * s.roaming_clients / s.roaming_think_ms;
    for (int64_t* think :
         {&s.think_ms, &s.pair_think_ms, &s.ttl_think_ms, &s.placed_think_ms, &s.roaming_think_ms})
      *think = std::max<int64_t>(*think * drawn / (wanted * 1000), 1);
    // As many shards as in a short world, and no more moves: who moves to another region begins at
    // its oldest shard, and looks through all that came since.
    s.stream_roll_ms *= kLongTimes;
    s.stream_records_max *= kLongTimes;
    s.stream_think_ms *= kLongTimes;
  }

  // How much each clock is off; with three regions and more the others correct one that is much
  // wrong, with two its changes are held.
  void DrawClocks() {
    Random random = Stream("clocks");
    constexpr int64_t kGrains[] = {1, 1, 20, 500};
    schedule_.settings.clock_grain_ms = kGrains[random.Below(std::size(kGrains))];
    clocks_jump_ = random.Chance(1, 2);
    if (random.Chance(1, 4)) {
      wrong_clock_ = AnyRegion(random);
      wrong_clock_ms_ = random.Between(-20'000, 20'000);
    }
    for (size_t i = 0; i < schedule_.regions; ++i) SetClock(random, 0, i, 200);
    Random drift = Stream("drift");
    const int64_t most_ppm = drift.Chance(1, 3) ? 5000 : 0;
    for (size_t i = 0; i < schedule_.regions && most_ppm > 0; ++i)
      Add({0, EventKind::kDrift, i, 0, 0, drift.Between(-most_ppm, most_ppm)});
    Random frozen = Stream("frozen");
    const int64_t mean = frozen.Between(4, 15) * kMicrosPerSecond;
    if (frozen.Chance(1, 5))
      Every(frozen, mean, [&](int64_t at) {
        Add({at, EventKind::kFreezeClock, AnyRegion(frozen), 0,
             frozen.Between(100, 6000) * kMicrosPerMilli});
      });
  }
  void SetClock(Random& random, int64_t at, size_t region, int64_t off_ms) {
    Event event{at, EventKind::kClock, region};
    event.amount = (region == wrong_clock_ ? wrong_clock_ms_ : 0) + random.Between(-off_ms, off_ms);
    Add(event);
  }

  void Crash(Random& random, int64_t at, EventKind kind) {
    Event event{at, kind, AnyRegion(random)};
    // Now and then so short that the clock is behind what was stamped last.
    event.for_micros =
        (random.Chance(1, 4) ? random.Between(1, 20) : random.Between(50, 2000)) * kMicrosPerMilli;
    const int64_t keeps = random.Between(0, 100);
    if (kind == EventKind::kCrash) event.amount = keeps;
    if (clocks_jump_) SetClock(random, at, event.a, random.Chance(1, 4) ? 3000 : 400);
    Add(event);
  }

  // 0: never, in one world of three.
  static int64_t SometimesEvery(Random& random, int64_t low_seconds, int64_t high_seconds) {
    const int64_t mean = random.Between(low_seconds, high_seconds) * kMicrosPerSecond;
    return random.Chance(2, 3) ? mean : 0;
  }

  void DrawCrashes() {
    Random regions = Stream("crashes");
    if (const int64_t mean = SometimesEvery(regions, 2, 10))
      Every(regions, mean, [&](int64_t at) { Crash(regions, at, EventKind::kCrash); });
    Random replicators = Stream("replicators");
    if (const int64_t mean = SometimesEvery(replicators, 2, 10))
      Every(replicators, mean, [&](int64_t at) {
        Event event{at, EventKind::kStopReplicator, AnyRegion(replicators)};
        event.for_micros = replicators.Between(20, 1000) * kMicrosPerMilli;
        Add(event);
      });
  }

  void DrawDisks() {
    Random random = Stream("disks");
    if (schedule_.regions < 2) return;
    const bool lose = random.Chance(1, 3);
    const bool copy = random.Chance(1, 2);
    const int64_t lose_mean = random.Between(3, 12) * kMicrosPerSecond;
    const int64_t copy_mean = random.Between(1, 6) * kMicrosPerSecond;
    if (!lose) return;
    // A stream goes on from where it was shown: what is put back has forgotten that.
    const bool old = copy && schedule_.settings.stream == 0;
    Every(random, lose_mean,
          [&](int64_t at) { Crash(random, at, old ? EventKind::kOldDisk : EventKind::kLoseDisk); });
    if (old)
      Every(random, copy_mean, [&](int64_t at) {
        Add({at, EventKind::kKeepCopy, AnyRegion(random)});
      });
  }

  void DrawLinks() {
    Random random = Stream("links");
    const int64_t mean = SometimesEvery(random, 2, 8);
    const bool one_way = random.Chance(1, 2);
    if (mean == 0 || schedule_.regions < 2) return;
    Every(random, mean, [&](int64_t at) {
      Event event{at, EventKind::kCut, AnyRegion(random)};
      event.b = (event.a + 1 + random.Below(schedule_.regions - 1)) % schedule_.regions;
      if (one_way && random.Chance(1, 2)) event.kind = EventKind::kCutOneWay;
      event.for_micros = random.Between(200, 8000) * kMicrosPerMilli;
      Add(event);
    });
  }

  // A region loses its disk while what it has sent last is with one other region alone, where it
  // waits for changes of a third. Rare by chance, and what former lives are settled for
  // (conflict/stability): a word of the next life must not count before those changes are applied.
  void DrawLossesUnderWay() {
    Random random = Stream("losses under way");
    if (!random.Chance(1, 4) || schedule_.regions < 3) return;
    // Keys that are written for a moment, by many: one deletes what another puts, and then it
    // stays.
    Settings& s = schedule_.settings;
    s.burst_ms = random.Between(80, 250);
    if (schedule_.seconds < kLongSeconds) {  // others keep their pace
      s.sessions = std::max<int64_t>(s.sessions, 3);
      s.think_ms = std::min<int64_t>(s.think_ms, 30);
    }
    const int64_t mean = std::max<int64_t>(4, schedule_.seconds / 5) * kMicrosPerSecond;
    Every(random, mean, [&](int64_t at) {
      const size_t lost = AnyRegion(random);
      const size_t holder = (lost + 1 + random.Below(schedule_.regions - 1)) % schedule_.regions;
      size_t third = AnyRegion(random);
      while (third == lost || third == holder) third = (third + 1) % schedule_.regions;
      const auto cut = [&](size_t from, size_t to, int64_t for_micros) {
        Add({at, EventKind::kCutOneWay, from, to, for_micros});
      };
      const int64_t unheard = random.Between(800, 2500) * kMicrosPerMilli;
      for (size_t other = 0; other < schedule_.regions; ++other)
        if (other != lost && other != holder) cut(lost, other, unheard);
      cut(third, holder, unheard + random.Between(1000, 5000) * kMicrosPerMilli);
      Event loss{at + unheard, EventKind::kLoseDisk, lost};
      loss.for_micros = random.Between(20, 200) * kMicrosPerMilli;
      Add(loss);
    });
  }

  // Also longer than the silence after which a peer is taken to be away.
  void DrawPauses() {
    Random random = Stream("pauses");
    const int64_t mean = random.Between(3, 12) * kMicrosPerSecond;
    if (!random.Chance(1, 3)) return;
    Every(random, mean, [&](int64_t at) {
      Event event{at, EventKind::kPause, AnyRegion(random)};
      if (random.Chance(1, 3)) event.kind = EventKind::kPauseReplicator;
      event.for_micros = random.Between(50, random.Chance(1, 4) ? 15'000 : 2000) * kMicrosPerMilli;
      Add(event);
    });
  }

  void DrawDiskFailures() {
    Random random = Stream("disk failures");
    const int64_t mean = random.Between(4, 15) * kMicrosPerSecond;
    const bool full = random.Chance(1, 2);
    if (!random.Chance(1, 3)) return;
    Every(random, mean, [&](int64_t at) {
      Event event{at, full ? EventKind::kDiskFull : EventKind::kDiskError, AnyRegion(random)};
      event.for_micros = random.Between(50, 4000) * kMicrosPerMilli;
      if (!full) event.amount = random.Between(0, 100);
      Add(event);
    });
  }

  void DrawDefinitions() {
    Random indexes = Stream("indexes");
    int64_t index_mean = indexes.Between(200, 4000) * kMicrosPerMilli;
    // Each one that is added reads all rows, and in long worlds there are many.
    if (schedule_.seconds >= kLongSeconds) index_mean *= 5;
    if (indexes.Chance(1, 2))
      Every(indexes, index_mean, [&](int64_t at) {
        Add({at, EventKind::kIndex, AnyRegion(indexes)});
      });
    Random ttl = Stream("ttl");
    const int64_t ttl_mean = ttl.Between(2, 6) * kMicrosPerSecond;
    if (ttl.Chance(1, 3) && schedule_.settings.ttl_sessions > 0)
      Every(ttl, ttl_mean, [&](int64_t at) {
        Add({at, ttl.Chance(1, 2) ? EventKind::kTtlOn : EventKind::kTtlOff, AnyRegion(ttl)});
      });
    Random places = Stream("places");
    const int64_t place_mean = places.Between(100, 2000) * kMicrosPerMilli;
    if (schedule_.settings.placed_sessions > 0 && schedule_.regions > 1)
      Every(places, place_mean, [&](int64_t at) {
        Add({at, EventKind::kPlace, 1 + places.Below(schedule_.regions - 1)});
      });
  }

  const DrawOptions options_;
  Schedule schedule_;
  bool clocks_jump_ = false;
  size_t wrong_clock_ = SIZE_MAX;
  int64_t wrong_clock_ms_ = 0;
};

}  // namespace

Schedule DrawSchedule(const DrawOptions& options) { return Drawer(options).Draw(); }

}  // namespace everwrite::chaos
