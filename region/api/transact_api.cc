#include "region/api/transact_api.h"

#include <map>
#include <memory>
#include <vector>

#include "base/coding.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/request_expressions.h"
#include "region/api/transact.h"
#include "region/item/key.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using item::ItemView;
using table::kTransactionActionsMax;
using table::Mutation;
using table::TablePtr;

constexpr int64_t kTokenMax = 36;
constexpr std::string_view kItemTooLarge = "Item size has exceeded the maximum allowed size";

enum class Kind : uint8_t { kCheck, kPut, kUpdate, kDelete };

struct KindRow {
  Param param;
  std::string_view path;  // in violations
  std::string_view type;  // the service's class
};
constexpr KindRow kKinds[] = {
    {Param::kConditionCheck, "conditionCheck",
     "class com.amazonaws.dynamodb.v20120810.ConditionCheck"},
    {Param::kPut, "put", "class com.amazonaws.dynamodb.v20120810.Put"},
    {Param::kUpdate, "update", "class com.amazonaws.dynamodb.v20120810.Update"},
    {Param::kDelete, "delete", "class com.amazonaws.dynamodb.v20120810.Delete"},
};

// What a Put, Update, Delete or ConditionCheck does, until its table is known.
struct Draft {
  Kind kind = Kind::kPut;
  size_t kinds = 0;                 // how many of the four the client gave; must be one
  std::optional<dom::object> json;  // of the last of them
  std::string_view table_name;
  bool item_on_failure = false;
  std::string item;  // kPut: the item; else the key
  RequestExpressions expressions;
  TablePtr table;
  std::string key;
};

class ItemAction final : public TransactAction {
 public:
  ItemAction(Draft draft)
      : TransactAction(std::move(draft.table), std::move(draft.key)),
        kind_(draft.kind),
        item_(std::move(draft.item)),
        expressions_(std::move(draft.expressions)) {
    item_on_failure = draft.item_on_failure;
  }

  Result<Mutation> Evaluate(std::optional<ItemView> stored) override {
    const ItemView old = stored.value_or(ItemView(std::string_view()));
    if (expressions_.has_condition() && !expressions_.Condition(old))
      return ConditionFailed("The conditional request failed");
    switch (kind_) {
      case Kind::kCheck: return Mutation{};
      case Kind::kPut: return Mutation{Mutation::Kind::kPut, std::move(item_)};
      case Kind::kDelete:
        if (!stored) return Mutation{};
        return Mutation{Mutation::Kind::kDelete, std::move(item_)};
      case Kind::kUpdate: break;
    }
    // An update of what is not there starts from the key alone; if it only takes away it makes
    // nothing.
    EW_ASSIGN_OR_RETURN(std::string updated, expressions_.Update(stored ? old : ItemView(item_)));
    if (!stored && expressions_.OnlyRemoves()) return Mutation{};
    if (item::ItemSize(ItemView(updated)) > item::kItemBytesMax)
      return InvalidArgument("Item size to update has exceeded the maximum allowed size");
    EW_RETURN_IF_ERROR(CheckUpdated(*table, ItemView(updated)));
    return Mutation{Mutation::Kind::kPut, std::move(updated)};
  }
  std::string_view Given() const override {
    return kind_ == Kind::kCheck ? std::string_view() : item_;
  }

 private:
  const Kind kind_;
  std::string item_;
  const RequestExpressions expressions_;
};

// --- what both operations share ------------------------------------------------------------------

// TransactItems: 1 to 100 objects, each handed to `read` with its path.
template <typename Read>
bool ReadItems(const Params& params, Violations& violations, std::string_view type, Read&& read,
               ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(Param::kTransactItems, array, error)) return false;
  violations.Required(array.has_value(), "transactItems");
  if (!array) return true;
  if (array->size() == 0)
    violations.Add("[]", "transactItems", "Member must have length greater than or equal to 1");
  if (array->size() > kTransactionActionsMax) {
    violations.Add("[...]", "transactItems", "Member must have length less than or equal to 100");
    return true;
  }
  size_t index = 0;
  for (const dom::element element : *array) {
    dom::object object;
    if (!ReadObject(element, type, object, error) ||
        !read(Params(object), "transactItems." + std::to_string(++index) + ".member"))
      return false;
  }
  return true;
}

