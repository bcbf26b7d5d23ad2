#include "region/table/ttl.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/mark.h"
#include "base/planted.h"
#include "region/item/key.h"
#include "region/table/secondary_index.h"

namespace everwrite::table {

std::optional<uint64_t> ExpiryOf(item::ItemView item, std::string_view attribute) {
  constexpr size_t kDigitsMax = 18;  // what has more will not come
  const auto value = item.Find(attribute);
  if (!value || !value->Is(item::ValueType::kNumber)) return std::nullopt;
  const std::string_view text = value->text();
  uint64_t seconds = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (digits == kDigitsMax) return std::nullopt;
    seconds = seconds * 10 + static_cast<uint64_t>(text[digits] - '0');
  }
  // Canonical text: what does not begin with a digit is below zero.
  if (digits == 0) return std::nullopt;
  return seconds;
}

bool IsExpired(uint64_t expiry_seconds, uint64_t now_ms) {
  const uint64_t now_seconds = now_ms / 1000;
  return expiry_seconds < now_seconds && now_seconds - expiry_seconds <= kExpiryPastMaxSeconds;
}

struct ExpirySweeper::Batch {
  Executor* executor = nullptr;
  std::vector<std::pair<TablePtr, std::string>> items;  // encoded keys
  size_t open = 0;
  bool any_deleted = false;
};

class ExpirySweeper::Deletion : public WriteOperation {
 public:
  Deletion(ExpirySweeper& owner, std::shared_ptr<Batch> batch, TablePtr table, std::string key)
      : WriteOperation(std::move(table), std::move(key)), owner_(owner), batch_(std::move(batch)) {}

  Result<Mutation> Evaluate(std::optional<std::string_view> stored) override {
    if (!stored || !owner_.MayDelete(*table, item::ItemView(*stored), replaced)) return Mutation{};
    return Mutation{Mutation::Kind::kDelete,
                    item::KeyAttributesOf(table->definition.key, item::ItemView(*stored))};
  }
  void Done(const Status& status) override {
    owner_.Ended(*batch_, status.ok() && committed.dot.number != 0);
  }

 private:
  ExpirySweeper& owner_;
  const std::shared_ptr<Batch> batch_;
};

ExpirySweeper::ExpirySweeper(const KvStore& store, const Clock& clock, const Catalog& catalog,
                             RegionId self, ExpiryOptions options, Submit submit)
    : store_(store),
      clock_(clock),
      catalog_(catalog),
      self_(self),
      options_(options),
      submit_(std::move(submit)),
      started_(clock.Now()) {}

void ExpirySweeper::OnProgress(const streams::PeerProgress& progress) {
  if (progress.clock_judged) clock_judged_ = true;
  std::lock_guard lock(mutex_);
  for (const streams::PeerProgress::Peer& peer : progress.peers)
    if (peer.connected) heard_[peer.region] = clock_.Now();
}

bool ExpirySweeper::IsSilent(RegionId region) const {
  std::lock_guard lock(mutex_);
  const auto at = heard_.find(region);
  return clock_.Now() - (at == heard_.end() ? started_ : at->second) >
         static_cast<int64_t>(options_.takeover_ms) * kMicrosPerMilli;
}

uint64_t ExpirySweeper::ExpiryMillis() const {
  const uint64_t now_ms = clock_.PhysicalMillis();
  if (clock_judged_ || options_.unjudged_ms == 0) return now_ms;
  Reach(Mark::kExpiryWaitsForClock);
  return now_ms - std::min(now_ms, options_.unjudged_ms);
}

bool ExpirySweeper::MayDelete(const Table& table, item::ItemView item,
                              const conflict::Version& version) const {
  // As it is now: TTL may have been turned off, or on for another attribute, since the entry was
  // read.
  const TablePtr current = catalog_.FindById(table.definition.id);
  if (!current || current->definition.ttl.attribute.empty()) return false;
  const auto expiry = ExpiryOf(item, current->definition.ttl.attribute);
  if (Planted(PlantedBug::kExpiryNotLookedAtAgain)) return version.dot.log.region() == self_;
  if (!expiry || !IsExpired(*expiry, ExpiryMillis())) return false;
  if (Planted(PlantedBug::kExpiryByEverybody)) return true;
  const RegionId writer = version.dot.log.region();
  // A region that does not hold the table any more sweeps it no more.
  if (writer == self_ || !current->definition.Holds(writer)) return true;
  if (!IsSilent(writer)) return false;
  Reach(Mark::kExpiryTakenOver);
  return true;
}

void ExpirySweeper::Sweep(Executor& executor) {
  {
    std::lock_guard lock(mutex_);
    if (sweeping_) return;
    sweeping_ = true;
  }
  executor.Post([this, &executor] { Round(executor); });
}

Status ExpirySweeper::Collect(Batch& batch) {
  const uint64_t now_seconds = ExpiryMillis() / 1000;
  const uint64_t oldest = now_seconds - std::min(now_seconds, kExpiryPastMaxSeconds);
  for (const TablePtr& table : catalog_.WithTimeToLive()) {
    const TableDefinition& definition = table->definition;
    if (definition.id < place_table_) continue;
    const std::string prefix = IndexPrefix(definition.id, definition.ttl.id);
    std::string begin = prefix, end = prefix;
    PutFixed64(begin, oldest);
    PutFixed64(end, now_seconds);
    if (definition.id == place_table_ && place_key_ > begin) begin = place_key_;
    if (begin >= end) continue;
    const auto it = store_.NewIterator(ColumnFamily::kIndexes, {begin, end});
    for (it->Seek(begin); it->Valid(); it->Next()) {
      if (it->key() == place_key_) continue;
      if (batch.items.size() == kBatch) return {};
      place_table_ = definition.id;
      place_key_ = it->key();
      batch.items.emplace_back(table, it->key().substr(prefix.size() + 8));
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  return {};
}

void ExpirySweeper::Round(Executor& executor) {
  auto batch = std::make_shared<Batch>();
  batch->executor = &executor;
  // What a damaged store has to say shows in every read as well; the next sweep tries again.
  const Status status = Collect(*batch);
  if (!status.ok() || batch->items.size() < kBatch) {  // the end: the next sweep begins in front
    place_table_ = {};
    place_key_.clear();
  }
  if (!status.ok() || batch->items.empty()) {
    std::lock_guard lock(mutex_);
    sweeping_ = false;
    return;
  }
  batch->open = batch->items.size();
  for (auto& [table, key] : batch->items)
    submit_(std::make_unique<Deletion>(*this, batch, table, std::move(key)), executor);
}

// On the executor, as the rounds.
void ExpirySweeper::Ended(Batch& batch, bool deleted) {
  if (deleted) ++deleted_;
  batch.any_deleted |= deleted;
  if (--batch.open > 0) return;
  // A batch of which nothing may be deleted is no reason to hurry.
  const bool more = batch.items.size() == kBatch && batch.any_deleted;
  if (more) return batch.executor->Post([this, executor = batch.executor] { Round(*executor); });
  std::lock_guard lock(mutex_);
  sweeping_ = false;
}

}  // namespace everwrite::table
