#include "chaos/checkers/testing/ended_world.h"

#include <functional>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "chaos/workload_item.h"
#include "conflict/conflict_record.h"
#include "region/table/bucket_digest.h"
#include "region/table/layout.h"
#include "region/table/table_stream.h"
#include "region/table/testing/placed_table.h"
#include "streams/change_log.h"
#include "streams/change_record.h"
#include "streams/stream_entry.h"

namespace everwrite::chaos::testing {
namespace {

using table::ItemKey;
using table::StoredItem;

const std::string kTable = "t";
const std::string kPlaced = "p";

class Puts : public table::TransactionOperation {
 public:
  explicit Puts(std::vector<table::Mutation> mutations) : mutations_(std::move(mutations)) {}
  Result<std::vector<table::Mutation>> Evaluate(
      const std::vector<std::optional<std::string_view>>&) override {
    return mutations_;
  }
  void Repeat(const std::vector<std::optional<std::string_view>>&) override {}
  void Done(const Status& status) override {
    CHECK(status.ok(), status.ToString());
    *ended = committed;
  }
  std::vector<conflict::Version>* ended = nullptr;

 private:
  const std::vector<table::Mutation> mutations_;
};

std::string StoreKey(table::testing::TestRegion& region, const std::string& key) {
  return ItemKey(region.engine->FindTable(kTable)->definition.id, EncodeSimKey(key));
}

std::string Read(const table::testing::TestRegion& region, ColumnFamily family,
                 const std::string& key) {
  std::string value;
  CHECK(region.store.Get(family, key, &value).value(), "there is no such thing");
  return value;
}

void Store(table::testing::TestRegion& region, const KvBatch& batch) {
  CHECK(region.store.Write(batch, Sync::kYes).ok());
}

// Keys and values of a family, in order.
std::vector<std::pair<std::string, std::string>> List(const table::testing::TestRegion& region,
                                                      ColumnFamily family,
                                                      const std::string& prefix = "") {
  std::vector<std::pair<std::string, std::string>> found;
  const auto it = region.store.NewIterator(family, {prefix, PrefixEnd(prefix)});
  for (it->Seek(prefix); it->Valid(); it->Next()) found.emplace_back(it->key(), it->value());
  return found;
}

void EditRecord(table::testing::TestRegion& region, Dot dot,
                const std::function<void(streams::ChangeRecord&)>& edit) {
  const std::string key = streams::ChangeKey(dot);
  const std::string bytes = Read(region, ColumnFamily::kChanges, key);
  streams::ChangeRecord record;
  CHECK(streams::DecodeChangeRecord(bytes, record));
  edit(record);
  std::string changed;
  streams::EncodeChangeRecord(record, changed);
  KvBatch batch;
  batch.Put(ColumnFamily::kChanges, key, changed);
  Store(region, batch);
}

}  // namespace

EndedWorld::EndedWorld() {
  for (const uint16_t id : {1, 2, 3})
    regions_[std::string(1, static_cast<char>('a' + id - 1))] = std::make_unique<Region>(id);
  Region& a = *regions_["a"];
  table::TableDefinition definition = SimTable(kTable, /*streamed=*/true);
  definition.ttl = {std::string(kSimExpiry), {}, 0};
  a.engine->CreateTable(std::move(definition), a.executor,
                        [](const Result<table::TablePtr>& made) { CHECK(made.ok()); });
  a.RunAll();
  table::testing::Exchange(All());
}

std::vector<EndedWorld::Region*> EndedWorld::All() {
  std::vector<Region*> all;
  for (const auto& [name, region] : regions_) all.push_back(region.get());
  return all;
}

std::vector<const KvStore*> EndedWorld::Stores() const {
  std::vector<const KvStore*> stores;
  for (const auto& [name, region] : regions_) stores.push_back(&region->store);
  return stores;
}

EndedWorld::Region& EndedWorld::At(std::istringstream& words) {
  std::string name;
  words >> name;
  CHECK(regions_.count(name) != 0, "no region of that name: " + name);
  return *regions_.at(name);
}

Dot EndedWorld::DotOf(std::istringstream& words) {
  Region& maker = At(words);
  uint64_t number = 0;
  words >> number;
  return {maker.log(), number};
}

HistoryWrite& EndedWorld::AddWrite(const Region& region, const std::string& key) {
  HistoryWrite& write = history_.Add();
  for (const auto& [name, other] : regions_)
    if (other.get() != &region)
      ++write.region;
    else
      break;
  write.key = EncodeSimKey(key);
  write.outcome = Outcome::kAcknowledged;
  return write;
}

void EndedWorld::Tell(const std::string& story) {
  std::istringstream lines(story);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string verb;
    if (words >> verb) Step(verb, words);
  }
  if (!ended_) KeepRecords();
}

