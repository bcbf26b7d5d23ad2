// Clients that use transactions: items in pairs, both put or both deleted in one transaction with a
// token, and read together in one snapshot.
//
// Whoever reads a pair, anywhere and any time, must see both items of one transaction or none: with
// half of a transaction the ids do not fit. A transaction that got no answer in time is sent again
// with its token, also after a crash: the checkers count that it was carried out at most once, and
// once if it was acknowledged.
//
// Thread-safety: none.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

struct PairOptions {
  size_t sessions_per_region = 1;  // 0: no pairs in this world
  int64_t think_micros = 40 * kMicrosPerMilli;
  size_t pairs = 4;
  uint64_t read_percent = 50;
  uint64_t delete_percent = 10;
};

class PairWorkload {
 public:
  // The table is made by Workload. `history` outlives this.
  PairWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
               PairOptions options, History& history);

  void Start();
  void Stop() { stopped_ = true; }

 private:
  struct Session {
    size_t region = 0;
    Random random;
  };
  struct Pair {
    std::array<std::string, 2> names;
    std::array<std::string, 2> keys;  // encoded
  };
  // One transaction, for all the times it is sent.
  struct Attempt {
    size_t session = 0;
    size_t region = 0;
    const Pair* pair = nullptr;
    std::array<uint64_t, 2> writes{};  // ids in the history: one after the other
    std::vector<table::Mutation> mutations;
    bool is_delete = false;
    bool create = false;  // on condition that nothing is there
  };
  void Next(size_t session);
  void Read(Session& session);
  void Begin(size_t session);
  void Send(std::shared_ptr<const Attempt> attempt, int times_left);
  void OnEnded(const Attempt& attempt, const Status& status,
               const std::vector<conflict::Version>& committed);
  const Pair& DrawPair(Random& random) const { return pairs_[random.Below(pairs_.size())]; }

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const PairOptions options_;
  History& history_;
  std::vector<Pair> pairs_;
  std::vector<Session> sessions_;
  bool stopped_ = false;
};

}  // namespace everwrite::chaos
