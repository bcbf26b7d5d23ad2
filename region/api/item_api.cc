#include "region/api/item_api.h"

#include <memory>
#include <optional>

#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/request_expressions.h"
#include "region/item/key.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using table::Mutation;
using table::TablePtr;

bool FailWith(const Status& status, ApiError& error) {
  error = ErrorOf(status);
  return false;
}

// What the three writes share: condition, returned attributes, capacity, answer.
class ItemWrite : public table::WriteOperation {
 public:
  ItemWrite(TablePtr table, std::string key, const ItemRequest& request,
            RequestExpressions expressions, Call call)
      : WriteOperation(std::move(table), std::move(key)),
        expressions_(std::move(expressions)),
        call_(std::move(call)),
        return_values_(request.return_values),
        capacity_(request.capacity),
        item_on_failure_(request.item_on_failure),
        collection_metrics_(request.collection_metrics) {}

  Result<Mutation> Evaluate(std::optional<std::string_view> stored) final {
    const ItemView old(stored.value_or(std::string_view()));
    if (expressions_.has_condition() && !expressions_.Condition(old)) {
      if (item_on_failure_ && stored) AppendItemJson(failed_item_, old);
      return ConditionFailed("The conditional request failed");
    }
    if (collection_metrics_)
      AppendItemCollection(collection_, call_.engine(), *table, ItemView(Given()));
    Result<Mutation> mutation = Apply(stored.has_value(), old);
    if (mutation.ok() && capacity_ != CapacityReport::kNone) Charge(stored, *mutation);
    return mutation;
  }

  void Done(const Status& status) final {
    if (!status.ok()) {
      ApiError error = ErrorOf(status);
      error.item_json = std::move(failed_item_);
      return call_.Fail(error);
    }
    std::string body = "{";
    if (!attributes_.empty()) {
      AppendMember(body, "Attributes");
      body += attributes_;
    }
    if (capacity_ != CapacityReport::kNone) {
      AppendMember(body, "ConsumedCapacity");
      AppendConsumedCapacity(body, table->definition.name, consumed_, capacity_);
    }
    if (!collection_.empty()) {
      AppendMember(body, "ItemCollectionMetrics");
      body += collection_;
    }
    body += "}";
    call_.SetWritten(committed);
    call_.Reply(std::move(body));
  }

 protected:
  virtual Result<Mutation> Apply(bool exists, ItemView old) = 0;
  // The item or key as the request gave it; before Apply.
  virtual std::string_view Given() const = 0;

  void ReturnItem(ItemView item) { AppendItemJson(attributes_, item); }

  RequestExpressions expressions_;
  Call call_;
  std::string attributes_;   // as JSON, when some are to be returned
  std::string failed_item_;  // as JSON
  ReturnValues return_values_;

 private:
  void Charge(std::optional<std::string_view> stored, const Mutation& mutation) {
    std::optional<std::string_view> after = stored;
    if (mutation.kind == Mutation::Kind::kPut) after = mutation.item;
    if (mutation.kind == Mutation::Kind::kDelete) after.reset();
    consumed_ = WriteCost(*table, stored, after);
  }

  Consumed consumed_;
  std::string collection_;  // as JSON
  CapacityReport capacity_;
  bool item_on_failure_;
  bool collection_metrics_;
};

class PutWrite final : public ItemWrite {
 public:
  PutWrite(TablePtr table, std::string key, std::string item, const ItemRequest& request,
           RequestExpressions expressions, Call call)
      : ItemWrite(std::move(table), std::move(key), request, std::move(expressions),
                  std::move(call)),
        item_(std::move(item)) {}

 private:
  Result<Mutation> Apply(bool exists, ItemView old) override {
    if (exists && return_values_ == ReturnValues::kAllOld) ReturnItem(old);
    return Mutation{Mutation::Kind::kPut, std::move(item_)};
  }
  std::string_view Given() const override { return item_; }
  std::string item_;
};

class DeleteWrite final : public ItemWrite {
 public:
  DeleteWrite(TablePtr table, std::string key, std::string key_item, const ItemRequest& request,
              RequestExpressions expressions, Call call)
      : ItemWrite(std::move(table), std::move(key), request, std::move(expressions),
                  std::move(call)),
        key_item_(std::move(key_item)) {}

