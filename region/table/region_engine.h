// RegionEngine: a region's engine put together: catalog, key locks, committer, remote apply, ledger
// and maintenance over one KvStore. The server and the simulator each drive one; neither reaches
// past it.
//
// Thread-safety: all methods, any thread, unless said otherwise.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/corrected_clock.h"
#include "region/table/admission.h"
#include "region/table/catalog.h"
#include "region/table/clock_note.h"
#include "region/table/committer.h"
#include "region/table/conflict_ledger.h"
#include "region/table/engine.h"
#include "region/table/filling.h"
#include "region/table/index_backfill.h"
#include "region/table/key_locks.h"
#include "region/table/ledger_table.h"
#include "region/table/local_write.h"
#include "region/table/maintenance.h"
#include "region/table/remote_apply.h"
#include "region/table/row_repair.h"
#include "region/table/stream_catalog.h"
#include "region/table/stream_reader.h"
#include "region/table/table_fills.h"
#include "region/table/transaction.h"
#include "region/table/ttl.h"
#include "streams/change_record.h"
#include "streams/region_port.h"

namespace everwrite::table {

struct RegionEngineOptions {
  RegionId region;
  std::vector<RegionId> others = {};  // of the topology
  CommitterOptions commit = {};
  uint64_t change_log_keep_ms = 24ULL * 3600 * 1000;
  uint64_t change_log_bytes = 64ULL << 30;
  streams::ShardPolicy stream_shards;
  // Names the place where the data lies, as far as the system can tell (device and inode). Data
  // found in another place than it was left in is a copy, perhaps an old one: its numbers may have
  // been given since, so a new log is started and the old one's tail comes back from the peers.
  // Empty: not checked.
  std::string place;
  // There are other regions, which may have data that an empty store must be filled with first.
  bool joins = false;
  // How long the region that wrote an expired item last must be silent until we delete it (ttl.h).
  uint64_t ttl_takeover_ms = 60'000;
  // There are other regions to compare the clock with: until most of them agree with it, items must
  // have been expired for so long (ttl.h). 0: there are none.
  uint64_t ttl_unjudged_ms = 0;
  LedgerBounds ledger;
  // Whose word is asked for before anything is written (admission.h); `life` names this process.
  AdmissionOptions admission = {};
  streams::Life life = {};
  // What has been decided, and why; on any thread that drives the engine. Not kNothing.
  std::function<void(Admission::Decision, const std::string& reason)> on_admission = {};
  // Names regions, where people read; without it, their numbers.
  RegionName region_name = {};
};

class RegionEngine : public TableEngine {
 public:
  // Opens what the store holds. `incarnation` names the region's log when one is started: the store
  // is empty, or is a copy (`place`). It must never have been used before by this region (random
  // bits, or the time). `wake`: the committer has work (Committer).
  static Result<std::unique_ptr<RegionEngine>> Open(KvStore& store, const Clock& clock,
                                                    const RegionEngineOptions& options,
                                                    uint64_t incarnation,
                                                    std::function<void()> wake);