void EndedWorld::Step(const std::string& verb, std::istringstream& words) {
  if (verb == "put") {
    Put(words);
  } else if (verb == "delete") {
    Delete(words);
  } else if (verb == "transact") {
    Transact(words);
  } else if (verb == "exchange") {
    table::testing::Exchange(All());
  } else if (verb == "later") {
    uint64_t ms = 0;
    words >> ms;
    for (Region* region : All()) region->clock.physical_ms += ms;
  } else if (verb == "sweep") {
    Region& region = At(words);
    region.engine->SweepExpired(region.executor);
    region.RunAll();
  } else if (verb == "forget") {
    At(words).ForgetTombstones();
  } else if (verb == "placed") {
    std::string key;
    words >> key;
    PlaceTable(key);
  } else if (verb == "alone") {
    history_.expiry_by_writer_alone = true;
  } else if (verb == "end") {
    KeepRecords();
  } else if (verb == "mark") {
    Mark(words);
  } else if (verb.ends_with("-row")) {
    ChangeRow(verb, words);
  } else if (verb.ends_with("-stream")) {
    ChangeStream(verb, words);
  } else if (verb.ends_with("-index")) {
    ChangeIndex(verb, words);
  } else if (verb == "lose-loser" || verb == "enter") {
    ChangeLedger(verb, words);
  } else if (verb == "lose-change" || verb == "as-if" || verb == "trim") {
    ChangeLog(verb, words);
  } else if (verb == "count") {
    Region& region = At(words);
    const std::string key = table::CountKey(region.engine->FindTable(kTable)->definition.id);
    int64_t items = 0, bytes = 0;
    CHECK(table::DecodeCount(Read(region, ColumnFamily::kSystem, key), items, bytes));
    KvBatch batch;
    batch.Put(ColumnFamily::kSystem, key, table::EncodeCount(items + 1, bytes));
    Store(region, batch);
  } else if (verb == "digest") {
    Region& region = At(words);
    std::string name;
    words >> name;
    const std::string key = table::DigestKey(region.engine->FindTable(kTable)->definition.id,
                                             table::BucketOf(StoreKey(region, name)));
    table::BucketDigest digest;
    CHECK(table::DecodeBucketDigest(Read(region, ColumnFamily::kSystem, key), digest));
    ++digest.sum;
    KvBatch batch;
    batch.Put(ColumnFamily::kSystem, key, table::EncodeBucketDigest(digest));
    Store(region, batch);
  } else if (verb == "claim") {
    Region& region = At(words);
    std::string key;
    words >> key;
    AddWrite(region, key).version = {0, Stamp::Make(region.clock.physical_ms, 0),
                                     Dot{region.log(), 1000}};
  } else if (verb == "same") {
    uint64_t first = 0, second = 0;
    words >> first >> second;
    history_.At(first).in_transaction = true;
    history_.At(second).outcome = Outcome::kUnknown;
  } else {
    CHECK(false, "no such step: " + verb);
  }
}

void EndedWorld::Put(std::istringstream& words) {
  Region& region = At(words);
  std::string key, name = kTable;
  words >> key;
  const uint64_t id = AddWrite(region, key).id;
  SimItem item{key, id, "", {}};
  for (std::string option; words >> option;) {
    if (option == "unknown") history_.At(id).outcome = Outcome::kUnknown;
    if (option.starts_with("expires=")) item.expiry = std::stoull(option.substr(8));
    if (option.starts_with("in=")) {
      name = option.substr(3);
      history_.At(id).outcome = Outcome::kUnknown;  // who does not hold it cannot have it
    }
    if (option.starts_with("as=")) item.id = std::stoull(option.substr(3));
  }
  const auto put = [&item](std::optional<std::string_view>) -> Result<table::Mutation> {
    return table::Mutation{table::Mutation::Kind::kPut, EncodeSimItem(item)};
  };
  const conflict::Version version = Write(region, name, key, put);
  if (history_.At(id).outcome == Outcome::kAcknowledged) history_.At(id).version = version;
}

