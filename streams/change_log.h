// The change log: every change that this region has applied, its own and the others', by (log,
// number).
//
// A record is appended in the same batch as the item that it changes, so the two are never apart.
// Any region can serve any log, as far back as it holds it: `first_held` says from which number on.
//
// Pure over KvStore; thread-safe as the store is.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/kv_store.h"
#include "streams/region_port.h"

namespace everwrite::streams {

// The record's place in the changes column family: log and number, 8 bytes each, big-endian.
std::string ChangeKey(Dot dot);

void AppendChange(KvBatch& batch, Dot dot, std::string_view record);

// Reads records of `log` with numbers in (after, through], in order, until about `max_bytes` are
// read; at least one if there is any. A hole is kDataLoss: the log never has one.
Result<RecordBatch> ReadChanges(const KvStore& store, LogId log, uint64_t after, uint64_t through,
                                size_t max_bytes);

// Forgets the records of `log` below `first`, and remembers that.
void TrimChanges(KvBatch& batch, LogId log, uint64_t first);
// What TrimChanges has remembered: log -> first number held. Logs that were never trimmed are not
// named.
Result<std::map<LogId, uint64_t>> ReadFirstHeld(const KvStore& store);

}  // namespace everwrite::streams