  // --- clients (TableEngine) ---
  Status Serving() const override;
  TablePtr FindTable(std::string_view name) const override {
    TablePtr table = name == kLedgerTableName ? ledger_table_.table() : catalog_.Find(name);
    return table && table->state && table->state->filling ? nullptr : table;
  }
  TablePtr FindDescribed(std::string_view name) const override {
    return name == kLedgerTableName ? ledger_table_.table() : catalog_.Find(name);
  }
  std::optional<int> FilledPercent(const Table& table) const override;
  std::vector<std::string> ListTables(std::string_view after, size_t limit) const override {
    return catalog_.List(after, limit);
  }
  void CreateTable(TableDefinition definition, Executor& executor, TableCallback done) override;
  void UpdateTable(std::string name, std::function<Status(TableDefinition&)> edit,
                   Executor& executor, TableCallback done) override;
  void Disassociate(std::string name, std::function<Status(TableDefinition&)> edit,
                    Executor& executor, TableCallback done) override;
  void DeleteTable(std::string name, Executor& executor, TableCallback done) override;
  bool HasApart(std::string_view name, RegionId region) const override {
    return catalog_.HasApart(name, region);
  }
  Count CountOf(const Table& table) const override;
  IndexStatus StatusOf(const Table& table, IndexId index) const override;
  Result<bool> Get(const Table& table, std::string_view key, std::string* item) const override;
  Status Scan(const Table& table, const ScanOptions& options,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  void Write(std::unique_ptr<WriteOperation> operation, Executor& executor) override;
  void Transact(std::unique_ptr<TransactionOperation> operation, Executor& executor) override;
  Status GetTogether(const std::vector<ItemName>& names, const ItemVisitor& visit) const override;
  const StreamReader& Streams() const override { return stream_reader_; }

  // --- the replicator beside us (streams/region_port.h) ---
  streams::RegionState State() const;
  // The age in milliseconds of our oldest change that `applied` does not cover; 0: it covers all;
  // -1: the change log no longer holds it.
  int64_t AgeOfFirstMissing(const conflict::Vector& applied) const;
  // kDataLoss when the change log is damaged there.
  Result<streams::ReadReply> Read(const streams::ReadRequest& request) const;
  void Apply(streams::ApplyRequest request, Executor& executor, RemoteApply::Reply reply) {
    remote_apply_.Apply(std::move(request), executor, std::move(reply));
  }
  std::vector<RemoteApply::Late> TakeLate() { return remote_apply_.TakeLate(); }
  void OnProgress(const streams::PeerProgress& progress);

  // What a peer has said of us; and a look at the time, to be taken every tenth of a second or so.
  void OnWord(const streams::PeerWord& word, Executor& executor);
  void TickAdmission(Executor& executor);
  // Another process that says it is this region, while this one goes first.
  std::optional<streams::Life> Twin() const;

  // For a peer that is filled from us. kUnavailable while we are not whole ourselves.
  Result<streams::ScanChunk> Scan(const streams::ScanRequest& request);
  void Fill(streams::FillRequest request, Executor& executor, Filling::Reply reply) {
    filling_.Fill(std::move(request), executor, std::move(reply));
  }
  const Filling& filling() const { return filling_; }
  const TableFills& fills() const { return fills_; }
  // The tables of which this region has nothing (false), or not yet all (true).
  std::map<TableId, bool> NotWhole() const;
  // All rows of the table are here, as in other regions; of the table of tables always.
  bool IsWhole(TableId table) const;
  // --- the proof of convergence (region/convergence) ---
  DigestBook& digests() { return committer_.digests(); }
  RowRepair& repair() { return repair_; }
  const KvStore& store() const { return store_; }

  // --- operators ---
  Result<std::vector<conflict::ConflictRecord>> Conflicts(const ConflictFilter& filter) const {
    return ListConflicts(store_, filter);
  }
  Result<conflict::ConflictRecord> Conflict(const conflict::Version& loser) const {
    return FindConflict(store_, loser);
  }
  // Writes the losing content again, as a new write that knows the winner and so wins everywhere.
  void RestoreConflict(const conflict::Version& loser, Executor& executor, StatusCallback done);
  TablePtr FindTableById(TableId id) const {
    return id == kLedgerTable ? ledger_table_.table() : catalog_.FindById(id);
  }
  const LedgerTable& ledger_table() const { return ledger_table_; }
  LedgerRetention& ledger_retention() { return ledger_retention_; }
  // Entries of the ledger now, and their bytes.
  Count LedgerSize() const { return CountOf(*ledger_table_.table()); }
  RegionState CommittedState() const { return committer_.CommittedState(); }
  // Entries put in the ledger, ever.
  uint64_t ConflictCount() const { return committer_.CommittedState().conflicts; }
  size_t CommitQueue() const { return committer_.waiting(); }
  // Every stored version behind `after` ("": all) of every table, definitions included, in key
  // order, tombstones too.
  Status ScanVersions(
      std::string_view after,
      const std::function<bool(std::string_view store_key, const StoredItem&)>& visit) const;

  // --- whoever drives it ---
  Committer& committer() { return committer_; }
  // The region's clock: what it was opened with, and what the majority corrects it by.
  const CorrectedClock& clock() const { return clock_; }
  // Admission::unproven.
  bool unproven() const {
    std::lock_guard lock(admission_mutex_);
    return admission_.unproven();
  }
  Maintenance& maintenance() { return maintenance_; }
  LogReport log_report() const { return maintenance_.logs().report(); }
  // Deletes what is expired (ttl.h); to be called every second or so.
  void SweepExpired(Executor& executor) {
    if (own_whole_ && streams::Serves(filling_.stage())) sweeper_.Sweep(executor);
  }
  const ExpirySweeper& sweeper() const { return sweeper_; }
  // Says in the definitions what has become of this region's replicas: one that was filled is
  // active, one that was given up is gone
  // when one that stays has all its rows. To be called every second or so.
  void SettleReplicas(Executor& executor);
  // Fills indexes on `executor` from now on.
  void StartBackfill(Executor& executor) { backfill_.Start(executor); }
  bool IsFillingIndexes() const { return catalog_.FindIncomplete() != nullptr; }

 private:
  RegionEngine(KvStore& store, const Clock& clock, const RegionEngineOptions& options,
               RegionState state, uint64_t incarnation, bool fresh_log, std::function<void()> wake);

  // Decides on a new definition under the lock of its key in the catalog. `live` is null when there
  // is no such table; `edit` leaves the definition to store, or nullopt to delete.
  using CatalogEdit = std::function<Result<std::optional<TableDefinition>>(
      const TablePtr& live, const conflict::Version& stored, uint64_t generation)>;
  class CatalogUnit;
  streams::FillProgress TableFillProgress() const;
  std::vector<TableId> Without() const;
  bool IsNone(const TableDefinition& definition) const;
  bool IsApart(const TableDefinition& definition) const;
  // Of a table that this region leaves.
  bool MayDrop(const TablePtr& table);
  // `parts`: what is left is the table without this region, which keeps what it has.
  void EditCatalog(std::string key, CatalogEdit edit, Executor& executor, TableCallback done,
                   bool parts = false);
  void Submit(std::unique_ptr<WriteOperation> operation, Executor& executor, streams::Actor actor);
  void Decide(std::unique_ptr<LocalWrite> write, streams::Actor actor);
  class NewLogUnit;
  void BeginLog(Executor& executor);

  const RegionId region_;
  KvStore& store_;
  CorrectedClock clock_;
  ClockNote clock_note_;
  KeyLocks locks_;
  StreamCatalog streams_;
  TableFills fills_;
  Catalog catalog_;
  Committer committer_;
  RemoteApply remote_apply_;
  Transactions transactions_;
  Maintenance maintenance_;
  IndexBackfill backfill_;
  ExpirySweeper sweeper_;
  Filling filling_;
  RowRepair repair_;
  StreamReader stream_reader_;
  LedgerTable ledger_table_;
  LedgerRetention ledger_retention_;
  const std::function<void(Admission::Decision, const std::string&)> on_admission_;
  std::atomic<bool> admitted_;
  std::atomic<bool> own_whole_;  // what peers hold of our own logs is here (admission.h)
  mutable std::mutex admission_mutex_;
  Admission admission_;        // guarded by admission_mutex_
  uint64_t next_incarnation_;  // guarded by admission_mutex_
  // A table that this region leaves: what it had when it first looked at this definition. Not at
  // equal replicas: who has left, joined, written and leaves again may leave the same ones.
  struct Leaving {
    TablePtr table;
    conflict::Vector applied;
  };
  std::mutex leaving_mutex_;
  std::map<TableId, Leaving> leaving_;          // guarded by leaving_mutex_; of tables held here
  std::map<RegionId, conflict::Vector> whole_;  // guarded by leaving_mutex_: peers, what they show
};

}  // namespace everwrite::table