bool ReadTableName(const Params& members, const std::string& path, Violations& violations,
                   std::string_view& name, ApiError& error) {
  if (!members.Text(Param::kTableName, name, error)) return false;
  violations.Required(name.data(), path + ".tableName");
  if (name.data()) name = TableNameOf(name);
  violations.TableName(name, path + ".tableName");
  return true;
}

// The reasons of a transaction whose keys are not all as the schemas want them.
struct KeyFaults {
  explicit KeyFaults(size_t actions) : reasons(actions) {}
  // False with a plain error.
  bool Take(size_t index, const Result<std::string>& key, std::string& out, ApiError& error) {
    if (key.ok()) {
      out = *key;
      return true;
    }
    return Note(index, key.status(), error);
  }
  bool Note(size_t index, const Status& status, ApiError& error) {
    if (IsEmptyKey(status)) return FailValidation(error, status.message());
    any = true;
    reasons[index].status = status;
    return true;
  }
  bool any = false;
  std::vector<CancellationReason> reasons;
};

// --- TransactWriteItems --------------------------------------------------------------------------

bool ReadConstraints(const Params& members, const std::string& path, Violations& violations,
                     Draft& draft, ApiError& error) {
  const KindRow& row = kKinds[static_cast<size_t>(draft.kind)];
  const std::string base = path + "." + std::string(row.path);
  std::string_view on_failure;
  if (!ReadTableName(members, base, violations, draft.table_name, error) ||
      !members.Text(Param::kReturnValuesOnConditionCheckFailure, on_failure, error))
    return false;
  if (draft.kind == Kind::kPut) {
    violations.Required(members.Has(Param::kItem), base + ".item");
  } else {
    violations.Required(members.Has(Param::kKey), base + ".key");
  }
  if (draft.kind == Kind::kUpdate)
    violations.Required(members.Has(Param::kUpdateExpression), base + ".updateExpression");
  if (draft.kind == Kind::kCheck)
    violations.Required(members.Has(Param::kConditionExpression), base + ".conditionExpression");
  violations.OneOf(on_failure, base + ".returnValuesOnConditionCheckFailure", "[ALL_OLD, NONE]");
  draft.item_on_failure = on_failure == "ALL_OLD";
  return true;
}

bool ReadDraft(const Params& item, const std::string& path, Violations& violations, Draft& draft,
               ApiError& error) {
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    if (!item.Has(kKinds[kind].param)) continue;
    ++draft.kinds;
    draft.kind = static_cast<Kind>(kind);
    if (!item.Object(kKinds[kind].param, kKinds[kind].type, draft.json, error) ||
        !ReadConstraints(Params(*draft.json), path, violations, draft, error))
      return false;
  }
  return true;
}

