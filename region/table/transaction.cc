#include "region/table/transaction.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/mark.h"
#include "base/planted.h"
#include "region/table/row_change.h"
#include "streams/change_record.h"

namespace everwrite::table {
namespace {

constexpr char kTokenPrefix = 'i';  // layout.h lists all
constexpr char kTokenExpiryPrefix = 'j';
constexpr size_t kFingerprintBytes = 16;

std::string TokenKey(std::string_view token) { return std::string(1, kTokenPrefix).append(token); }

std::string TokenExpiryKey(uint64_t expiry_ms, std::string_view token) {
  std::string key(1, kTokenExpiryPrefix);
  PutFixed64(key, expiry_ms);
  return key.append(token);
}

struct Token {
  uint64_t expiry_ms = 0;
  std::string fingerprint;
};

// Nullopt: it was never used, or it has been forgotten.
Result<std::optional<Token>> ReadToken(const KvStore& store, std::string_view token) {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kSystem, TokenKey(token), &value));
  if (!found) return std::optional<Token>();
  if (value.size() != 8 + kFingerprintBytes) return DataLoss("a transaction's token is damaged");
  return std::optional(Token{LoadFixed64(value.data()), value.substr(8)});
}

// A unit that a queued lock continuation shares, for the committer, which wants one of its own.
template <typename Unit>
class SharedUnit : public CommitUnit {
 public:
  explicit SharedUnit(std::shared_ptr<Unit> unit) : unit_(std::move(unit)) {}
  Status AddTo(CommitTurn& turn) override { return unit_->AddTo(turn); }
  void Finished(const Status& status, Completions&) override { unit_->End(status); }

 private:
  const std::shared_ptr<Unit> unit_;
};

}  // namespace

// One transaction, from its locks to its answer.
class Transactions::Unit {
 public:
  Unit(Transactions& owner, std::unique_ptr<TransactionOperation> operation, Executor& executor)
      : owner_(owner), operation_(std::move(operation)), executor_(executor) {
    for (const ItemName& item : operation_->items)
      rows_.push_back({ItemKey(item.table->definition.id, item.key), {}, {}});
    for (const Row& row : rows_) stripes_.push_back(KeyLocks::StripeOf(row.store_key));
    // The token is locked like an item: of two requests with one token the second finds the first's
    // outcome.
    if (!operation_->token.empty())
      stripes_.push_back(KeyLocks::StripeOf(TokenKey(operation_->token)));
    std::sort(stripes_.begin(), stripes_.end());
    stripes_.erase(std::unique(stripes_.begin(), stripes_.end()), stripes_.end());
  }

  const std::vector<KeyLocks::Stripe>& stripes() const { return stripes_; }

  // With everything locked. True when there is something to commit; false ends with `status`.
  bool Decide(Status& status) {
    bool commit = false;
    status = DecideTo(commit);
    return status.ok() && commit;
  }

