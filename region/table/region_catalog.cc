// RegionEngine: tables: made, changed, deleted, given replicas and taken away from them.
#include <algorithm>
#include <tuple>
#include <utility>

#include "region/table/region_engine.h"
#include "streams/change_record.h"

namespace everwrite::table {
namespace {

// A unit that a queued lock continuation shares, for the committer, which wants one of its own.
class SharedUnit : public CommitUnit {
 public:
  explicit SharedUnit(std::shared_ptr<CommitUnit> unit) : unit_(std::move(unit)) {}
  Status AddTo(CommitTurn& turn) override { return unit_->AddTo(turn); }
  void Finished(const Status& status, Completions& completions) override {
    unit_->Finished(status, completions);
  }

 private:
  const std::shared_ptr<CommitUnit> unit_;
};

}  // namespace

// A change of the catalog by a client of this region, with its key locked: of one entry, or of a
// table's and that of what this region keeps of it when it leaves.
class RegionEngine::CatalogUnit : public CommitUnit {
 public:
  CatalogUnit(RegionEngine& engine, std::string key, bool parts, CatalogEdit edit,
              Executor& executor, TableCallback done)
      : engine_(engine), edit_(std::move(edit)), executor_(executor), done_(std::move(done)) {
    entry_.key = std::move(key);
    entry_.store_key = ItemKey(kCatalogTable, entry_.key);
    stripes_.push_back(KeyLocks::StripeOf(entry_.store_key));
    if (!parts) return;
    own_.emplace();
    own_->key = ApartKey(entry_.key, engine_.region_);
    own_->store_key = ItemKey(kCatalogTable, own_->key);
    stripes_.push_back(KeyLocks::StripeOf(own_->store_key));
    std::sort(stripes_.begin(), stripes_.end());
    stripes_.erase(std::unique(stripes_.begin(), stripes_.end()), stripes_.end());
  }

  const std::vector<KeyLocks::Stripe>& stripes() const { return stripes_; }

  Status Decide() {
    EW_RETURN_IF_ERROR(engine_.committer_.health());
    EW_ASSIGN_OR_RETURN(const conflict::Version version, Read(entry_));
    EW_ASSIGN_OR_RETURN(entry_.after, edit_(entry_.before, version, entry_.generation));
    if (!own_) return {};
    EW_RETURN_IF_ERROR(Read(*own_).status());
    CHECK(!own_->before && entry_.before && !entry_.before->state->elsewhere && entry_.after);
    // What is kept is the table as it was, in one region.
    const RegionId self = engine_.region_;
    own_->after = entry_.after;
    own_->after->apart = self;
    own_->after->replicas = {{self, entry_.after->replicas.at(self)}};
    own_->after->may_part.clear();
    entry_.after->replicas.erase(self);
    entry_.after->may_part.erase(self);
    return {};
  }

  Status AddTo(CommitTurn& turn) override {
    EW_RETURN_IF_ERROR(turn.CheckOpen());
    // First what is kept: whoever sees that the region has left sees that it has the table still.
    if (own_) Add(turn, *own_);
    Add(turn, entry_);
    if (own_) {
      std::tie(own_->published, entry_.published) =
          engine_.catalog_.Part(turn, *entry_.before, *own_->after, *entry_.after);
    } else {
      entry_.published =
          engine_.catalog_.Replace(turn, entry_.before, entry_.after ? &*entry_.after : nullptr);
    }
    return {};
  }

  void Finished(const Status& status, Completions&) override { End(status); }

  // Also ends an edit that never reached the committer.
  void End(const Status& status) {
    if (status.ok() && own_) engine_.catalog_.Publish(own_->key, own_->published);
    if (status.ok()) engine_.catalog_.Publish(entry_.key, entry_.published);
    engine_.locks_.UnlockAll(stripes_);
    const TablePtr shown = own_               ? own_->published
                           : entry_.published ? entry_.published
                                              : entry_.before;
    Result<TablePtr> result = status.ok() ? Result<TablePtr>(shown) : Result<TablePtr>(status);
    executor_.Post([done = std::move(done_), result] { done(result); });
  }

