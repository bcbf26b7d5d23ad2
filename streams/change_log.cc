#include "streams/change_log.h"

#include "base/coding.h"

namespace everwrite::streams {
namespace {

constexpr char kFirstHeldPrefix =
    'f';  // in the system column family; region/table/layout.h lists all

std::string FirstHeldKey(LogId log) {
  std::string key(1, kFirstHeldPrefix);
  PutFixed64(key, log.value);
  return key;
}

}  // namespace

std::string ChangeKey(Dot dot) {
  std::string key;
  PutFixed64(key, dot.log.value);
  PutFixed64(key, dot.number);
  return key;
}

void AppendChange(KvBatch& batch, Dot dot, std::string_view record) {
  char key[16];
  StoreFixed64(key, dot.log.value);
  StoreFixed64(key + 8, dot.number);
  batch.Put(ColumnFamily::kChanges, std::string_view(key, sizeof key), record);
}

Result<RecordBatch> ReadChanges(const KvStore& store, LogId log, uint64_t after, uint64_t through,
                                size_t max_bytes) {
  RecordBatch batch;
  batch.log = log;
  batch.first = after + 1;
  if (after >= through) return batch;
  KvRange range{ChangeKey({log, after + 1}), ChangeKey({log, through + 1})};
  const std::string begin = range.begin;
  const auto it = store.NewIterator(ColumnFamily::kChanges, std::move(range));
  size_t bytes = 0;
  for (it->Seek(begin); it->Valid() && (batch.empty() || bytes < max_bytes); it->Next()) {
    const uint64_t number = LoadFixed64(it->key().data() + 8);
    if (number != batch.first + batch.records.size()) {
      return DataLoss("the change log has a hole before number " + std::to_string(number));
    }
    batch.records.push_back(std::make_shared<const std::string>(it->value()));
    bytes += it->value().size();
  }
  EW_RETURN_IF_ERROR(it->status());
  if (batch.empty())
    return DataLoss("the change log ends before number " + std::to_string(after + 1));
  return batch;
}

void TrimChanges(KvBatch& batch, LogId log, uint64_t first) {
  batch.DeleteRange(ColumnFamily::kChanges, ChangeKey({log, 0}), ChangeKey({log, first}));
  std::string value;
  PutFixed64(value, first);
  batch.Put(ColumnFamily::kSystem, FirstHeldKey(log), value);
}

Result<std::map<LogId, uint64_t>> ReadFirstHeld(const KvStore& store) {
  std::map<LogId, uint64_t> first_held;
  const std::string prefix(1, kFirstHeldPrefix);
  const auto it = store.NewIterator(ColumnFamily::kSystem, {prefix, PrefixEnd(prefix)});
  for (it->Seek(prefix); it->Valid(); it->Next()) {
    if (it->key().size() != 9 || it->value().size() != 8)
      return DataLoss("a trim mark of the change log is damaged");
    first_held[LogId{LoadFixed64(it->key().data() + 1)}] = LoadFixed64(it->value().data());
  }
  EW_RETURN_IF_ERROR(it->status());
  return first_held;
}

}  // namespace everwrite::streams