// The item or key, and the expressions.
bool ReadContent(Draft& draft, ApiError& error) {
  if (draft.kinds == 0)
    return FailValidation(
        error,
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request");
  if (draft.kinds > 1)
    return FailValidation(error,
                          "TransactItems can only contain one of Check, Put, Update or Delete");
  const Params members(*draft.json);
  const bool used =
      draft.kind == Kind::kUpdate
          ? draft.expressions.CheckUse(
                members, {Param::kUpdateExpression, Param::kConditionExpression}, error)
          : draft.expressions.CheckUse(members, {Param::kConditionExpression}, error);
  const Param param = draft.kind == Kind::kPut ? Param::kItem : Param::kKey;
  if (!used || !ReadItemParam(members, param, draft.item, error)) return false;
  if (draft.kind == Kind::kPut && item::ItemSize(ItemView(draft.item)) > item::kItemBytesMax)
    return FailValidation(error, std::string(kItemTooLarge));
  return draft.expressions.Read(members, error);
}

// What an action sends: its item or key, the text of its expressions and their values.
size_t PayloadOf(const Draft& draft) {
  const Params members(*draft.json);
  size_t bytes = item::ItemSize(ItemView(draft.item));
  ApiError ignored;
  for (const Param param : {Param::kUpdateExpression, Param::kConditionExpression}) {
    std::string_view text;
    (void)members.Text(param, text, ignored);
    bytes += text.size();
  }
  std::string values;
  if (members.Has(Param::kExpressionAttributeValues) &&
      ReadValuesJson(members.At(Param::kExpressionAttributeValues), values, ignored))
    bytes += item::ItemSize(ItemView(values));
  return bytes;
}

// All that the action does, the same whatever the order of members in the JSON.
void AppendCanonical(std::string& out, const Draft& draft) {
  const Params members(*draft.json);
  ApiError ignored;
  out.push_back(static_cast<char>(draft.kind));
  out.push_back(draft.item_on_failure ? 1 : 0);
  PutBytes(out, draft.table_name);
  PutBytes(out, draft.item);
  for (const Param param : {Param::kUpdateExpression, Param::kConditionExpression}) {
    std::string_view text;
    (void)members.Text(param, text, ignored);
    PutBytes(out, text);
  }
  std::map<std::string_view, std::string_view> names;
  std::optional<dom::object> object;
  (void)members.Object(Param::kExpressionAttributeNames, "", object, ignored);
  if (object) {
    for (const dom::key_value_pair field : *object) {
      std::string_view name;
      if (ReadText(field.value, name, ignored)) names[field.key] = name;
    }
  }
  PutVarint(out, names.size());
  for (const auto& [placeholder, name] : names) {
    PutBytes(out, placeholder);
    PutBytes(out, name);
  }
  std::string values;
  if (members.Has(Param::kExpressionAttributeValues))
    (void)ReadValuesJson(members.At(Param::kExpressionAttributeValues), values, ignored);
  PutBytes(out, values);
}

bool ResolveDrafts(const Call& call, std::vector<Draft>& drafts, ApiError& error) {
  size_t payload = 0;
  for (const Draft& draft : drafts) payload += PayloadOf(draft);
  if (payload > table::kTransactionBytesMax)
    return FailValidation(error, "Transaction payload size cannot exceed 4MB. Payload Size: " +
                                     std::to_string(payload));
  for (Draft& draft : drafts)
    if (!FindTableOf(call, draft.table_name, draft.table, error)) return false;
  // Behind the first fault of a write, the service looks no further (Alternator's tests, which are
  // run against it).
  KeyFaults faults(drafts.size());
  for (size_t i = 0; i < drafts.size() && !faults.any; ++i) {
    Draft& draft = drafts[i];
    const item::KeySchema& schema = draft.table->definition.key;
    const ItemView item(draft.item);
    if (!faults.Take(i,
                     draft.kind == Kind::kPut ? EncodeKeyOfPut(*draft.table, item)
                                              : item::EncodeKey(schema, item),
                     draft.key, error))
      return false;
    ApiError of_keys;
    if (faults.reasons[i].status.ok() &&
        !draft.expressions.CheckKeys(draft.table->definition, of_keys) &&
        !faults.Note(i, InvalidArgument(of_keys.message), error))
      return false;
  }
  if (!faults.any) return true;
  error = Cancelled(faults.reasons);
  return false;
}

bool ReadTransactWrite(const Params& params, const Call& call, TransactWriteRequest& request,
                       ApiError& error) {
  std::string_view token, capacity, metrics;
  if (!params.Text(Param::kClientRequestToken, token, error) ||
      !params.Text(Param::kReturnConsumedCapacity, capacity, error) ||
      !params.Text(Param::kReturnItemCollectionMetrics, metrics, error))
    return false;
  Violations violations;
  if (token.data() && token.empty())
    violations.Add(token, "clientRequestToken",
                   "Member must have length greater than or equal to 1");
  if (token.size() > kTokenMax)
    violations.Add(token, "clientRequestToken", "Member must have length less than or equal to 36");
  violations.OneOf(capacity, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  violations.OneOf(metrics, "returnItemCollectionMetrics", "[SIZE, NONE]");
  std::vector<Draft> drafts;
  const auto read = [&](const Params& item, const std::string& path) {
    return ReadDraft(item, path, violations, drafts.emplace_back(), error);
  };
  if (!ReadItems(params, violations, "class com.amazonaws.dynamodb.v20120810.TransactWriteItem",
                 read, error) ||
      !violations.Ok(error))
    return false;
  for (Draft& draft : drafts)
    if (!ReadContent(draft, error)) return false;
  if (!ResolveDrafts(call, drafts, error)) return false;
  request.token = token;
  request.capacity = CapacityReportOf(capacity);
  request.collection_metrics = metrics == "SIZE";
  std::string canonical;
  for (Draft& draft : drafts) {
    if (!token.empty()) AppendCanonical(canonical, draft);
    request.actions.push_back(std::make_unique<ItemAction>(std::move(draft)));
  }
  if (!token.empty()) request.fingerprint = FingerprintOf(canonical);
  return true;
}

// --- TransactGetItems ----------------------------------------------------------------------------

struct Get {
  std::optional<dom::object> json;
  std::string_view table_name;
  std::string key_item;
  std::shared_ptr<RequestExpressions> expressions = std::make_shared<RequestExpressions>();
};

bool ReadGet(const Params& item, const std::string& path, Violations& violations, Get& get,
             ApiError& error) {
  if (!item.Object(Param::kGet, "class com.amazonaws.dynamodb.v20120810.Get", get.json, error))
    return false;
  violations.Required(get.json.has_value(), path + ".get");
  if (!get.json) return true;
  const Params members(*get.json);
  if (!ReadTableName(members, path + ".get", violations, get.table_name, error)) return false;
  violations.Required(members.Has(Param::kKey), path + ".get.key");
  return true;
}

bool ReadTransactGet(const Params& params, const Call& call, std::vector<TransactRead>& reads,
                     CapacityReport& report, ApiError& error) {
  std::string_view capacity;
  if (!params.Text(Param::kReturnConsumedCapacity, capacity, error)) return false;
  Violations violations;
  violations.OneOf(capacity, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  report = CapacityReportOf(capacity);
  std::vector<Get> gets;
  const auto read = [&](const Params& item, const std::string& path) {
    return ReadGet(item, path, violations, gets.emplace_back(), error);
  };
  if (!ReadItems(params, violations, "class com.amazonaws.dynamodb.v20120810.TransactGetItem", read,
                 error) ||
      !violations.Ok(error))
    return false;
  for (Get& get : gets) {
    const Params members(*get.json);
    if (!get.expressions->CheckUse(members, {Param::kProjectionExpression}, error) ||
        !ReadItemParam(members, Param::kKey, get.key_item, error) ||
        !get.expressions->Read(members, error))
      return false;
  }
  for (const Get& get : gets)
    if (!FindTableOf(call, get.table_name, reads.emplace_back().table, error)) return false;
  KeyFaults faults(gets.size());
  for (size_t i = 0; i < gets.size(); ++i) {
    const item::KeySchema& schema = reads[i].table->definition.key;
    if (!gets[i].expressions->CheckKeys(reads[i].table->definition, error) ||
        !faults.Take(i, item::EncodeKey(schema, ItemView(gets[i].key_item)), reads[i].key, error))
      return false;
    if (gets[i].expressions->has_projection())
      reads[i].project = [expressions = gets[i].expressions](ItemView item) {
        return expressions->Project(item);
      };
  }
  if (!faults.any) return true;
  error = Cancelled(faults.reasons);
  return false;
}

}  // namespace

void TransactWriteItems(const Params& params, Call call) {
  ApiError error;
  TransactWriteRequest request;
  if (!ReadTransactWrite(params, call, request, error)) return call.Fail(error);
  RunTransactWrite(std::move(request), std::move(call));
}

void TransactGetItems(const Params& params, Call call) {
  ApiError error;
  std::vector<TransactRead> reads;
  CapacityReport capacity = CapacityReport::kNone;
  if (!ReadTransactGet(params, call, reads, capacity, error)) return call.Fail(error);
  RunTransactGet(std::move(reads), capacity, std::move(call));
}

}  // namespace everwrite::api