  Status AddTo(CommitTurn& turn) {
    EW_RETURN_IF_ERROR(turn.CheckOpen());
    for (const ItemName& item : operation_->items)
      if (item.table->state->dropped) return NotFound("Requested resource not found");
    AddToken(turn);
    size_t left = std::count_if(rows_.begin(), rows_.end(), [](const Row& row) {
      return row.mutation.kind != Mutation::Kind::kNone;
    });
    const bool several = left > 1;
    conflict::Version first;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].mutation.kind == Mutation::Kind::kNone) continue;
      const conflict::Version version =
          first.dot.number ? turn.NextVersionAt(first.stamp) : turn.NextVersion(/*rank=*/0);
      if (first.dot.number == 0) first = version;
      --left;
      AddRow(turn, i, version, several ? first.dot.number : 0, several && left == 0);
    }
    return {};
  }

  // Durable, or not done; on any thread.
  void End(const Status& status) {
    owner_.locks_.UnlockAll(stripes_);
    executor_.Post([operation = std::shared_ptr<TransactionOperation>(std::move(operation_)),
                    status] { operation->Done(status); });
  }

 private:
  struct Row {
    std::string store_key;
    Mutation mutation;
    RowChange change;
  };

  Status DecideTo(bool& commit) {
    EW_RETURN_IF_ERROR(owner_.committer_.Open());
    std::vector<std::string> buffers(rows_.size());
    std::vector<std::optional<StoredItem>> before;
    std::vector<std::optional<std::string_view>> items;
    for (size_t i = 0; i < rows_.size(); ++i) {
      EW_ASSIGN_OR_RETURN(auto stored, ReadStored(owner_.store_, rows_[i].store_key, &buffers[i]));
      items.push_back(stored && !stored->tombstone ? std::optional(stored->image) : std::nullopt);
      before.push_back(std::move(stored));
    }
    bool repeated = false;
    EW_RETURN_IF_ERROR(CheckToken(repeated));
    if (repeated) {
      operation_->Repeat(items);
      return {};
    }
    EW_ASSIGN_OR_RETURN(std::vector<Mutation> mutations, operation_->Evaluate(items));
    CHECK(mutations.size() == rows_.size(), "one mutation for each item of a transaction");
    commit = !operation_->token.empty();
    for (size_t i = 0; i < rows_.size(); ++i) {
      Mutation& mutation = mutations[i];
      const bool tombstone = mutation.kind == Mutation::Kind::kDelete;
      if (mutation.kind == Mutation::Kind::kNone || (tombstone && !items[i])) continue;
      commit = true;
      rows_[i].mutation = std::move(mutation);
      const NewRow row{tombstone, rows_[i].mutation.item};
      EW_ASSIGN_OR_RETURN(rows_[i].change,
                          RowChange::Plan(owner_.store_, *operation_->items[i].table->state,
                                          rows_[i].store_key, before[i], row));
    }
    return {};
  }

  Status CheckToken(bool& repeated) {
    const TransactionOperation& operation = *operation_;
    if (operation.token.empty() || Planted(PlantedBug::kTokenForgotten)) return {};
    CHECK(operation.fingerprint.size() == kFingerprintBytes);
    EW_ASSIGN_OR_RETURN(const auto known, ReadToken(owner_.store_, operation.token));
    if (!known) return {};
    if (known->expiry_ms <= owner_.clock_.PhysicalMillis()) {
      expired_ms_ = known->expiry_ms;
      return {};
    }
    if (known->fingerprint != operation.fingerprint)
      return AlreadyExists("the token was used for another request");
    repeated = true;
    Reach(Mark::kTokenRepeated);
    return {};
  }

  void AddToken(CommitTurn& turn) {
    const std::string& token = operation_->token;
    if (token.empty()) return;
    const uint64_t expiry_ms = turn.physical_ms() + kTransactionTokenMs;
    std::string value;
    PutFixed64(value, expiry_ms);
    value += operation_->fingerprint;
    KvBatch& batch = turn.batch();
    batch.Put(ColumnFamily::kSystem, TokenKey(token), value);
    if (expired_ms_ != 0) batch.Delete(ColumnFamily::kSystem, TokenExpiryKey(expired_ms_, token));
    batch.Put(ColumnFamily::kSystem, TokenExpiryKey(expiry_ms, token), "");
  }

  void AddRow(CommitTurn& turn, size_t index, const conflict::Version& version,
              uint64_t transaction, bool last) {
    const Row& row = rows_[index];
    const ItemName& item = operation_->items[index];
    operation_->committed.resize(rows_.size());
    operation_->committed[index] = version;
    const bool tombstone = row.mutation.kind == Mutation::Kind::kDelete;
    row.change.AddTo(turn, item.table->state, row.store_key,
                     {version, tombstone, row.mutation.item});
    streams::ChangeRecord record;
    record.dot = version.dot;
    record.stamp = version.stamp;
    record.context = turn.Context();
    record.table = item.table->definition.id;
    record.key = item.key;
    record.tombstone = tombstone;
    record.image = row.mutation.item;
    record.transaction = transaction;
    record.transaction_end = last;
    record.scope = item.table->state->scope;
    record.apart = item.table->state->apart;
    std::string bytes;
    streams::EncodeChangeRecord(record, bytes);
    turn.AppendOwnChange(version.dot, std::move(bytes));
  }

  Transactions& owner_;
  std::unique_ptr<TransactionOperation> operation_;
  Executor& executor_;
  std::vector<Row> rows_;  // by position of the operation's items
  std::vector<KeyLocks::Stripe> stripes_;
  uint64_t expired_ms_ = 0;  // of an earlier use of the token that is not forgotten yet
};

