#include "region/table/write_fate.h"

#include "region/table/conflict_ledger.h"
#include "region/table/layout.h"
#include "region/table/row_change.h"
#include "streams/change_log.h"

namespace everwrite::table {

std::string_view FateName(WriteFate::State state) {
  switch (state) {
    case WriteFate::State::kPending: return "pending";
    case WriteFate::State::kCurrent: return "current";
    case WriteFate::State::kSuperseded: return "superseded";
    case WriteFate::State::kLost: return "lost";
    case WriteFate::State::kForgotten: return "forgotten";
  }
  return "?";
}

namespace {

// The item it was of, by its record; false when the log does not hold it, or its number alone.
Result<bool> FindRecord(const KvStore& store, const conflict::Version& write, WriteFate& fate) {
  std::string bytes;
  EW_ASSIGN_OR_RETURN(const bool held,
                      store.Get(ColumnFamily::kChanges, streams::ChangeKey(write.dot), &bytes));
  if (!held) return false;
  streams::ChangeRecord record;
  if (!streams::DecodeChangeRecord(bytes, record)) return DataLoss("a change record is damaged");
  if (record.stamp != write.stamp)
    return InvalidArgument("no write has this receipt: its number was given to another");
  if (record.bare) return false;  // of a table that lives elsewhere
  fate.is_table = record.subject == streams::Subject::kTable;
  fate.table = record.table;
  fate.key = record.key;
  fate.deletes = record.tombstone;
  fate.image = record.image;
  fate.actor = record.actor;
  return true;
}

}  // namespace

Result<WriteFate> FindFate(const KvStore& store, const conflict::Vector& applied,
                           const conflict::Version& write) {
  WriteFate fate;
  if (write.dot.number == 0) return InvalidArgument("no write has this receipt");
  if (!applied.Covers(write.dot)) return fate;
  fate.state = WriteFate::State::kForgotten;
  EW_ASSIGN_OR_RETURN(const bool recorded, FindRecord(store, write, fate));

  const auto lost = FindConflict(store, write);
  if (lost.ok()) {
    fate.state = WriteFate::State::kLost;
    fate.is_table = lost->is_table;
    fate.table = lost->table;
    fate.key = lost->key;
    fate.deletes = lost->loser.tombstone;
    fate.image = lost->loser.image;
    if (conflict::NamesWinner(lost->reason)) {
      fate.by = lost->winner.version;
      fate.by_deletes = lost->winner.tombstone;
    }
    return fate;
  }
  if (lost.status().code() != StatusCode::kNotFound) return lost.status();
  if (!recorded) return fate;

  std::string buffer;
  EW_ASSIGN_OR_RETURN(
      const auto stored,
      ReadStored(store, ItemKey(fate.is_table ? kCatalogTable : fate.table, fate.key), &buffer));
  fate.state = stored && stored->version.dot == write.dot ? WriteFate::State::kCurrent
                                                          : WriteFate::State::kSuperseded;
  if (stored && fate.state == WriteFate::State::kSuperseded) {
    fate.by = stored->version;
    fate.by_deletes = stored->tombstone;
  }
  return fate;
}

}  // namespace everwrite::table
