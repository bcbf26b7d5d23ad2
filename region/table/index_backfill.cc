#include "region/table/index_backfill.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/mark.h"
#include "region/table/row_change.h"

namespace everwrite::table {

struct IndexBackfill::Step {
  TablePtr table;
  std::shared_ptr<SecondaryIndex> index;
  std::vector<std::string> keys;  // of rows, to be looked at under their locks
  std::string through;            // the last key seen
  bool end = false;               // there is none behind it
  std::vector<KeyLocks::Stripe> stripes;
  struct Missing {
    IndexEntry entry;
    std::string image;  // of the row, when the entry holds all of it
  };
  std::vector<Missing> missing;

  // In a turn.
  bool IsCurrent() const {
    const auto indexes = table->state->Indexes();
    return !table->state->dropped && indexes &&
           std::find(indexes->begin(), indexes->end(), index) != indexes->end();
  }
};

class IndexBackfill::Unit : public CommitUnit {
 public:
  Unit(IndexBackfill& owner, StepPtr step) : owner_(owner), step_(std::move(step)) {}

  Status AddTo(CommitTurn& turn) override {
    if (!step_->IsCurrent()) return {};
    const auto& index = step_->index;
    KvBatch& batch = turn.batch();
    for (const Step::Missing& row : step_->missing) {
      batch.Put(ColumnFamily::kIndexes, row.entry.key, row.entry.Value(row.image));
      turn.AddToCount({index, &index->count}, 1, row.entry.bytes);
    }
    if (step_->end) {
      batch.Delete(ColumnFamily::kSystem, index->backfill_key());
    } else {
      batch.Put(ColumnFamily::kSystem, index->backfill_key(), step_->through);
    }
    return {};
  }

  void Finished(const Status& status, Completions&) override {
    owner_.locks_.UnlockAll(step_->stripes);
    if (!status.ok()) return;  // the region has stopped writing
    if (step_->end) step_->index->complete = true;
    std::lock_guard lock(owner_.mutex_);
    owner_.executor_->Post([owner = &owner_] { owner->Next(); });
  }

 private:
  IndexBackfill& owner_;
  const StepPtr step_;
};

IndexBackfill::IndexBackfill(const KvStore& store, Catalog& catalog, KeyLocks& locks,
                             Committer& committer)
    : store_(store), catalog_(catalog), locks_(locks), committer_(committer) {}

void IndexBackfill::Start(Executor& executor) {
  {
    std::lock_guard lock(mutex_);
    executor_ = &executor;
  }
  Kick();
}

void IndexBackfill::Kick() {
  std::lock_guard lock(mutex_);
  kicked_ = true;
  if (!executor_ || running_) return;
  running_ = true;
  executor_->Post([this] { Next(); });
}

void IndexBackfill::Pause() {
  std::lock_guard lock(mutex_);
  running_ = kicked_;
  if (running_) executor_->Post([this] { Next(); });
}

void IndexBackfill::Next() {
  {
    std::lock_guard lock(mutex_);
    kicked_ = false;
  }
  auto step = std::make_shared<Step>();
  // An error of the store shows in every write as well; another kick tries again.
  if (!committer_.healthy() || !Choose(step).ok() || !step->index) return Pause();
  Executor* executor = nullptr;
  {
    std::lock_guard lock(mutex_);
    executor = executor_;
  }
  // Not behind all clients of a hot item: those of the other rows wait for us meanwhile.
  locks_.LockAll(
      step->stripes, *executor, [this, step] { Fill(step); }, KeyLocks::Turn::kSecond);
}

// What to fill next, and the rows to look at.
Status IndexBackfill::Choose(const StepPtr& step) const {
  step->table = catalog_.FindIncomplete();
  if (!step->table) return {};
  const auto indexes = step->table->state->Indexes();
  if (!indexes) return {};
  const auto at = std::find_if(indexes->begin(), indexes->end(),
                               [](const auto& index) { return !index->complete; });
  if (at == indexes->end()) return {};
  std::string place;
  EW_ASSIGN_OR_RETURN(const bool made,
                      store_.Get(ColumnFamily::kSystem, (*at)->backfill_key(), &place));
  // The turn that makes it is under way: rows that came in front of it in that turn do not know it,
  // and cannot be read yet. Who publishes the definition kicks.
  if (!made) return {};
  const std::string begin = ItemKey(step->table->definition.id, "");
  const auto it = store_.NewIterator(ColumnFamily::kItems, {begin, PrefixEnd(begin)});
  it->Seek(place.empty() ? begin : place);
  if (it->Valid() && it->key() == place) it->Next();
  size_t bytes = 0, seen = 0;
  for (; it->Valid() && step->keys.size() < kRowsPerStep && bytes < kBytesPerStep &&
         seen < kSeenPerStep;
       it->Next(), ++seen) {
    StoredItem stored;
    if (!DecodeStoredItem(it->value(), stored)) return DataLoss("a stored item is damaged");
    step->through = it->key();
    if (stored.tombstone) continue;
    bytes += it->value().size();
    step->keys.emplace_back(it->key());
    step->stripes.push_back(KeyLocks::StripeOf(it->key()));
  }
  EW_RETURN_IF_ERROR(it->status());
  step->end = !it->Valid();
  std::sort(step->stripes.begin(), step->stripes.end());
  step->stripes.erase(std::unique(step->stripes.begin(), step->stripes.end()), step->stripes.end());
  step->index = *at;
  return {};
}

void IndexBackfill::Fill(const StepPtr& step) {
  if (const Status status = ReadRows(*step); !status.ok()) {
    locks_.UnlockAll(step->stripes);
    return Pause();
  }
  committer_.Submit(std::make_unique<Unit>(*this, step));
}

Status IndexBackfill::ReadRows(Step& step) const {
  std::string buffer, ignored;
  for (const std::string& key : step.keys) {
    EW_ASSIGN_OR_RETURN(const auto stored, ReadStored(store_, key, &buffer));
    if (!stored || stored->tombstone) continue;
    auto entry = step.index->EntryOf(key, stored->image);
    if (!entry) continue;
    EW_ASSIGN_OR_RETURN(const bool there, store_.Get(ColumnFamily::kIndexes, entry->key, &ignored));
    if (there) continue;
    std::string image(entry->whole ? stored->image : std::string_view());
    Reach(Mark::kIndexEntryBackfilled);
    step.missing.push_back({std::move(*entry), std::move(image)});
  }
  return {};
}

}  // namespace everwrite::table
