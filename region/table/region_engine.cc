#include "region/table/region_engine.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "region/table/local_write.h"
#include "region/table/region_scan.h"
#include "streams/change_log.h"

namespace everwrite::table {
Result<std::unique_ptr<RegionEngine>> RegionEngine::Open(KvStore& store, const Clock& clock,
                                                         const RegionEngineOptions& options,
                                                         uint64_t incarnation,
                                                         std::function<void()> wake) {
  std::string value;
  RegionState state;
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kSystem, kRegionStateKey, &value));
  if (found) {
    if (!DecodeRegionState(value, state)) return DataLoss("the region's state is damaged");
    if (state.log.region() != options.region)
      return FailedPrecondition("the data belongs to region id " +
                                std::to_string(state.log.region().value) + ", not " +
                                std::to_string(options.region.value));
  }
  EW_ASSIGN_OR_RETURN(const bool has_forgotten,
                      store.Get(ColumnFamily::kSystem, kForgottenKey, &value));
  if (has_forgotten && !DecodeForgotten(value, state.forgotten))
    return DataLoss("what the region knows of forgotten tombstones is damaged");
  std::string place;
  EW_ASSIGN_OR_RETURN(const bool placed, store.Get(ColumnFamily::kSystem, kPlaceKey, &place));
  const bool moved = placed && !options.place.empty() && place != options.place;
  if (!found || moved) state.log = LogId::Make(options.region, incarnation);
  if (!found || moved || (!placed && !options.place.empty())) {
    KvBatch batch;
    batch.Put(ColumnFamily::kSystem, kRegionStateKey, EncodeRegionState(state));
    if (!options.place.empty()) batch.Put(ColumnFamily::kSystem, kPlaceKey, options.place);
    if (!found && options.joins) Filling::MarkNew(batch);
    EW_RETURN_IF_ERROR(store.Write(batch, Sync::kYes));
  }
  EW_ASSIGN_OR_RETURN(state.closed, Filling::IsClosed(store));
  std::unique_ptr<RegionEngine> engine(new RegionEngine(
      store, clock, options, std::move(state), incarnation, !found || moved, std::move(wake)));
  // Of two regions nobody can tell which clock is right.
  const bool will_be_judged = options.admission.peers.size() >= 2;
  EW_RETURN_IF_ERROR(engine->clock_note_.Restore(will_be_judged && !moved));
  EW_RETURN_IF_ERROR(engine->streams_.Load(store));
  const TablePtr& ledger = engine->ledger_table_.table();
  engine->streams_.Attach(ledger->definition, *ledger->state);
  engine->committer_.SetLedgerTable(&engine->ledger_table_);
  EW_RETURN_IF_ERROR(engine->fills_.Load(store));
  EW_RETURN_IF_ERROR(engine->catalog_.Load(store));
  EW_RETURN_IF_ERROR(engine->committer_.Load());
  EW_RETURN_IF_ERROR(engine->maintenance_.logs().Load());
  EW_RETURN_IF_ERROR(engine->filling_.Load());
  return engine;
}