 private:
  Result<Mutation> Apply(bool exists, ItemView old) override {
    if (!exists) return Mutation{};
    if (return_values_ == ReturnValues::kAllOld) ReturnItem(old);
    return Mutation{Mutation::Kind::kDelete, std::move(key_item_)};
  }
  std::string_view Given() const override { return key_item_; }
  std::string key_item_;
};

class UpdateWrite final : public ItemWrite {
 public:
  UpdateWrite(TablePtr table, std::string key, std::string key_item, const ItemRequest& request,
              RequestExpressions expressions, Call call)
      : ItemWrite(std::move(table), std::move(key), request, std::move(expressions),
                  std::move(call)),
        key_item_(std::move(key_item)) {}

 private:
  Result<Mutation> Apply(bool exists, ItemView old) override {
    // An update of what is not there starts from the key alone.
    const ItemView base = exists ? old : ItemView(key_item_);
    std::string updated;
    if (expressions_.has_update()) {
      EW_ASSIGN_OR_RETURN(updated, expressions_.Update(base));
      // What only takes away makes nothing; but its paths must have been good.
      if (!exists && expressions_.OnlyRemoves()) return Mutation{};
    } else {
      updated = base.bytes();
    }
    if (item::ItemSize(ItemView(updated)) > item::kItemBytesMax)
      return InvalidArgument("Item size to update has exceeded the maximum allowed size");
    EW_RETURN_IF_ERROR(CheckUpdated(*table, ItemView(updated)));
    Return(exists, old, ItemView(updated));
    // Without any action an item that exists stays as it is; one that does not is made.
    if (exists && !expressions_.has_update()) return Mutation{};
    return Mutation{Mutation::Kind::kPut, std::move(updated)};
  }

  void Return(bool exists, ItemView old, ItemView updated) {
    switch (return_values_) {
      case ReturnValues::kNone: return;
      case ReturnValues::kAllOld:
        if (exists) ReturnItem(old);
        return;
      case ReturnValues::kAllNew: return ReturnItem(updated);
      case ReturnValues::kUpdatedOld: return ReturnUpdated(old);
      case ReturnValues::kUpdatedNew: return ReturnUpdated(updated);
    }
  }
  void ReturnUpdated(ItemView item) {
    if (!expressions_.has_update()) return;
    const std::string part = expressions_.UpdatedPart(item);
    if (!part.empty()) ReturnItem(ItemView(part));
  }
  std::string_view Given() const override { return key_item_; }
  std::string key_item_;
};

// The common beginning of the writes that name a key.
bool ReadKeyWrite(const Params& params, std::initializer_list<Param> expressions_allowed,
                  std::initializer_list<Param> legacy_allowed, ItemRequest& request,
                  std::string& key_item, RequestExpressions& expressions, ApiError& error) {
  Violations violations;
  return ReadItemRequest(params, Param::kKey, violations, request, error) &&
         expressions.CheckShape(params, legacy_allowed, violations, error) &&
         violations.Ok(error) && expressions.CheckUse(params, expressions_allowed, error) &&
         ReadItemParam(params, Param::kKey, key_item, error);
}

bool OnlyAllOld(const ItemRequest& request, ApiError& error) {
  if (request.return_values == ReturnValues::kNone ||
      request.return_values == ReturnValues::kAllOld)
    return true;
  return FailValidation(error, "ReturnValues can only be ALL_OLD or NONE");
}

bool EncodeKeyOf(const Call& call, std::string_view table_name, std::string_view key_item,
                 TablePtr& table, std::string& key, ApiError& error) {
  if (!FindTableOf(call, table_name, table, error)) return false;
  Result<std::string> encoded = item::EncodeKey(table->definition.key, ItemView(key_item));
  if (!encoded.ok()) return FailWith(encoded.status(), error);
  key = std::move(encoded).value();
  return true;
}

}  // namespace