 private:
  struct Entry {
    std::string key;
    std::string store_key;
    uint64_t generation = 0;
    uint64_t hash_before = 0;
    TablePtr before;
    TablePtr published;
    std::optional<TableDefinition> after;
  };

  // What stands there; its version, or none.
  Result<conflict::Version> Read(Entry& entry) {
    std::string buffer;
    EW_ASSIGN_OR_RETURN(const auto stored, ReadStored(engine_.store_, entry.store_key, &buffer));
    entry.before = engine_.catalog_.FindAnywhere(entry.key);
    const conflict::Version version = stored ? stored->version : conflict::Version();
    entry.hash_before = stored ? RowHash(entry.store_key, *stored) : 0;
    entry.generation = version.rank / 2 + (entry.before ? 0 : 1);
    return version;
  }

  static void Add(CommitTurn& turn, const Entry& entry) {
    const uint64_t rank =
        entry.after ? RankOfLive(entry.generation) : RankOfDeleted(entry.generation);
    const conflict::Version version = turn.NextVersion(rank);
    const std::string image = entry.after ? EncodeTableDefinition(*entry.after) : "";
    std::string value;
    const StoredItem row{version, !entry.after, image};
    EncodeStoredItem(row, value);
    turn.batch().Put(ColumnFamily::kItems, entry.store_key, value);
    turn.digests().Touch(kCatalogTable, 0, version.dot,
                         RowHash(entry.store_key, row) - entry.hash_before);
    streams::ChangeRecord record;
    record.dot = version.dot;
    record.stamp = version.stamp;
    record.context = turn.Context();
    record.subject = streams::Subject::kTable;
    record.key = entry.key;
    record.tombstone = !entry.after;
    record.image = image;
    record.rank = rank;
    std::string bytes;
    streams::EncodeChangeRecord(record, bytes);
    turn.AppendOwnChange(version.dot, std::move(bytes));
  }