RegionEngine::RegionEngine(KvStore& store, const Clock& clock, const RegionEngineOptions& options,
                           RegionState state, uint64_t incarnation, bool fresh_log,
                           std::function<void()> wake)
    : region_(options.region),
      store_(store),
      clock_(clock),
      clock_note_(store, clock_),
      streams_(options.stream_shards),
      catalog_(options.region, options.others, streams_, fills_),
      committer_(store, clock_, std::move(state), options.commit, std::move(wake)),
      remote_apply_(store, catalog_, locks_, committer_),
      transactions_(store, clock_, locks_, committer_),
      maintenance_(store, clock_, locks_, committer_, transactions_, streams_, fills_,
                   {options.change_log_keep_ms, options.change_log_bytes}),
      backfill_(store, catalog_, locks_, committer_),
      sweeper_(store, clock_, catalog_, options.region,
               {options.ttl_takeover_ms, options.ttl_unjudged_ms},
               [this](std::unique_ptr<WriteOperation> deletion, Executor& executor) {
                 Submit(std::move(deletion), executor, streams::Actor::kTimeToLive);
               }),
      filling_(store, clock_, catalog_, locks_, committer_, remote_apply_, maintenance_.logs()),
      repair_(store, catalog_, locks_, committer_),
      stream_reader_(store, streams_, committer_, options.region),
      ledger_table_(store, catalog_, options.region, options.region_name),
      ledger_retention_(store, committer_, options.ledger),
      on_admission_(options.on_admission),
      admitted_(options.admission.peers.empty()),
      own_whole_(options.admission.peers.empty()),
      admission_(options.admission, options.life, fresh_log, clock.Now()),
      next_incarnation_(fresh_log ? incarnation + 1 : incarnation) {
  committer_.Hold(!admitted_);
  catalog_.SetOnIncomplete([this] { backfill_.Kick(); });
}

// --- items ---------------------------------------------------------------------------------------

Result<bool> RegionEngine::Get(const Table& table, std::string_view key, std::string* item) const {
  if (table.definition.id == kLedgerTable) return ledger_table_.Get(key, item);
  EW_ASSIGN_OR_RETURN(const auto stored,
                      ReadStored(store_, ItemKey(table.definition.id, key), item));
  if (!stored || stored->tombstone) return false;
  item->erase(0, item->size() - stored->image.size());  // the header goes; the item stays in place
  return true;
}

Status RegionEngine::Scan(
    const Table& table, const ScanOptions& options,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (table.definition.id == kLedgerTable) return ledger_table_.Scan(options, visit);
  const bool of_index = options.index.value != 0;
  const TableId id = table.definition.id;
  const std::string prefix = of_index ? IndexPrefix(id, options.index) : ItemKey(id, "");
  const std::string begin = prefix + options.begin;
  const std::string end = options.end.empty() ? PrefixEnd(prefix) : prefix + options.end;
  const std::string after = options.after.empty() ? "" : prefix + options.after;
  const auto it =
      store_.NewIterator(of_index ? ColumnFamily::kIndexes : ColumnFamily::kItems, {begin, end});
  if (options.backward) {
    it->SeekForPrev(after.empty() ? end : after);
    if (it->Valid() && (it->key() == end || it->key() == after)) it->Prev();
  } else {
    it->Seek(after.empty() ? begin : after);
    if (it->Valid() && !after.empty() && it->key() == after) it->Next();
  }
  for (; it->Valid(); options.backward ? it->Prev() : it->Next()) {
    StoredItem stored;
    stored.image = it->value();
    if (!of_index && !DecodeStoredItem(it->value(), stored))
      return DataLoss("a stored item is damaged");
    if (stored.tombstone) continue;
    if (!visit(it->key().substr(prefix.size()), stored.image)) return {};
  }
  return it->status();
}

void RegionEngine::Transact(std::unique_ptr<TransactionOperation> operation, Executor& executor) {
  for (const ItemName& item : operation->items) {
    if (item.table->definition.id != kLedgerTable) continue;
    executor.Post([refused = std::shared_ptr<TransactionOperation>(std::move(operation))] {
      refused->Done(LedgerIsReadOnly());
    });
    return;
  }
  transactions_.Submit(std::move(operation), executor);
}

