#include "chaos/sim/disk_account.h"

#include <iterator>
#include <set>
#include <string>

#include "base/coding.h"
#include "region/table/layout.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::chaos {

void DiskAccount::OnCommit(size_t region, const table::CommitReport& report,
                           const streams::RegionState& state) {
  const conflict::Vector holds = state.fill.claims.ShownOf(state.durable);
  if (!history_.gone.empty()) CountWhatComes(region, holds);
  held_[region].Merge(holds);
  if (!report.own.empty()) CheckTail(region, state.applied);
  for (size_t at = 0; at < report.own.records.size(); ++at)
    // A number may be given again by an old copy of a disk, when nobody has seen it.
    history_.records[Dot{report.own.log, report.own.first + at}] = report.own.records[at];
}

void DiskAccount::OnTorn(size_t region, std::string_view bytes) {
  streams::ChangeRecord record;
  if (streams::DecodeChangeRecord(bytes, record) &&
      record.dot.log.region() == regions_[region]->id())
    history_.records[record.dot] = std::make_shared<const std::string>(bytes);
}

void DiskAccount::OnLost(size_t region, bool old_copy) {
  const RegionId id = regions_[region]->id();
  History::LostDisk& lost = history_.lost_disks.emplace_back();
  lost.region = region;
  lost.old_copy = old_copy;
  lost.last_write = history_.writes.size();
  for (const auto& [dot, record] : history_.records)
    if (dot.log.region() == id) lost.logs.insert(dot.log);
  lost.held = held_[region];
  for (const auto& [other, held] : held_) {
    if (other == region) continue;
    if (regions_[other]->whole()) lost.told.push_back(held);
  }
  for (size_t other = 0; other < regions_.size(); ++other)
    overlapped_ |= other != region && !regions_[other]->whole();
  old_copies_ |= old_copy;

  const conflict::Vector kept = old_copy ? copied_[region] : conflict::Vector();
  AccountForWrites(region, kept);
  held_[region] = kept;
  conflict::Vector& owed = owed_[region];
  for (const auto& [other, held] : held_)
    for (const Dot& dot : held.entries())
      if (other != region && dot.log.region() == id) owed.Raise(dot);
  CountWhatIsGone();
}

void DiskAccount::AccountForWrites(size_t region, const conflict::Vector& kept) {
  const uint32_t own = uint32_t{1} << region;
  for (HistoryWrite& write : history_.writes) {
    if (write.outcome != Outcome::kAcknowledged || write.version == conflict::Version()) continue;
    const Dot dot = write.version.dot;
    if (!kept.Covers(dot)) write.held_by &= ~own;
    if (write.lost_by_maker || dot.log.region() != regions_[region]->id()) continue;
    write.lost_by_maker = true;
    if (kept.Covers(dot)) write.held_by |= own;
    for (const auto& [other, held] : held_)
      if (other != region && held.Covers(dot)) write.held_by |= uint32_t{1} << other;
    if (write.held_by != 0) ++saved_by_peers_;
  }
}

void DiskAccount::CountWhatIsGone() {
  conflict::Vector held;
  for (const auto& [other, had] : held_) held.Merge(had);
  for (auto at = history_.records.begin(); at != history_.records.end();) {
    const auto record = at++;
    if (!held.Covers(record->first)) history_.gone.insert(history_.records.extract(record));
  }
}

void DiskAccount::CheckTail(size_t region, const conflict::Vector& applied) {
  const auto owed = owed_.find(region);
  if (owed == owed_.end()) return;
  conflict::Vector still;  // they may have lost theirs since
  for (const auto& [other, held] : held_)
    if (other != region) still.Merge(held);
  owed->second.Meet(still);
  if (!regions_[region]->engine().unproven() && !applied.Covers(owed->second))
    history_.violations.push_back("at " + std::to_string(simulator_.now().micros) + " us: region " +
                                  std::to_string(regions_[region]->id().value) +
                                  " serves without changes of its own: it has " +
                                  applied.ToString() + ", others had " + owed->second.ToString());
  owed_.erase(owed);
}

void DiskAccount::Close(const std::vector<const KvStore*>& stores, bool forsaken) {
  for (const KvStore* store : stores) {
    if (history_.gone.empty()) break;
    CountWhatCameBack(*store);
  }
  // Where all others were whole at every loss nobody has claimed what is gone, but for who heard of
  // it just then (of a region that was cut loose, a catalog on its way), and has given it up again.
  if (overlapped_ || forsaken) return;
  history_.records.merge(history_.gone);
  history_.gone.clear();
  for (History::LostDisk& lost : history_.lost_disks) {
    lost.held = {};
    lost.told.clear();
  }
}

void DiskAccount::CountWhatComes(size_t region, const conflict::Vector& holds) {
  for (const Dot& last : holds.entries()) {
    const Dot had{last.log, held_[region].At(last.log)};
    // CameBack takes the one it names out of those that are gone.
    std::set<Dot> came;
    for (auto at = history_.gone.upper_bound(had); at != history_.gone.end(); ++at) {
      if (at->first.log != last.log || at->first.number > last.number) break;
      came.insert(at->first);
    }
    for (const Dot dot : came) {
      const auto read = streams::ReadChanges(regions_[region]->store(), dot.log, dot.number - 1,
                                             dot.number, /*max_bytes=*/1);
      streams::ChangeRecord record;
      if (read.ok() && !read->empty() &&  // else it came as a row
          streams::DecodeChangeRecord(*read->records[0], record))
        CameBack(dot, record.stamp);
    }
  }
}

void DiskAccount::CountWhatCameBack(const KvStore& store) {
  const auto changes = store.NewIterator(ColumnFamily::kChanges, {});
  for (changes->Seek(""); changes->Valid(); changes->Next()) {
    const Dot dot{LogId{LoadFixed64(changes->key().data())},
                  LoadFixed64(changes->key().data() + 8)};
    if (!history_.gone.contains(dot)) continue;
    streams::ChangeRecord record;
    CHECK(streams::DecodeChangeRecord(changes->value(), record));
    CameBack(dot, record.stamp);
  }
  const auto items = store.NewIterator(ColumnFamily::kItems, {});
  for (items->Seek(""); items->Valid(); items->Next()) {
    table::StoredItem stored;
    CHECK(table::DecodeStoredItem(items->value(), stored));
    CameBack(stored.version.dot, stored.version.stamp);
  }
}

// Its number may have been given several times, and lost each time: then its stamp tells which it
// is, and the last one, where a clock stood still.
void DiskAccount::CameBack(Dot dot, Stamp stamp) {
  if (history_.records.contains(dot)) return;
  const auto [first, end] = history_.gone.equal_range(dot);
  if (first == end) return;
  auto back = std::prev(end);
  for (auto at = first; at != end; ++at) {
    streams::ChangeRecord record;
    CHECK(streams::DecodeChangeRecord(*at->second, record));
    if (record.stamp == stamp) back = at;
  }
  history_.records.insert(history_.gone.extract(back));
}

}  // namespace everwrite::chaos
