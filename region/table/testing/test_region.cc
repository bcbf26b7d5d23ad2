#include "region/table/testing/test_region.h"

#include <algorithm>

#include "region/item/item.h"

namespace everwrite::table::testing {

std::string TestItem(std::string_view pk, std::string_view v) {
  item::ItemBuilder builder;
  builder.AddString("pk", pk);
  if (!v.empty()) builder.AddString("v", v);
  return builder.Finish();
}

std::string TestKey(std::string_view pk) {
  const std::string key = TestItem(pk, "");
  return item::EncodeKey(TestTable("t").key, item::ItemView(key)).value();
}

std::string ValueOf(std::string_view bytes) {
  const auto value = item::ItemView(bytes).Find("v");
  return value ? std::string(value->text()) : "";
}

TableDefinition TestTable(std::string name) {
  TableDefinition definition;
  definition.name = std::move(name);
  definition.key.partition = {"pk", item::KeyType::kString};
  return definition;
}

TestRegion::TestRegion(uint16_t id, CommitterOptions commit) : id_(id), commit_(commit) { Open(); }

void TestRegion::Open() {
  RegionEngineOptions options;
  options.region = RegionId{id_};
  options.others = others;
  options.commit = commit_;
  options.stream_shards = stream_shards;
  options.ttl_unjudged_ms = ttl_unjudged_ms;
  auto opened = RegionEngine::Open(store, clock, options, 77, [] {});
  CHECK(opened.ok(), opened.status().ToString());
  engine = std::move(opened).value();
  engine->StartBackfill(executor);
}

void TestRegion::Restart() {
  engine.reset();
  store.Crash();
  executor = {};
  Open();
}

void TestRegion::RunAll() {
  for (bool busy = true; busy;) {
    busy = false;
    while (executor.RunOne()) busy = true;
    while (engine->committer().BeginTurn()) {
      engine->committer().EndTurn();
      busy = true;
    }
  }
}

TablePtr TestRegion::CreateTable(std::string name) {
  Result<TablePtr> created = Internal("not called");
  engine->CreateTable(TestTable(std::move(name)), executor,
                      [&](Result<TablePtr> table) { created = std::move(table); });
  RunAll();
  return created.value();
}

Status TestRegion::Write(std::string_view table, std::string_view pk,
                         FunctionWrite::Evaluation evaluate) {
  Status outcome = Internal("not called");
  engine->Write(std::make_unique<FunctionWrite>(
                    engine->FindTable(table), TestKey(pk), std::move(evaluate),
                    [&](const Status& status, const WriteOperation&) { outcome = status; }),
                executor);
  RunAll();
  return outcome;
}

Status TestRegion::Put(std::string_view table, std::string_view pk, std::string_view v) {
  return Write(table, pk, [&](auto) -> Result<Mutation> {
    return Mutation{Mutation::Kind::kPut, TestItem(pk, v)};
  });
}

Status TestRegion::Delete(std::string_view table, std::string_view pk) {
  return Write(table, pk, [&](auto) -> Result<Mutation> {
    return Mutation{Mutation::Kind::kDelete, TestItem(pk, "")};
  });
}

std::string TestRegion::Get(std::string_view table, std::string_view pk) {
  const TablePtr found = engine->FindTable(table);
  if (!found) return "no table";
  std::string bytes;
  return engine->Get(*found, TestKey(pk), &bytes).value() ? ValueOf(bytes) : "-";
}

streams::RecordBatch TestRegion::ReadLog(LogId log, uint64_t after) {
  return engine->Read({1, log, after, 1 << 30})->batch;
}

Status TestRegion::Apply(streams::RecordBatch batch) {
  Status outcome = Internal("not called");
  engine->Apply({1, std::move(batch)}, executor,
                [&](streams::ApplyReply reply) { outcome = reply.status; });
  RunAll();
  return outcome;
}

// As a source's feed would give it to us.
bool TestRegion::Share(streams::RecordBatch& batch) const {
  for (auto& record : batch.records) {
    const streams::Share share = streams::ShareOf(*record, RegionId{id_});
    if (share == streams::Share::kLacking && !takes_bare) return false;
    if (share == streams::Share::kBare)
      record = std::make_shared<const std::string>(streams::BareRecord(*record));
  }
  return true;
}

Status TestRegion::PullFrom(TestRegion& source) {
  if (&source == this) return {};
  // One record, or transaction, at a time from whichever log can go on, as a gate would let them
  // through.
  for (bool progress = true; progress;) {
    progress = false;
    const conflict::Vector available = source.engine->State().applied;
    for (const Dot& head : available.entries()) {
      if (head.log.region() == RegionId{id_}) continue;
      uint64_t have = engine->State().applied.At(head.log);
      while (have < head.number) {
        auto batch = source.engine->Read({1, head.log, have, 1})->batch;
        if (batch.empty()) break;  // no longer held there
        streams::ChangeRecord record;
        CHECK(streams::DecodeChangeRecord(*batch.records[0], record));
        while (record.transaction != 0 && !record.transaction_end) {
          auto next = source.engine->Read({1, head.log, batch.last(), 1})->batch;
          CHECK(streams::DecodeChangeRecord(*next.records[0], record));
          batch.records.push_back(next.records[0]);
        }
        if (!Share(batch)) break;  // this source has the bare number of what we need
        const size_t records = batch.records.size();
        const Status status = Apply(std::move(batch));
        if (status.code() == StatusCode::kFailedPrecondition) break;  // waits for another log
        EW_RETURN_IF_ERROR(status);
        have += records;
        progress = true;
      }
    }
  }
  conflict::Vector theirs = source.engine->State().applied;
  theirs.Set(log(), 0);
  return engine->State().applied.Covers(theirs) ? Status() : Internal("stuck");
}

namespace {

Status Carry(TestRegion& to, streams::FillRequest request) {
  Status outcome = Internal("not called");
  to.engine->Fill(std::move(request), to.executor,
                  [&](streams::FillReply reply) { outcome = reply.status; });
  to.RunAll();
  return outcome;
}

}  // namespace

Status TestRegion::BeginFilling(TestRegion& source) {
  EW_ASSIGN_OR_RETURN(streams::ScanChunk chunk, source.engine->Scan({.reader = RegionId{id_}}));
  return Carry(*this, {1, streams::FillRequest::Kind::kChunk, RegionId{source.id_}, chunk});
}

Status TestRegion::FillMore(TestRegion& source, size_t max_bytes, bool anew) {
  streams::FillProgress at = engine->filling().Progress();
  if (anew) {
    at.after.clear();
    at.pass = {};
  }
  const bool rows = at.part == streams::ScanPart::kItems;
  EW_ASSIGN_OR_RETURN(
      streams::ScanChunk chunk,
      source.engine->Scan(
          {1, at.part, at.after, rows ? at.pass : at.floor, max_bytes, {}, RegionId{id_}}));
  return Carry(*this, {1, streams::FillRequest::Kind::kChunk, RegionId{source.id_}, chunk});
}

Status TestRegion::FillRows(TestRegion& source, size_t max_bytes) {
  while (engine->filling().Progress().part == streams::ScanPart::kItems)
    EW_RETURN_IF_ERROR(FillMore(source, max_bytes));
  return {};
}

Status TestRegion::GatherMore(TestRegion& source) {
  while (engine->filling().Progress().part != streams::ScanPart::kDone)
    EW_RETURN_IF_ERROR(FillMore(source, 1000));
  return Carry(*this, {1, streams::FillRequest::Kind::kAgain, {}, {}});
}

Status TestRegion::FillTable(TestRegion& source, size_t max_bytes) {
  const streams::FillProgress at = engine->State().fill;
  if (at.table.value == 0) return FailedPrecondition("no table is being filled");
  EW_ASSIGN_OR_RETURN(
      streams::ScanChunk chunk,
      source.engine->Scan({1, at.part, at.after, at.floor, max_bytes, at.table, RegionId{id_}}));
  return Carry(*this, {1, streams::FillRequest::Kind::kChunk, RegionId{source.id_}, chunk});
}

Status TestRegion::SetReplicas(std::string_view name,
                               const std::function<void(Replicas&)>& change) {
  Status outcome = Internal("not called");
  engine->UpdateTable(
      std::string(name),
      [&](TableDefinition& definition) {
        change(definition.replicas);
        return OkStatus();
      },
      executor, [&](const Result<TablePtr>& result) { outcome = result.status(); });
  RunAll();
  return outcome;
}

void TestRegion::ForgetTombstones(const conflict::Vector& stable) {
  streams::PeerProgress progress;
  progress.stable = stable;
  engine->OnProgress(progress);
  const Status run = engine->maintenance().RunOnce(executor);
  CHECK(run.ok(), run.ToString());
  RunAll();
}

void TestRegion::Settle() {
  engine->SettleReplicas(executor);
  RunAll();
}

Status TestRegion::FinishFilling() {
  return Carry(*this, {1, streams::FillRequest::Kind::kFinish, {}, {}});
}

Status TestRegion::CompleteFilling(TestRegion& source, size_t max_bytes) {
  while (engine->filling().Progress().part != streams::ScanPart::kDone)
    EW_RETURN_IF_ERROR(FillMore(source, max_bytes));
  return Carry(*this, {1, streams::FillRequest::Kind::kComplete, {}, {}});
}

std::vector<std::string> TestRegion::Losers() {
  std::vector<std::string> losers;
  const auto conflicts = engine->Conflicts({});
  for (const auto& record : conflicts.value()) {
    if (record.is_table) {
      losers.push_back("table " + record.key);
      continue;
    }
    const item::ItemView image(record.loser.image);
    const std::string pk(image.Find("pk")->text());
    losers.push_back(pk +
                     (record.loser.tombstone ? " deleted" : "=" + ValueOf(record.loser.image)));
  }
  return losers;
}

std::vector<std::string> TestRegion::Dump() {
  std::vector<std::string> items;
  CHECK(engine
            ->ScanVersions("",
                           [&](std::string_view key, const StoredItem& stored) {
                             if (stored.tombstone || TableOfItemKey(key) == kCatalogTable)
                               return true;
                             items.push_back(
                                 std::to_string(TableOfItemKey(key).value) + " " +
                                 std::string(item::ItemView(stored.image).Find("pk")->text()) +
                                 "=" + ValueOf(stored.image));
                             return true;
                           })
            .ok());
  return items;
}

}  // namespace everwrite::table::testing