  RegionEngine& engine_;
  const CatalogEdit edit_;
  Executor& executor_;
  TableCallback done_;
  Entry entry_;
  std::optional<Entry> own_;  // of what is kept
  std::vector<KeyLocks::Stripe> stripes_;
};

void RegionEngine::EditCatalog(std::string key, CatalogEdit edit, Executor& executor,
                               TableCallback done, bool parts) {
  if (key == kLedgerTableName) {
    executor.Post([done = std::move(done)] { done(LedgerIsReadOnly()); });
    return;
  }
  auto unit = std::make_shared<CatalogUnit>(*this, std::move(key), parts, std::move(edit), executor,
                                            std::move(done));
  locks_.LockAll(unit->stripes(), executor, [this, unit] {
    if (const Status status = unit->Decide(); !status.ok()) return unit->End(status);
    committer_.Submit(std::make_unique<SharedUnit>(unit));
  });
}

void RegionEngine::CreateTable(TableDefinition definition, Executor& executor, TableCallback done) {
  std::string name = definition.name;
  EditCatalog(
      std::move(name),
      [this, definition = std::move(definition)](
          const TablePtr& live, const conflict::Version& stored,
          uint64_t generation) -> Result<std::optional<TableDefinition>> {
        if (live || catalog_.HasApart(definition.name))
          return AlreadyExists("Table already exists: " + definition.name);
        TableDefinition created = definition;
        created.generation = generation;
        created.id = DeriveTableId(created, stored);
        GiveIndexIds(created, stored);
        return std::optional(std::move(created));
      },
      executor, std::move(done));
}

namespace {

// For a client of this region.
Status CheckServed(const TablePtr& live, const std::string& name, RegionId self) {
  if (!live || live->state->elsewhere || live->definition.IsLeaving(self))
    return NotFound("Requested resource not found: Table: " + name + " not found");
  if (live->state->filling)
    return AlreadyExists(
        "Attempt to change a resource which is still in use: Table is being created: " + name);
  return OkStatus();
}

Status IsSource() {
  return InvalidArgument(
      "Replica cannot be deleted because it has acted as a source region for new replica(s) being "
      "added to the table in the last 24 hours.");
}

}  // namespace

void RegionEngine::UpdateTable(std::string name, std::function<Status(TableDefinition&)> edit,
                               Executor& executor, TableCallback done) {
  EditCatalog(
      catalog_.KeyOf(name),
      [this, name, edit = std::move(edit)](const TablePtr& live, const conflict::Version& stored,
                                           uint64_t) -> Result<std::optional<TableDefinition>> {
        EW_RETURN_IF_ERROR(CheckServed(live, name, region_));
        TableDefinition changed = live->definition;
        EW_RETURN_IF_ERROR(edit(changed));
        CHECK(changed.id == live->definition.id && changed.key == live->definition.key);
        GiveIndexIds(changed, stored);
        return std::optional(std::move(changed));
      },
      executor, std::move(done));
}

void RegionEngine::Disassociate(std::string name, std::function<Status(TableDefinition&)> edit,
                                Executor& executor, TableCallback done) {
  // Of one that has left already `edit` will say that it is no global one.
  if (catalog_.HasApart(name, region_)) {
    return UpdateTable(
        std::move(name),
        [edit = std::move(edit)](TableDefinition& definition) -> Status {
          EW_RETURN_IF_ERROR(edit(definition));
          return FailedPrecondition("the region has left the table already");
        },
        executor, std::move(done));
  }
  EditCatalog(
      name,
      [this, name, edit = std::move(edit)](const TablePtr& live, const conflict::Version&,
                                           uint64_t) -> Result<std::optional<TableDefinition>> {
        EW_RETURN_IF_ERROR(CheckServed(live, name, region_));
        TableDefinition changed = live->definition;
        EW_RETURN_IF_ERROR(edit(changed));
        const auto own = changed.replicas.find(region_);
        CHECK(own != changed.replicas.end() && changed.replicas.size() > 1);
        // Of what it is only about to have, a region cannot say that it is the table.
        if (fills_.Has(changed.id)) return Unavailable("the replica is being mended; try again");
        return std::optional(std::move(changed));
      },
      executor, std::move(done), /*parts=*/true);
}

void RegionEngine::DeleteTable(std::string name, Executor& executor, TableCallback done) {
  EditCatalog(
      catalog_.KeyOf(name),
      [name, self = region_](const TablePtr& live, const conflict::Version&,
                             uint64_t) -> Result<std::optional<TableDefinition>> {
        EW_RETURN_IF_ERROR(CheckServed(live, name, self));
        if (live->definition.deletion_protection)
          return InvalidArgument(
              "Resource cannot be deleted as it is currently protected against deletion. Disable "
              "deletion protection first.");
        const Replicas& replicas = live->definition.replicas;
        const auto stays = std::count_if(replicas.begin(), replicas.end(), [](const auto& entry) {
          return entry.second.state != Replica::State::kDeleting;
        });
        if (stays < 2) return std::optional<TableDefinition>();
        // The others keep theirs. Nobody who is needed as a source may go.
        for (const auto& [region, replica] : live->definition.replicas)
          if (replica.state == Replica::State::kCreating) return IsSource();
        TableDefinition without = live->definition;
        without.replicas.at(self).state = Replica::State::kDeleting;
        return std::optional(std::move(without));
      },
      executor, std::move(done));
}

std::optional<int> RegionEngine::FilledPercent(const Table& table) const {
  if (!table.state || !table.state->filling) return std::nullopt;
  const auto fill = fills_.Find(table.definition.id);
  if (!fill || fill->progress.total_rows == 0) return 0;
  return static_cast<int>(
      std::min<uint64_t>(99, fill->progress.live_rows * 100 / fill->progress.total_rows));
}

void RegionEngine::OnProgress(const streams::PeerProgress& progress) {
  maintenance_.OnProgress(progress);
  // Before anybody hears that the clock is right.
  if (progress.clock_correction_ms) clock_note_.Correct(*progress.clock_correction_ms);
  clock_note_.Keep();
  sweeper_.OnProgress(progress);
  std::lock_guard lock(leaving_mutex_);
  whole_.clear();
  for (const streams::PeerProgress::Peer& peer : progress.peers)
    if (!peer.whole_at.empty()) whole_[peer.region] = peer.whole_at;
}

// What is here has been seen by nobody else, perhaps, and no log may bring it any more: the rows
// are kept, and given out, until one that stays has them all. Clients write here no more.
bool RegionEngine::MayDrop(const TablePtr& table) {
  const conflict::Vector applied = committer_.CommittedState().applied;
  std::lock_guard lock(leaving_mutex_);
  Leaving& leaving = leaving_[table->definition.id];
  // Who has come to hold it since says so only when it has applied that.
  if (leaving.table != table) leaving = {table, applied};
  const Replicas& replicas = table->definition.replicas;
  return std::any_of(replicas.begin(), replicas.end(),
                     [&](const auto& entry) {
                       const auto whole = whole_.find(entry.first);
                       return entry.second.state != Replica::State::kDeleting &&
                              whole != whole_.end() && whole->second.Covers(leaving.applied);
                     });
}

void RegionEngine::SettleReplicas(Executor& executor) {
  if (!own_whole_ || filling_.stage() != streams::Stage::kServing) return;
  {
    std::lock_guard lock(leaving_mutex_);
    std::erase_if(leaving_, [&](const auto& entry) {
      return catalog_.FindById(entry.first) != entry.second.table;
    });
  }
  for (const TablePtr& table : catalog_.AllAnywhere()) {
    const auto own = table->definition.replicas.find(region_);
    if (own == table->definition.replicas.end()) continue;
    // A change of the definition elsewhere that did not know that this region had left.
    const bool parted = table->definition.apart.value == 0 && table->state->elsewhere &&
                        own->second.state != Replica::State::kDeleting;
    const bool filled = own->second.state == Replica::State::kCreating && !table->state->filling;
    if (!parted && !filled && own->second.state != Replica::State::kDeleting) continue;
    if (!parted && own->second.state == Replica::State::kDeleting && !table->state->elsewhere &&
        !MayDrop(table))
      continue;
    EditCatalog(
        table->definition.CatalogKey(),
        [parted, id = table->definition.id, self = region_](
            const TablePtr& live, const conflict::Version&,
            uint64_t) -> Result<std::optional<TableDefinition>> {
          if (!live || live->definition.id != id) return Aborted("it is another table by now");
          TableDefinition settled = live->definition;
          const auto entry = settled.replicas.find(self);
          if (entry == settled.replicas.end()) return Aborted("it is settled");
          if (parted) entry->second.state = Replica::State::kDeleting;
          switch (entry->second.state) {
            case Replica::State::kActive: return Aborted("it is settled");
            case Replica::State::kCreating:
              if (live->state->filling) return Aborted("it is being filled again");
              entry->second.state = Replica::State::kActive;
              break;
            case Replica::State::kDeleting: settled.replicas.erase(entry); break;
          }
          // Without a member there is no table.
          if (settled.replicas.empty()) return std::optional<TableDefinition>();
          return std::optional(std::move(settled));
        },
        executor, [](const Result<TablePtr>&) {});
  }
}

TableEngine::Count RegionEngine::CountOf(const Table& table) const {
  if (table.definition.id == kLedgerTable)
    return {committer_.ledger().items, committer_.ledger().bytes};
  return {table.state->count.items, table.state->count.bytes};
}

TableEngine::IndexStatus RegionEngine::StatusOf(const Table& table, IndexId index) const {
  const auto indexes = table.state->Indexes();
  if (!indexes) return {};
  for (const auto& one : *indexes)
    if (one->id() == index) return {{one->count.items, one->count.bytes}, one->complete};
  return {};
}

}  // namespace everwrite::table