Status RegionEngine::GetTogether(const std::vector<ItemName>& names,
                                 const ItemVisitor& visit) const {
  const auto is_ledger = [](const ItemName& name) {
    return name.table->definition.id == kLedgerTable;
  };
  if (std::none_of(names.begin(), names.end(), is_ledger))
    return table::GetTogether(store_, names, visit);
  // Entries never change: they may be read beside the snapshot of the others.
  std::vector<std::optional<std::string>> items(names.size());
  std::vector<ItemName> others;
  std::vector<size_t> positions;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_ledger(names[i])) {
      std::string entry;
      EW_ASSIGN_OR_RETURN(const bool found, ledger_table_.Get(names[i].key, &entry));
      if (found) items[i] = std::move(entry);
    } else {
      others.push_back(names[i]);
      positions.push_back(i);
    }
  }
  EW_RETURN_IF_ERROR(table::GetTogether(
      store_, others, [&](size_t index, std::optional<std::string_view> item) -> Status {
        if (item) items[positions[index]] = *item;
        return {};
      }));
  for (size_t i = 0; i < items.size(); ++i)
    EW_RETURN_IF_ERROR(
        visit(i, items[i] ? std::optional<std::string_view>(*items[i]) : std::nullopt));
  return {};
}

void RegionEngine::Write(std::unique_ptr<WriteOperation> operation, Executor& executor) {
  if (operation->table->definition.id == kLedgerTable) {
    executor.Post([refused = std::shared_ptr<WriteOperation>(std::move(operation))] {
      refused->Done(LedgerIsReadOnly());
    });
    return;
  }
  Submit(std::move(operation), executor, streams::Actor::kClient);
}

void RegionEngine::Submit(std::unique_ptr<WriteOperation> operation, Executor& executor,
                          streams::Actor actor) {
  std::string store_key = ItemKey(operation->table->definition.id, operation->key);
  const KeyLocks::Stripe stripe = KeyLocks::StripeOf(store_key);
  auto write = std::make_unique<LocalWrite>(locks_, std::move(operation), executor,
                                            std::move(store_key), stripe);
  if (locks_.TryLock(stripe)) return Decide(std::move(write), actor);
  // A task must be copyable, so what waits is shared.
  const auto waiting = std::make_shared<std::unique_ptr<LocalWrite>>(std::move(write));
  const auto decide = [this, waiting, actor] { Decide(std::move(*waiting), actor); };
  if (locks_.Lock(stripe, executor, decide)) decide();
}

void RegionEngine::Decide(std::unique_ptr<LocalWrite> write, streams::Actor actor) {
  if (const Status open = committer_.Open(); !open.ok()) return write->End(open);
  thread_local std::string buffer;
  const auto stored = ReadStored(store_, write->store_key(), &buffer);
  if (!stored.ok()) return write->End(stored.status());
  std::optional<std::string_view> item;
  if (*stored) write->operation().replaced = (*stored)->version;
  if (*stored && !(*stored)->tombstone) item = (*stored)->image;
  auto mutation = write->operation().Evaluate(item);
  if (!mutation.ok()) return write->End(mutation.status());
  const bool nothing_to_delete = mutation->kind == Mutation::Kind::kDelete && !item;
  if (mutation->kind == Mutation::Kind::kNone || nothing_to_delete) return write->End({});
  const Status planned = write->Decide(store_, std::move(mutation).value(), *stored, actor);
  if (!planned.ok()) return write->End(planned);
  committer_.Submit(std::move(write));
}

// --- replication ---------------------------------------------------------------------------------

streams::RegionState RegionEngine::State() const {
  const RegionState committed = committer_.CommittedState();
  streams::RegionState state;
  state.region = committed.log.region();
  state.log = committed.log;
  state.applied = committed.applied;
  state.durable = committer_.Durable();
  state.clock_correction_ms = clock_.correction_ms();
  state.physical_ms = clock_.PhysicalMillis();
  state.clock = committed.clock;
  state.first_held = maintenance_.logs().first_held();
  state.coming = remote_apply_.Coming();
  // After the vector: what it says beyond the rows is known by then.
  state.stage = filling_.Now(state.fill);
  if (state.stage == streams::Stage::kServing && !fills_.empty()) {
    conflict::Claims claims = std::move(state.fill.claims);
    state.fill = TableFillProgress();
    state.fill.claims = std::move(claims);
  }
  std::lock_guard lock(admission_mutex_);
  state.life = admission_.life();
  return state;
}