void Transactions::Submit(std::unique_ptr<TransactionOperation> operation, Executor& executor) {
  const auto unit = std::make_shared<Unit>(*this, std::move(operation), executor);
  locks_.LockAll(unit->stripes(), executor, [this, unit] {
    Status status;
    if (!unit->Decide(status)) return unit->End(status);
    committer_.Submit(std::make_unique<SharedUnit<Unit>>(unit));
  });
}

// --- tokens --------------------------------------------------------------------------------------

// Forgets one use of a token, with the token locked.
class Transactions::ForgetUnit : public CommitUnit {
 public:
  ForgetUnit(KeyLocks& locks, std::string token, uint64_t expiry_ms, bool current)
      : locks_(locks), token_(std::move(token)), expiry_ms_(expiry_ms), current_(current) {}
  Status AddTo(CommitTurn& turn) override {
    turn.batch().Delete(ColumnFamily::kSystem, TokenExpiryKey(expiry_ms_, token_));
    if (current_) turn.batch().Delete(ColumnFamily::kSystem, TokenKey(token_));
    return {};
  }
  void Finished(const Status&, Completions&) override {
    locks_.Unlock(KeyLocks::StripeOf(TokenKey(token_)));
  }

 private:
  KeyLocks& locks_;
  const std::string token_;
  const uint64_t expiry_ms_;
  const bool current_;  // the token has not been used again since
};

Status Transactions::ForgetTokens(Executor& executor) {
  const std::string begin(1, kTokenExpiryPrefix);
  const auto it = store_.NewIterator(ColumnFamily::kSystem,
                                     {begin, TokenExpiryKey(clock_.PhysicalMillis() + 1, "")});
  size_t forgotten = 0;
  for (it->Seek(begin); it->Valid() && forgotten < kTokensPerRound; it->Next(), ++forgotten) {
    const uint64_t expiry_ms = LoadFixed64(it->key().data() + 1);
    const std::string token(it->key().substr(9));
    const KeyLocks::Stripe stripe = KeyLocks::StripeOf(TokenKey(token));
    const auto forget = [this, stripe, token, expiry_ms] {
      const auto known = ReadToken(store_, token);
      if (!known.ok()) return locks_.Unlock(stripe);
      const bool current = *known && (*known)->expiry_ms == expiry_ms;
      committer_.Submit(std::make_unique<ForgetUnit>(locks_, token, expiry_ms, current));
    };
    if (locks_.Lock(stripe, executor, forget)) forget();
  }
  return it->status();
}

// --- reads ---------------------------------------------------------------------------------------

Status GetTogether(const KvStore& store, const std::vector<ItemName>& names,
                   const ItemVisitor& visit) {
  const auto snapshot = store.TakeSnapshot();
  std::string buffer;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string key = ItemKey(names[i].table->definition.id, names[i].key);
    EW_ASSIGN_OR_RETURN(const bool found,
                        store.Get(ColumnFamily::kItems, key, &buffer, snapshot.get()));
    StoredItem stored;
    if (found && !DecodeStoredItem(buffer, stored)) return DataLoss("a stored item is damaged");
    const bool live = found && !stored.tombstone;
    EW_RETURN_IF_ERROR(visit(i, live ? std::optional(stored.image) : std::nullopt));
  }
  return {};
}

}  // namespace everwrite::table
