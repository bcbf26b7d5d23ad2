// What became of a write: whether this region has it, and whether it still stands, was overwritten
// by one that knew it, or lost to one that did not.
//
// A write is named by its version (stamp, log, number), which its answer carries as a receipt
// (x-everwrite-receipt). Its record in the change log says which item it was of, for as long as the
// log holds it; after that the name of the item must be given.
//
// Thread-safety: free functions over the store, any thread.
#pragma once

#include <optional>
#include <string>

#include "base/kv_store.h"
#include "conflict/vector_clock.h"
#include "conflict/version.h"
#include "streams/change_record.h"

namespace everwrite::table {

struct WriteFate {
  enum class State : uint8_t {
    kPending,     // it has not come here yet
    kCurrent,     // it is what stands there
    kSuperseded,  // a later write, which knew it, took its place
    kLost,        // a concurrent write won; the ledger has it
    kForgotten,   // it was applied; the change log no longer says to what
  };
  State state = State::kPending;
  // kSuperseded, kLost: what stands there now, or won; none: a deletion that is forgotten.
  std::optional<conflict::Version> by;
  bool by_deletes = false;

  // Of what it was; not of kPending and kForgotten.
  bool is_table = false;
  TableId table;
  std::string key;  // encoded, or the table's name
  bool deletes = false;
  std::string image;  // what it wrote; of a deletion, the key attributes
  streams::Actor actor = streams::Actor::kClient;  // when the change log holds it
};
std::string_view FateName(WriteFate::State state);  // "current", ...

// `applied`: what the region has applied. Damage is kDataLoss.
Result<WriteFate> FindFate(const KvStore& store, const conflict::Vector& applied,
                           const conflict::Version& write);

}  // namespace everwrite::table