int64_t RegionEngine::AgeOfFirstMissing(const conflict::Vector& applied) const {
  const RegionState committed = committer_.CommittedState();
  const RegionId own = committed.log.region();
  int64_t oldest_ms = 0;
  for (const Dot& dot : committed.applied.entries()) {
    const uint64_t missing = applied.At(dot.log) + 1;
    if (dot.log.region() != own || missing > dot.number) continue;
    const auto read = streams::ReadChanges(store_, dot.log, missing - 1, missing, 1);
    streams::ChangeRecord record;
    if (!read.ok() || read->empty() || !streams::DecodeChangeRecord(*read->records[0], record))
      return -1;
    oldest_ms = std::max<int64_t>({oldest_ms, 1,
                                   static_cast<int64_t>(clock_.PhysicalMillis()) -
                                       static_cast<int64_t>(record.stamp.milliseconds())});
  }
  return oldest_ms;
}

streams::FillProgress RegionEngine::TableFillProgress() const {
  const auto current = fills_.Current();
  if (!current) return {};
  streams::FillProgress progress = current->second.progress;
  progress.table = current->first;
  const TablePtr table = catalog_.FindById(current->first);
  if (!table) return {};
  for (const RegionId member : catalog_.HoldersOf(table->definition))
    if (member != region_ && !HasTold(progress, member)) progress.sources.push_back(member);
  return progress;
}

// Of this incarnation nothing is here.
bool RegionEngine::IsNone(const TableDefinition& definition) const {
  return !catalog_.FindById(definition.id);
}

// What is here of it is this region's alone.
bool RegionEngine::IsApart(const TableDefinition& definition) const {
  return definition.apart == region_;
}

bool RegionEngine::IsWhole(TableId id) const {
  if (id == kCatalogTable) return true;
  const TablePtr table = catalog_.FindById(id);
  return table && !IsApart(table->definition) && !fills_.Has(id);
}

std::map<TableId, bool> RegionEngine::NotWhole() const {
  std::map<TableId, bool> tables;
  for (const TablePtr& table : catalog_.AllAnywhere())
    if (IsNone(table->definition) || IsApart(table->definition))
      tables[table->definition.id] = false;
  for (const auto& [id, fill] : fills_.All()) tables[id] = true;
  return tables;
}

// Of tables that the reader may hold, those that are not all here.
std::vector<TableId> RegionEngine::Without() const {
  std::vector<TableId> without;
  for (const TablePtr& table : catalog_.AllAnywhere())
    if (IsNone(table->definition) || IsApart(table->definition) || table->state->dropped ||
        fills_.Has(table->definition.id))
      without.push_back(table->definition.id);
  return without;
}

// --- admission -----------------------------------------------------------------------------------

// Numbers are given in another log from here on.
class RegionEngine::NewLogUnit : public CommitUnit {
 public:
  NewLogUnit(RegionEngine& engine, LogId log, Executor& executor, std::function<void()> done)
      : engine_(engine), log_(log), executor_(executor), done_(std::move(done)) {}
  Status AddTo(CommitTurn& turn) override {
    turn.StartLog(log_);
    return {};
  }
  // What the former log holds is here; what is missing of it comes as any other region's.
  void Finished(const Status& status, Completions&) override {
    if (status.ok()) {
      engine_.remote_apply_.Jump(engine_.committer_.CommittedState().applied);
      std::string reason;
      {
        std::lock_guard lock(engine_.admission_mutex_);
        engine_.admission_.Began();
        reason = engine_.admission_.reason();
      }
      engine_.committer_.Hold(false);
      engine_.admitted_ = true;
      if (engine_.on_admission_) engine_.on_admission_(Admission::Decision::kNewLog, reason);
    }
    executor_.Post(done_);
  }

 private:
  RegionEngine& engine_;
  const LogId log_;
  Executor& executor_;
  const std::function<void()> done_;
};

