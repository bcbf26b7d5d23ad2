// Transactions below their JSON: actions that were read and validated, run as one by the engine
// (region/table/transaction.h), and answered. TransactWriteItems, TransactGetItems and PartiQL's
// ExecuteTransaction come together here.
//
// Thread-safety: on the request's event loop only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "region/api/call.h"
#include "region/api/capacity.h"
#include "region/item/item.h"
#include "region/table/engine.h"

namespace everwrite::api {

// Whether a fault of a key is the one kind, an empty value, that the service finds before the
// transaction begins: a plain ValidationException and no reason.
bool IsEmptyKey(const Status& status);

// What became of one action of a transaction that was cancelled. An OK status is the code None,
// kConditionFailed is ConditionalCheckFailed, kAlreadyExists DuplicateItem, kNotFound
// ResourceNotFound, anything else ValidationError.
struct CancellationReason {
  Status status;
  std::string item_json;  // with ReturnValuesOnConditionCheckFailure, the item as DynamoDB JSON
};
// TransactionCanceledException with one reason for each action, in order.
ApiError Cancelled(const std::vector<CancellationReason>& reasons);

// One action of a write: an item, and what to do with it.
class TransactAction {
 public:
  TransactAction(table::TablePtr table, std::string key)
      : table(std::move(table)), key(std::move(key)) {}
  virtual ~TransactAction() = default;
  // Decides, with all items of the transaction locked. An error cancels the transaction, with the
  // code that CancellationReason names; kInvalidArgument has DynamoDB's text. At most once.
  virtual Result<table::Mutation> Evaluate(std::optional<item::ItemView> stored) = 0;
  // The item or key that was given, for ItemCollectionMetrics; asked before Evaluate. Empty for
  // what writes nothing.
  virtual std::string_view Given() const { return {}; }

  const table::TablePtr table;
  const std::string key;         // item::EncodeKey
  bool item_on_failure = false;  // ReturnValuesOnConditionCheckFailure: ALL_OLD
};

struct TransactWriteRequest {
  std::vector<std::unique_ptr<TransactAction>> actions;  // 1 to kTransactionActionsMax
  std::string token;                                     // ClientRequestToken; empty: none
  std::string fingerprint;                               // FingerprintOf the request
  CapacityReport capacity = CapacityReport::kNone;
  bool collection_metrics = false;  // ReturnItemCollectionMetrics: SIZE
  std::string members;  // what the answer begins with: "\"Responses\":[…]", or nothing
};
// 16 bytes that tell requests with one token apart. `canonical` is a rendering of all that the
// request does, the same whatever the order of members in its JSON.
std::string FingerprintOf(std::string_view canonical);
void RunTransactWrite(TransactWriteRequest request, Call call);

// One item of a read.
struct TransactRead {
  table::TablePtr table;
  std::string key;
  // What the answer shows of the item; null: all.
  std::function<std::string(item::ItemView)> project;
};
// Answers {"Responses":[{"Item":{…}},{}],…}.
void RunTransactGet(std::vector<TransactRead> reads, CapacityReport capacity, Call call);

}  // namespace everwrite::api