conflict::Version EndedWorld::Write(Region& region, const std::string& name, const std::string& key,
                                    table::testing::FunctionWrite::Evaluation evaluate) {
  conflict::Version version;
  region.engine->Write(std::make_unique<table::testing::FunctionWrite>(
                           region.engine->FindTable(name), EncodeSimKey(key), std::move(evaluate),
                           [&version](const Status& status, const table::WriteOperation& write) {
                             CHECK(status.ok(), status.ToString());
                             version = write.committed;
                           }),
                       region.executor);
  region.RunAll();
  return version;
}

void EndedWorld::Delete(std::istringstream& words) {
  Region& region = At(words);
  std::string key;
  words >> key;
  HistoryWrite& write = AddWrite(region, key);
  write.is_delete = true;
  write.version = Write(
      region, kTable, key, [&key](std::optional<std::string_view>) -> Result<table::Mutation> {
        return table::Mutation{table::Mutation::Kind::kDelete, EncodeSimKeyItem(key)};
      });
}

void EndedWorld::Transact(std::istringstream& words) {
  Region& region = At(words);
  std::vector<uint64_t> ids;
  std::vector<table::Mutation> mutations;
  std::vector<table::ItemName> items;
  for (std::string key; words >> key;) {
    HistoryWrite& write = AddWrite(region, key);
    write.in_transaction = true;
    ids.push_back(write.id);
    mutations.push_back(
        {table::Mutation::Kind::kPut, EncodeSimItem(SimItem{key, write.id, "", {}})});
    items.push_back({region.engine->FindTable(kTable), write.key});
  }
  auto puts = std::make_unique<Puts>(std::move(mutations));
  puts->items = std::move(items);
  std::vector<conflict::Version> versions;
  puts->ended = &versions;
  region.engine->Transact(std::move(puts), region.executor);
  region.RunAll();
  CHECK(versions.size() == ids.size());
  for (size_t i = 0; i < ids.size(); ++i) history_.At(ids[i]).version = versions[i];
}

void EndedWorld::PlaceTable(const std::string& key) {
  Region& a = *regions_["a"];
  table::TableDefinition definition = SimTable(kPlaced);
  definition.replicas[RegionId{1}] = {};
  definition.replicas[RegionId{2}] = {};
  a.engine->CreateTable(std::move(definition), a.executor,
                        [](const Result<table::TablePtr>& made) { CHECK(made.ok()); });
  a.RunAll();
  std::istringstream put("a " + key + " in=p");
  Put(put);
  table::testing::Exchange(All());
}

void EndedWorld::Mark(std::istringstream& words) {
  Region& region = At(words);
  const Dot dot = DotOf(words);
  std::string what;
  words >> what;
  EditRecord(region, dot, [&what](streams::ChangeRecord& record) {
    if (what == "ttl") {
      record.actor = streams::Actor::kTimeToLive;
    } else if (what == "begins") {
      record.transaction = record.dot.number;
    } else if (what == "alone") {
      record.transaction = 0;
      record.transaction_end = false;
    } else if (what == "early") {
      record.stamp = Stamp::Make(1, 0);
    } else {
      CHECK(false, "no such kind: " + what);
    }
  });
}

void EndedWorld::ChangeRow(const std::string& verb, std::istringstream& words) {
  Region& region = At(words);
  std::string name;
  words >> name;
  // Who does not hold a placed table does not know its id.
  Region& a = *regions_["a"];
  const std::string of = verb.find("-placed-") == std::string::npos ? kTable : kPlaced;
  const std::string key = ItemKey(a.engine->FindTable(of)->definition.id, EncodeSimKey(name));
  KvBatch batch;
  if (verb.starts_with("lose-")) {
    batch.Delete(ColumnFamily::kItems, key);
  } else if (verb.starts_with("more-")) {
    batch.Put(ColumnFamily::kItems, key, Read(a, ColumnFamily::kItems, key));
  } else {
    uint64_t id = 0;
    words >> id;
    const HistoryWrite& write = history_.At(id);
    std::string value;
    table::EncodeStoredItem(
        StoredItem{write.version, false, EncodeSimItem(SimItem{name, id, "", {}})}, value);
    batch.Put(ColumnFamily::kItems, key, value);
  }
  Store(region, batch);
}

