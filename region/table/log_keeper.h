// LogKeeper: how far back this region holds each log, and who pays for it.
//
// Records that are old enough and that every region holds durably are forgotten. When a region
// stays away and the logs grow beyond their bound, older ones go all the same
// (streams/retention.h): the regions that still need them are cut loose, which is written down in
// the same batch, shown, and forgotten when they are back.
//
// Thread-safety: Trim by one driver at a time; the rest from any thread.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "region/table/committer.h"
#include "streams/region_port.h"

namespace everwrite::table {

struct LogKeeperOptions {
  uint64_t keep_ms = 24ULL * 3600 * 1000;
  uint64_t bytes_max = 64ULL << 30;
};

struct LogReport {
  uint64_t bytes = 0;  // of all logs, about
  uint64_t bytes_max = 0;
  struct Holder {
    RegionId region;
    uint64_t changes = 0;  // held here that it has not applied durably
  };
  std::vector<Holder> held_for;
  struct CutLoose {
    RegionId region;
    uint64_t at_ms = 0;
  };
  std::vector<CutLoose> cut_loose;
};

class LogKeeper {
 public:
  LogKeeper(const KvStore& store, const Clock& clock, Committer& committer,
            LogKeeperOptions options);
  Status Load();

  void OnProgress(const streams::PeerProgress& progress);
  // These logs are held from there on only: somebody else trims them (filling.h).
  void HoldFrom(const std::map<LogId, uint64_t>& first);
  // One round.
  Status Trim();

  // First number held of each log that was trimmed.
  std::map<LogId, uint64_t> first_held() const;
  LogReport report() const;

 private:
  class Unit;
  Result<Stamp> StampOf(Dot dot) const;
  uint64_t BytesOf(LogId log, uint64_t from, uint64_t through) const;
  uint64_t FirstOf(LogId log) const;

  const KvStore& store_;
  const Clock& clock_;
  Committer& committer_;
  const LogKeeperOptions options_;
  mutable std::mutex mutex_;
  conflict::Vector durable_everywhere_;         // guarded by mutex_
  std::map<RegionId, conflict::Vector> peers_;  // guarded by mutex_: what each holds durably
  std::map<LogId, uint64_t> first_held_;        // guarded by mutex_
  std::map<RegionId, uint64_t> cut_loose_;      // guarded by mutex_: and when
  uint64_t bytes_ = 0;                          // guarded by mutex_
};

}  // namespace everwrite::table
