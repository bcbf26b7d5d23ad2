// DiskAccount: what each region has held durably, so that the checkers know what of a lost disk
// others had. Of a change that somebody holds nothing may be missing in the end; one that nobody
// holds any more is gone, and nobody is to blame, wherever it had been acknowledged
// (History::gone).
//
// It also demands of a region that comes back with an old copy, or with nothing, that it has again
// what others hold of its own changes before it makes the next one.
//
// Thread-safety: none.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"
#include "conflict/vector_clock.h"

namespace everwrite::chaos {

class DiskAccount {
 public:
  // `history` outlives this.
  DiskAccount(const Simulator& simulator, const std::vector<std::unique_ptr<SimRegion>>& regions,
              History& history)
      : simulator_(simulator), regions_(regions), history_(history) {}

  // The region has committed, and stands there now.
  void OnCommit(size_t region, const table::CommitReport& report,
                const streams::RegionState& state);
  // A change record that came on the region's disk though its write failed.
  void OnTorn(size_t region, std::string_view record);
  void OnCopyKept(size_t region) { copied_[region] = held_[region]; }
  // Its disk is lost just now. `old_copy`: what it held when its copy was kept is there again.
  void OnLost(size_t region, bool old_copy);
  // At the end: what each change was and who may lack it, as History says. `forsaken`: a region has
  // given up to wait for what nobody shows (Mark::kFillingForsakes).
  void Close(const std::vector<const KvStore*>& stores, bool forsaken);

  // A copy was put in place of a disk.
  bool old_copies() const { return old_copies_; }
  // Acknowledged writes of lost disks that others had.
  uint64_t saved_by_peers() const { return saved_by_peers_; }

 private:
  void AccountForWrites(size_t region, const conflict::Vector& kept);
  void CountWhatIsGone();
  // Who numbers changes again serves, and must have what others hold of its own.
  void CheckTail(size_t region, const conflict::Vector& applied);
  // What was on its way when its last disk was lost, and came: just now, with its record, which may
  // be trimmed in the end; or found in the end, as a row.
  void CountWhatComes(size_t region, const conflict::Vector& holds);
  void CountWhatCameBack(const KvStore& store);
  void CameBack(Dot dot, Stamp stamp);

  const Simulator& simulator_;
  const std::vector<std::unique_ptr<SimRegion>>& regions_;
  History& history_;
  // What each region has held durably, in its rows or before them, since it last lost its disk; and
  // what it had when the copy of it was made.
  std::map<size_t, conflict::Vector> held_, copied_;
  // Of its own changes, what others held when it lost them and it must have before it serves again.
  std::map<size_t, conflict::Vector> owed_;
  bool old_copies_ = false;
  bool overlapped_ = false;  // a disk was lost while another region was not whole
  uint64_t saved_by_peers_ = 0;
};

}  // namespace everwrite::chaos