void EndedWorld::ChangeStream(const std::string& verb, std::istringstream& words) {
  Region& region = At(words);
  size_t number = 0;
  words >> number;
  const auto stream = region.engine->Streams().Find(kTable, kSimStreamMs);
  CHECK(stream && !stream->shards.empty());
  const std::string prefix = table::ShardPrefix(stream->definition.id, stream->shards.back().number,
                                                table::StreamTag::kEntry);
  const auto entries = List(region, ColumnFamily::kStreams, prefix);
  CHECK(number >= 1 && number <= entries.size(), "no such record of the stream");
  const auto& [key, value] = entries[number - 1];
  KvBatch batch;
  if (verb == "lose-stream") {
    batch.Delete(ColumnFamily::kStreams, key);
  } else if (verb == "again-stream") {
    const streams::Sequence last = table::SequenceOfShardKey(entries.back().first);
    batch.Put(ColumnFamily::kStreams,
              table::ShardKey(stream->definition.id, stream->shards.back().number,
                              table::StreamTag::kEntry, {last.value + 1}),
              value);
  } else {
    streams::StreamEntry entry;
    CHECK(streams::DecodeStreamEntry(value, entry));
    entry.old_image.reset();
    std::string changed;
    streams::EncodeStreamEntry(entry, changed);
    batch.Put(ColumnFamily::kStreams, key, changed);
  }
  Store(region, batch);
}

void EndedWorld::ChangeIndex(const std::string& verb, std::istringstream& words) {
  Region& region = At(words);
  std::string name;
  words >> name;
  const std::string item = EncodeSimKey(name);
  KvBatch batch;
  for (const auto& [key, value] : List(region, ColumnFamily::kIndexes)) {
    if (!key.ends_with(item)) continue;
    if (verb == "lose-index") {
      batch.Delete(ColumnFamily::kIndexes, key);
    } else if (verb == "more-index") {
      batch.Put(ColumnFamily::kIndexes, key + "x", value);
    } else {
      batch.Put(ColumnFamily::kIndexes, key, value + "x");
    }
  }
  CHECK(!batch.empty(), "no index has the item");
  Store(region, batch);
}

void EndedWorld::ChangeLedger(const std::string& verb, std::istringstream& words) {
  Region& region = At(words);
  std::string name;
  words >> name;
  KvBatch batch;
  if (verb == "enter") {
    const std::string bytes = Read(region, ColumnFamily::kItems, StoreKey(region, name));
    StoredItem row;
    CHECK(table::DecodeStoredItem(bytes, row));
    conflict::ConflictRecord record;
    record.table = region.engine->FindTable(kTable)->definition.id;
    record.key = EncodeSimKey(name);
    record.loser = {row.version, row.tombstone, std::string(row.image)};
    record.winner = record.loser;
    batch.Put(ColumnFamily::kLedger, conflict::LedgerKey(row.version),
              conflict::EncodeConflictRecord(record));
  } else {
    for (const auto& [key, value] : List(region, ColumnFamily::kLedger)) {
      conflict::ConflictRecord record;
      CHECK(conflict::DecodeConflictRecord(value, record));
      if (record.key == EncodeSimKey(name)) batch.Delete(ColumnFamily::kLedger, key);
    }
    CHECK(!batch.empty(), "the ledger has no loser of the key");
  }
  Store(region, batch);
}

void EndedWorld::ChangeLog(const std::string& verb, std::istringstream& words) {
  Region& region = At(words);
  const Dot dot = DotOf(words);
  if (verb == "as-if") {
    uint64_t id = 0;
    words >> id;
    std::string image;
    return EditRecord(region, dot, [&](streams::ChangeRecord& record) {
      const auto item = DecodeSimItem(record.image);
      CHECK(item, "the change is no put");
      image = EncodeSimItem(SimItem{item->pk, id, "", {}});
      record.image = image;
    });
  }
  KvBatch batch;
  if (verb == "trim") {
    streams::TrimChanges(batch, dot.log, dot.number);
  } else {
    batch.Delete(ColumnFamily::kChanges, streams::ChangeKey(dot));
  }
  Store(region, batch);
}

void EndedWorld::KeepRecords() {
  ended_ = true;
  for (const auto& [name, region] : regions_)
    for (const auto& [key, value] : List(*region, ColumnFamily::kChanges)) {
      const Dot dot{LogId{LoadFixed64(key.data())}, LoadFixed64(key.data() + 8)};
      if (dot.log == region->log())
        history_.records[dot] = std::make_shared<const std::string>(value);
    }
}

}  // namespace everwrite::chaos::testing