void RegionEngine::BeginLog(Executor& executor) {
  LogId log;
  {
    std::lock_guard lock(admission_mutex_);
    log = LogId::Make(committer_.CommittedState().log.region(), next_incarnation_++);
  }
  // Alone: the former log becomes one that others bring.
  remote_apply_.RunAlone(executor, [this, log, &executor](std::function<void()> done) {
    committer_.Submit(std::make_unique<NewLogUnit>(*this, log, executor, std::move(done)));
  });
}

Status RegionEngine::Serving() const {
  if (admitted_ && own_whole_) return filling_.Serving();
  std::lock_guard lock(admission_mutex_);
  if (admission_.admitted())
    return Unavailable(
        "The data here is older than what the peers have seen of this region: " +
        std::to_string(admission_.missing()) +
        " of its own changes are on the way back from them. Try again in a few seconds.");
  if (!admission_.reason().empty()) return Unavailable(admission_.reason());
  return Unavailable(
      "This region has just started and makes sure with its peers that its data is not older than "
      "what they have seen of it. Try again in a few seconds.");
}

std::optional<streams::Life> RegionEngine::Twin() const {
  std::lock_guard lock(admission_mutex_);
  return admission_.twin();
}

void RegionEngine::OnWord(const streams::PeerWord& word, Executor& executor) {
  {
    std::lock_guard lock(admission_mutex_);
    admission_.OnWord(word, clock_.Now());
  }
  TickAdmission(executor);
}

void RegionEngine::TickAdmission(Executor& executor) {
  auto decision = Admission::Decision::kNothing;
  std::string reason;
  {
    const RegionState state = committer_.CommittedState();
    std::lock_guard lock(admission_mutex_);
    decision = admission_.Decide(state.log, state.applied, clock_.Now());
    reason = admission_.reason();
    own_whole_ = admission_.whole();
  }
  switch (decision) {
    case Admission::Decision::kNothing: return;
    case Admission::Decision::kNewLog: committer_.Hold(true); return BeginLog(executor);
    case Admission::Decision::kAdmit:
      committer_.Hold(false);
      admitted_ = true;
      break;
    case Admission::Decision::kRefuse:
      committer_.Hold(true);
      admitted_ = false;
      break;
    case Admission::Decision::kWhole: break;
  }
  if (on_admission_) on_admission_(decision, reason);
}

Result<streams::ScanChunk> RegionEngine::Scan(const streams::ScanRequest& request) {
  // Before and after: what goes from under the snapshot, or comes once it is taken, is without.
  std::vector<TableId> without = Without();
  const auto lacks = [&without](TableId table) {
    return std::find(without.begin(), without.end(), table) != without.end();
  };
  const TablePtr asked = catalog_.FindById(request.table);
  // When no holder is whole, the lowest puts together what each of them has (filling.cc).
  const bool may_be_partial = asked && request.reader.value != 0 &&
                              catalog_.HoldersOf(asked->definition).front() == request.reader;
  const auto hides = [&](TableId id) {
    if (id < kUserTables || id == request.table) return false;
    if (lacks(id)) return true;
    const TablePtr table = catalog_.FindById(id);
    return table && request.reader.value != 0 && !table->definition.Holds(request.reader);
  };
  if (request.table.value != 0 &&
      (!asked || IsApart(asked->definition) || (lacks(request.table) && !may_be_partial)))
    return Unavailable("the table is not whole here");
  EW_ASSIGN_OR_RETURN(streams::ScanChunk chunk, ReadScanChunk(store_, request, hides));
  for (const TableId id : Without())
    if (!lacks(id)) without.push_back(id);
  if (request.table.value != 0) {
    if (lacks(request.table) && !may_be_partial) return Unavailable("the table is not whole here");
    if (lacks(request.table)) {
      chunk.without.push_back(request.table);
    } else {
      chunk.shows = {};  // its vector says it all
    }
    chunk.total_rows = static_cast<uint64_t>(std::max<int64_t>(0, asked->state->count.items));
    return chunk;
  }
  // Nor does it say anything of what the reader should not hold: should it think otherwise by now,
  // it is not to take silence for deletions.
  for (const TablePtr& table : catalog_.All())
    if (request.reader.value != 0 && !table->definition.Holds(request.reader) &&
        !lacks(table->definition.id))
      without.push_back(table->definition.id);
  chunk.without = std::move(without);
  // Whoever begins with this vector claims it at once: a power cut here must not take it back. Rows
  // need no such care: they are merged when the log, which gives out what is durable, has come so
  // far.
  if (request.part == streams::ScanPart::kCatalog && !committer_.Durable().Covers(chunk.Claims()))
    EW_RETURN_IF_ERROR(committer_.SyncLog());
  for (const TablePtr& table : catalog_.All())
    chunk.total_rows += static_cast<uint64_t>(std::max<int64_t>(0, table->state->count.items));
  return chunk;
}