void GetItem(const Params& params, Call call) {
  ApiError error;
  ItemRequest request;
  Violations violations;
  RequestExpressions expressions;
  TablePtr table;
  // Kept by the thread: a read allocates nothing but its answer. At most an item each.
  thread_local std::string key_item, stored;
  key_item.clear();
  std::string key;
  if (!ReadItemRequest(params, Param::kKey, violations, request, error) ||
      !expressions.CheckShape(params, {Param::kAttributesToGet}, violations, error) ||
      !violations.Ok(error) ||
      !expressions.CheckUse(params, {Param::kProjectionExpression}, error) ||
      !ReadItemParam(params, Param::kKey, key_item, error) || !expressions.Read(params, error) ||
      !EncodeKeyOf(call, request.table_name, key_item, table, key, error) ||
      !expressions.CheckKeys(table->definition, error))
    return call.Fail(error);
  const Result<bool> found = call.engine().Get(*table, key, &stored);
  if (!found.ok()) return call.Fail(found.status());
  std::string body = "{";
  if (*found) {
    const ItemView item(stored);
    body.reserve(stored.size() * 3 / 2 + 256);
    AppendMember(body, "Item");
    if (expressions.has_projection()) {
      AppendItemJson(body, ItemView(expressions.Project(item)));
    } else {
      AppendItemJson(body, item);
    }
  }
  if (request.capacity != CapacityReport::kNone) {
    const size_t size = *found ? item::ItemSize(ItemView(stored)) : 0;
    AppendMember(body, "ConsumedCapacity");
    AppendConsumedCapacity(body, table->definition.name,
                           TableCost(ReadHalfUnits(size, request.consistent)), request.capacity);
  }
  body += "}";
  call.Reply(std::move(body));
}

void PutItem(const Params& params, Call call) {
  ApiError error;
  ItemRequest request;
  Violations violations;
  RequestExpressions expressions;
  std::string item;
  TablePtr table;
  if (!ReadItemRequest(params, Param::kItem, violations, request, error) ||
      !expressions.CheckShape(params, {Param::kExpected, Param::kConditionalOperator}, violations,
                              error) ||
      !violations.Ok(error) ||
      !expressions.CheckUse(params, {Param::kConditionExpression}, error) ||
      !ReadItemParam(params, Param::kItem, item, error) || !OnlyAllOld(request, error))
    return call.Fail(error);
  if (item::ItemSize(ItemView(item)) > item::kItemBytesMax)
    return call.Fail(InvalidArgument("Item size has exceeded the maximum allowed size"));
  if (!expressions.Read(params, error) || !FindTableOf(call, request.table_name, table, error))
    return call.Fail(error);
  Result<std::string> key = EncodeKeyOfPut(*table, ItemView(item));
  if (!key.ok()) return call.Fail(key.status());
  if (!expressions.CheckKeys(table->definition, error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.Write(std::make_unique<PutWrite>(std::move(table), std::move(key).value(), std::move(item),
                                          request, std::move(expressions), std::move(call)),
               executor);
}

void DeleteItem(const Params& params, Call call) {
  ApiError error;
  ItemRequest request;
  RequestExpressions expressions;
  std::string key_item, key;
  TablePtr table;
  if (!ReadKeyWrite(params, {Param::kConditionExpression},
                    {Param::kExpected, Param::kConditionalOperator}, request, key_item, expressions,
                    error) ||
      !OnlyAllOld(request, error) || !expressions.Read(params, error) ||
      !EncodeKeyOf(call, request.table_name, key_item, table, key, error) ||
      !expressions.CheckKeys(table->definition, error))
    return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.Write(std::make_unique<DeleteWrite>(std::move(table), std::move(key), std::move(key_item),
                                             request, std::move(expressions), std::move(call)),
               executor);
}

void UpdateItem(const Params& params, Call call) {
  ApiError error;
  ItemRequest request;
  RequestExpressions expressions;
  std::string key_item, key;
  TablePtr table;
  if (!ReadKeyWrite(params, {Param::kUpdateExpression, Param::kConditionExpression},
                    {Param::kAttributeUpdates, Param::kExpected, Param::kConditionalOperator},
                    request, key_item, expressions, error) ||
      !expressions.Read(params, error) ||
      !EncodeKeyOf(call, request.table_name, key_item, table, key, error) ||
      !expressions.CheckKeys(table->definition, error))
    return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.Write(std::make_unique<UpdateWrite>(std::move(table), std::move(key), std::move(key_item),
                                             request, std::move(expressions), std::move(call)),
               executor);
}

}  // namespace everwrite::api