Result<streams::ReadReply> RegionEngine::Read(const streams::ReadRequest& request) const {
  streams::ReadReply reply;
  reply.id = request.id;
  reply.batch.log = request.log;
  reply.batch.first = request.after + 1;
  const auto first_held = maintenance_.logs().first_held();
  const auto is_trimmed = [&](const std::map<LogId, uint64_t>& first) {
    const auto at = first.find(request.log);
    return at != first.end() && request.after + 1 < at->second;
  };
  reply.trimmed = is_trimmed(first_held);
  if (reply.trimmed) return reply;
  auto batch = streams::ReadChanges(store_, request.log, request.after,
                                    committer_.Durable().At(request.log), request.max_bytes);
  if (batch.ok()) {
    reply.batch = std::move(batch).value();
    return reply;
  }
  // A trim may have come between; anything else is damage, which a peer must not mistake for an
  // end.
  reply.trimmed = is_trimmed(maintenance_.logs().first_held());
  if (!reply.trimmed) return batch.status();
  return reply;
}

// --- operators -----------------------------------------------------------------------------------

namespace {

class RestoreOperation : public WriteOperation {
 public:
  RestoreOperation(TablePtr table, const conflict::ConflictRecord& record, StatusCallback done)
      : WriteOperation(std::move(table), record.key),
        loser_(record.loser),
        done_(std::move(done)) {}
  Result<Mutation> Evaluate(std::optional<std::string_view>) override {
    return Mutation{loser_.tombstone ? Mutation::Kind::kDelete : Mutation::Kind::kPut,
                    loser_.image};
  }
  void Done(const Status& status) override { done_(status); }

 private:
  const conflict::ConflictSide loser_;
  const StatusCallback done_;
};

}  // namespace

void RegionEngine::RestoreConflict(const conflict::Version& loser, Executor& executor,
                                   StatusCallback done) {
  const auto refuse = [&](Status status) { executor.Post([done, status] { done(status); }); };
  const auto record = FindConflict(store_, loser);
  if (!record.ok()) return refuse(record.status());
  if (record->is_table)
    return refuse(
        FailedPrecondition("a lost table definition is not restored; update the table instead"));
  TablePtr table = catalog_.FindById(record->table);
  if (!table)
    return refuse(
        FailedPrecondition("the table has been deleted; create it again and put the item"));
  Submit(std::make_unique<RestoreOperation>(std::move(table), *record, std::move(done)), executor,
         streams::Actor::kRestore);
}

Status RegionEngine::ScanVersions(
    std::string_view after,
    const std::function<bool(std::string_view, const StoredItem&)>& visit) const {
  const auto it = store_.NewIterator(ColumnFamily::kItems, {});
  it->Seek(after);
  if (it->Valid() && !after.empty() && it->key() == after) it->Next();
  for (; it->Valid(); it->Next()) {
    StoredItem stored;
    if (!DecodeStoredItem(it->value(), stored)) return DataLoss("a stored item is damaged");
    if (!visit(it->key(), stored)) break;
  }
  return it->status();
}

}  // namespace everwrite::table
