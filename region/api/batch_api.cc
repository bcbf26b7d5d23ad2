#include "region/api/batch_api.h"

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/request_expressions.h"
#include "region/item/key.h"
#include "region/table/secondary_index.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using item::ItemView;
using table::Mutation;
using table::TablePtr;

constexpr std::string_view kMapKeys =
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member "
    "must have length greater than or equal to 3, Member must satisfy regular expression pattern: "
    "[a-zA-Z0-9_.-]+]";

constexpr std::string_view kAtLeastOneMember = "Member must have length greater than or equal to 1";

struct BatchRequest {
  CapacityReport capacity = CapacityReport::kNone;
  bool collection_metrics = false;
  std::optional<dom::object> tables;
};

// A request shown in an error's message, as far as the message is for people.
std::string Shown(std::string text) {
  constexpr size_t kShownBytesMax = 1024;
  if (text.size() <= kShownBytesMax) return text;
  return text.substr(0, kShownBytesMax) + "...";
}

// JSON in the notation in which the service shows a list or a map: [a, b], {name=value}.
void AppendJavaText(std::string& out, dom::element json) {
  if (dom::array array; json.get(array) == simdjson::SUCCESS) {
    out += '[';
    for (const dom::element element : array) {
      if (out.back() != '[') out += ", ";
      AppendJavaText(out, element);
    }
    out += ']';
  } else if (dom::object object; json.get(object) == simdjson::SUCCESS) {
    out += '{';
    for (const dom::key_value_pair field : object) {
      if (out.back() != '{') out += ", ";
      out.append(field.key) += '=';
      AppendJavaText(out, field.value);
    }
    out += '}';
  } else if (std::string_view text; json.get(text) == simdjson::SUCCESS) {
    out += text;
  } else {
    out += simdjson::minify(json);
  }
}

bool ReadBatchRequest(const Params& params, std::string_view type, Violations& violations,
                      BatchRequest& out, ApiError& error) {
  std::string_view capacity, metrics;
  if (!params.Text(Param::kReturnConsumedCapacity, capacity, error) ||
      !params.Text(Param::kReturnItemCollectionMetrics, metrics, error) ||
      !params.Object(Param::kRequestItems, type, out.tables, error))
    return false;
  violations.OneOf(capacity, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  violations.OneOf(metrics, "returnItemCollectionMetrics", "[SIZE, NONE]");
  violations.Required(out.tables.has_value(), "requestItems");
  out.capacity = CapacityReportOf(capacity);
  out.collection_metrics = metrics == "SIZE";
  return true;
}

bool IsTableName(std::string_view name) {
  Violations of_name;
  ApiError ignored;
  of_name.Name(TableNameOf(name), "");
  return of_name.Ok(ignored);
}

void AppendCapacities(std::string& body, const std::map<std::string, Consumed>& consumed,
                      CapacityReport report) {
  if (report == CapacityReport::kNone) return;
  AppendMember(body, "ConsumedCapacity");
  body += '[';
  for (const auto& [table, units] : consumed) {
    if (body.back() != '[') body += ',';
    AppendConsumedCapacity(body, table, units, report);
  }
  body += ']';
}

// --- BatchGetItem
// ----------------------------------------------------------------------------------

// One table's part of a BatchGetItem.
struct TableGets {
  std::string_view name;  // as the client gave it
  dom::object json;
  bool consistent = false;
  RequestExpressions expressions;
  std::vector<std::string> key_items;
  TablePtr table;
  std::vector<std::string> keys;
};

bool ReadTableGets(std::string_view name, dom::element json, Violations& violations, TableGets& out,
                   ApiError& error) {
  if (!ReadObject(json, "class com.amazonaws.dynamodb.v20120810.KeysAndAttributes", out.json,
                  error))
    return false;
  out.name = name;
  const Params params(out.json);
  std::optional<dom::array> keys;
  if (!params.Array(Param::kKeys, keys, error) ||
      !params.Bool(Param::kConsistentRead, out.consistent, error))
    return false;
  if (!out.expressions.CheckShape(params, {Param::kAttributesToGet}, violations, error))
    return false;
  const std::string of_table = std::string(name) + ".member.";
  violations.Required(keys.has_value(), "requestItems." + of_table + "keys");
  if (!keys) return true;
  if (keys->size() == 0) violations.Shape("RequestItems." + of_table + "Keys", kAtLeastOneMember);
  if (keys->size() > kBatchGetKeysMax)
    violations.Shape("RequestItems." + of_table + "Keys",
                     "Member must have length less than or equal to 100");
  return true;
}

// The parameters of all tables count as one request's.
bool CheckOneProjectionKind(const std::vector<TableGets>& batch, ApiError& error) {
  const auto any = [&](Param param) {
    return std::any_of(batch.begin(), batch.end(),
                       [&](const TableGets& gets) { return Params(gets.json).Has(param); });
  };
  if (!any(Param::kAttributesToGet) || !any(Param::kProjectionExpression)) return true;
  return FailValidation(error,
                        "Can not use both expression and non-expression parameters in the same "
                        "request: Non-expression parameters: {AttributesToGet} Expression "
                        "parameters: {ProjectionExpression}");
}

bool ReadKeysOf(TableGets& gets, size_t& total, ApiError& error) {
  const Params params(gets.json);
  if (!gets.expressions.CheckUse(params, {Param::kProjectionExpression}, error) ||
      !gets.expressions.Read(params, error))
    return false;
  std::optional<dom::array> keys;
  if (!params.Array(Param::kKeys, keys, error)) return false;
  for (const dom::element key : *keys) {
    dom::object object;
    std::string& key_item = gets.key_items.emplace_back();
    if (!ReadObject(key, kAttributeMap, object, error) || !ReadItemJson(key, key_item, error))
      return false;
    if (++total > kBatchGetKeysMax)
      return FailValidation(error, "Too many items requested for the BatchGetItem call");
  }
  std::set<std::string_view> seen;  // compact items are canonical: equal keys are equal bytes
  for (const std::string& key_item : gets.key_items)
    if (!seen.insert(key_item).second)
      return FailValidation(error, "Provided list of item keys contains duplicates");
  return true;
}

bool ReadBatchGet(const BatchRequest& request, Violations& violations,
                  std::vector<TableGets>& batch, ApiError& error) {
  bool named = true;
  if (request.tables->size() == 0) violations.Shape("RequestItems", kAtLeastOneMember);
  for (const dom::key_value_pair field : *request.tables) {
    named &= IsTableName(field.key);
    if (!ReadTableGets(field.key, field.value, violations, batch.emplace_back(), error))
      return false;
  }
  if (!named) violations.Add(Shown(simdjson::minify(*request.tables)), "requestItems", kMapKeys);
  size_t total = 0;
  if (!violations.Ok(error) || !CheckOneProjectionKind(batch, error)) return false;
  for (TableGets& gets : batch)
    if (!ReadKeysOf(gets, total, error)) return false;
  return true;
}

bool ResolveGets(const Call& call, TableGets& gets, ApiError& error) {
  if (!FindTableOf(call, TableNameOf(gets.name), gets.table, error) ||
      !gets.expressions.CheckKeys(gets.table->definition, error))
    return false;
  for (const std::string& key_item : gets.key_items) {
    Result<std::string> key = item::EncodeKey(gets.table->definition.key, ItemView(key_item));
    if (!key.ok()) {
      error = ErrorOf(key.status());
      return false;
    }
    gets.keys.push_back(std::move(key).value());
  }
  return true;
}

// The request for the keys from `next` on, as the client can send it again.
void AppendUnprocessed(std::string& out, const TableGets& gets, size_t next) {
  if (out.back() != '{') out += ',';
  AppendJsonString(out, gets.name);
  out += ":{\"Keys\":[";
  for (size_t i = next; i < gets.key_items.size(); ++i) {
    if (i > next) out += ',';
    AppendItemJson(out, ItemView(gets.key_items[i]));
  }
  out += ']';
  for (const dom::key_value_pair field : gets.json) {
    if (field.key == "Keys") continue;
    out += ',';
    AppendJsonString(out, field.key);
    out += ':';
    out += simdjson::minify(field.value);
  }
  out += '}';
}

// --- BatchWriteItem
// --------------------------------------------------------------------------------

// One put or delete, read.
struct BatchItem {
  bool put = false;
  std::string item;  // kPut: the item; else the key
  TablePtr table;
  std::string key;
  std::string_view table_name;  // as the client gave it
};

// What the writes of one batch report to; all on the call's loop.
struct BatchState {
  BatchState(Call call, const BatchRequest& request)
      : call(std::move(call)),
        report(request.capacity),
        collection_metrics(request.collection_metrics) {}

  void OnDone(const Status& status, const std::string& table_name, std::string_view request_json,
              const table::Table& table, const Consumed& cost, ItemView item) {
    const std::string& name = table.definition.name;
    if (status.ok()) {
      consumed[name].Add(cost);
      if (collection_metrics) AddCollection(table, item);
    } else if (const ErrorType type = ErrorOf(status).type;
               type == ErrorType::kThrottling || type == ErrorType::kServiceUnavailable) {
      unprocessed[table_name].emplace_back(request_json);
      if (refused.ok()) refused = status;
    } else if (failure.ok()) {
      failure = status;
    }
    if (--open == 0) Answer();
  }

  void Answer() {
    if (!failure.ok()) return call.Fail(failure);
    size_t count = 0;
    for (const auto& [table, requests] : unprocessed) count += requests.size();
    if (count == total) return call.Fail(refused);  // nothing was done: say so, with Retry-After
    std::string body = "{\"UnprocessedItems\":{";
    for (const auto& [table, requests] : unprocessed) {
      if (body.back() != '{') body += ',';
      AppendJsonString(body, table);
      body += ":[";
      for (const std::string& request : requests) {
        if (&request != &requests.front()) body += ',';
        body += request;
      }
      body += ']';
    }
    body += '}';
    AppendCollections(body);
    AppendCapacities(body, consumed, report);
    body += '}';
    call.Reply(std::move(body));
  }

  // One for each item, as the service does.
  void AddCollection(const table::Table& table, ItemView item) {
    std::string& list = collections[table.definition.name];
    if (!list.empty()) list += ',';
    if (!AppendItemCollection(list, call.engine(), table, item))
      collections.erase(table.definition.name);
  }
  void AppendCollections(std::string& body) const {
    if (collections.empty()) return;
    AppendMember(body, "ItemCollectionMetrics");
    body += '{';
    for (const auto& [table, list] : collections) {
      if (body.back() != '{') body += ',';
      body.append("\"").append(table).append("\":[").append(list).append("]");
    }
    body += '}';
  }

  Call call;
  CapacityReport report;
  bool collection_metrics;
  size_t open = 0, total = 0;
  std::map<std::string, std::vector<std::string>> unprocessed;  // by the client's name of the table
  std::map<std::string, Consumed> consumed;
  std::map<std::string, std::string> collections;  // as JSON, by table
  Status failure;
  Status refused;
};

class BatchWrite final : public table::WriteOperation {
 public:
  BatchWrite(BatchItem item, std::shared_ptr<BatchState> state)
      : WriteOperation(std::move(item.table), std::move(item.key)),
        state_(std::move(state)),
        table_name_(item.table_name),
        item_(std::move(item.item)),
        put_(item.put) {}

  Result<Mutation> Evaluate(std::optional<std::string_view> stored) override {
    if (state_->report != CapacityReport::kNone) {
      std::optional<std::string_view> after;
      if (put_) after = item_;
      cost_ = WriteCost(*table, stored, after);
    }
    if (!put_ && !stored) return Mutation{};
    return Mutation{put_ ? Mutation::Kind::kPut : Mutation::Kind::kDelete, item_};
  }
  void Done(const Status& status) override {
    std::string json;
    if (!status.ok()) {
      json = put_ ? "{\"PutRequest\":{\"Item\":" : "{\"DeleteRequest\":{\"Key\":";
      AppendItemJson(json, ItemView(item_));
      json += "}}";
    }
    state_->OnDone(status, table_name_, json, *table, cost_, ItemView(item_));
  }

 private:
  std::shared_ptr<BatchState> state_;
  std::string table_name_;
  std::string item_;
  Consumed cost_;
  bool put_;
};

bool ReadWriteRequest(dom::element json, std::string_view table_name, const std::string& path,
                      Violations& violations, std::vector<BatchItem>& batch, ApiError& error) {
  dom::object object;
  if (!ReadObject(json, "class com.amazonaws.dynamodb.v20120810.WriteRequest", object, error))
    return false;
  const Params request(object);
  std::optional<dom::object> put, del;
  if (!request.Object(Param::kPutRequest, "class com.amazonaws.dynamodb.v20120810.PutRequest", put,
                      error) ||
      !request.Object(Param::kDeleteRequest, "class com.amazonaws.dynamodb.v20120810.DeleteRequest",
                      del, error))
    return false;
  if (put.has_value() == del.has_value())
    return FailValidation(error,
                          "Supplied AttributeValue has more than one datatypes set, must "
                          "contain exactly one of the supported datatypes");
  const Params inner(put ? *put : *del);
  const Param param = put ? Param::kItem : Param::kKey;
  if (!inner.Has(param)) {
    violations.Required(false,
                        path + (put ? ".member.putRequest.item" : ".member.deleteRequest.key"));
    return true;
  }
  BatchItem& item = batch.emplace_back();
  item.put = put.has_value();
  item.table_name = table_name;
  return ReadItemParam(inner, param, item.item, error);
}

// "{name=[WriteRequest(putRequest=PutRequest(item={pk={S=a}})), ...]}"
std::string ShownWrites(std::string_view name, dom::array requests) {
  std::string list;
  for (const dom::element request : requests) {
    if (!list.empty()) list += ", ";
    list += "WriteRequest(";
    dom::element part;
    if (request.at_key("PutRequest").at_key("Item").get(part) == simdjson::SUCCESS) {
      AppendJavaText(list += "putRequest=PutRequest(item=", part);
      list += ')';
    } else if (request.at_key("DeleteRequest").at_key("Key").get(part) == simdjson::SUCCESS) {
      AppendJavaText(list += "deleteRequest=DeleteRequest(key=", part);
      list += ')';
    }
    list += ')';
  }
  return "{" + std::string(name) + "=[" + Shown(std::move(list)) + "]}";
}

bool ReadTableWrites(std::string_view name, dom::element json, Violations& violations,
                     std::vector<BatchItem>& batch, ApiError& error) {
  dom::array requests;
  if (json.get_array().get(requests) != simdjson::SUCCESS)
    return Fail(error, ErrorType::kSerialization,
                json.is_object() ? "Start of structure or map found where not expected"
                                 : "Unexpected field type");
  if (!IsTableName(name)) violations.Add(ShownWrites(name, requests), "requestItems", kMapKeys);
  if (requests.size() == 0 || requests.size() > kBatchWriteItemsMax) {
    violations.Add(
        ShownWrites(name, requests), "requestItems",
        "Map value must satisfy constraint: [Member must have length less than or equal to "
        "25, Member must have length greater than or equal to 1]");
    return true;
  }
  size_t index = 0;
  for (const dom::element request : requests) {
    const std::string path =
        "requestItems." + std::string(name) + ".member." + std::to_string(++index);
    if (!ReadWriteRequest(request, name, path, violations, batch, error)) return false;
  }
  return true;
}

// A batch tells of an item without the right key as of a key that is not right.
Result<std::string> EncodeKeyOf(const BatchItem& item) {
  const table::TableDefinition& definition = item.table->definition;
  const ItemView view(item.item);
  if (!item.put) return item::EncodeKey(definition.key, view);
  const std::string key_item = item::KeyAttributesOf(definition.key, view);
  EW_ASSIGN_OR_RETURN(std::string key, item::EncodeKey(definition.key, ItemView(key_item)));
  EW_RETURN_IF_ERROR(table::CheckIndexKeys(definition, view, item::KeyWrite::kPut));
  return key;
}

bool ResolveWrites(const Call& call, std::vector<BatchItem>& batch, ApiError& error) {
  for (BatchItem& item : batch) {
    if (item.put && item::ItemSize(ItemView(item.item)) > item::kItemBytesMax)
      return FailValidation(error, "Item size has exceeded the maximum allowed size");
  }
  std::set<std::pair<uint64_t, std::string_view>> seen;
  for (BatchItem& item : batch) {
    if (!FindTableOf(call, TableNameOf(item.table_name), item.table, error)) return false;
    Result<std::string> key = EncodeKeyOf(item);
    if (!key.ok()) {
      error = ErrorOf(key.status());
      return false;
    }
    item.key = std::move(key).value();
    if (!seen.insert({item.table->definition.id.value, item.key}).second)
      return FailValidation(error, "Provided list of item keys contains duplicates");
  }
  return true;
}

}  // namespace

void BatchGetItem(const Params& params, Call call) {
  ApiError error;
  BatchRequest request;
  Violations violations;
  std::vector<TableGets> batch;
  if (!ReadBatchRequest(params,
                        "java.util.Map<java.lang.String, "
                        "com.amazonaws.dynamodb.v20120810.KeysAndAttributes>",
                        violations, request, error) ||
      !violations.Ok(error) || !ReadBatchGet(request, violations, batch, error))
    return call.Fail(error);
  for (TableGets& gets : batch)
    if (!ResolveGets(call, gets, error)) return call.Fail(error);

  std::string body = "{\"Responses\":{", unprocessed = "{", stored;
  std::map<std::string, Consumed> consumed;
  size_t bytes = 0;
  for (const TableGets& gets : batch) {
    if (body.back() != '{') body += ',';
    AppendJsonString(body, gets.name);
    body += ":[";
    size_t next = 0;
    for (; next < gets.keys.size() && bytes < kBatchGetBytesMax; ++next) {
      const Result<bool> found = call.engine().Get(*gets.table, gets.keys[next], &stored);
      if (!found.ok()) return call.Fail(found.status());
      const ItemView item(stored);
      const size_t size = *found ? item::ItemSize(item) : 0;
      if (bytes + size > kBatchGetBytesMax) break;
      bytes += size;
      consumed[gets.table->definition.name].table += ReadHalfUnits(size, gets.consistent);
      if (!*found) continue;
      if (body.back() != '[') body += ',';
      if (gets.expressions.has_projection()) {
        AppendItemJson(body, ItemView(gets.expressions.Project(item)));
      } else {
        AppendItemJson(body, item);
      }
    }
    body += ']';
    if (next < gets.keys.size()) AppendUnprocessed(unprocessed, gets, next);
  }
  body.append("},\"UnprocessedKeys\":").append(unprocessed).append("}");
  AppendCapacities(body, consumed, request.capacity);
  body += '}';
  call.Reply(std::move(body));
}

void BatchWriteItem(const Params& params, Call call) {
  ApiError error;
  BatchRequest request;
  Violations violations;
  std::vector<BatchItem> batch;
  if (!ReadBatchRequest(params,
                        "java.util.Map<java.lang.String, "
                        "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>",
                        violations, request, error) ||
      !violations.Ok(error))
    return call.Fail(error);
  if (request.tables->size() == 0)
    return call.Fail(InvalidArgument("The requestItems parameter is required for BatchWriteItem"));
  for (const dom::key_value_pair field : *request.tables)
    if (!ReadTableWrites(field.key, field.value, violations, batch, error)) return call.Fail(error);
  if (!violations.Ok(error)) return call.Fail(error);
  if (batch.size() > kBatchWriteItemsMax)
    return call.Fail(InvalidArgument("Too many items requested for the BatchWriteItem call"));
  if (!ResolveWrites(call, batch, error)) return call.Fail(error);

  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  const auto state = std::make_shared<BatchState>(std::move(call), request);
  state->open = state->total = batch.size();
  for (BatchItem& item : batch)
    engine.Write(std::make_unique<BatchWrite>(std::move(item), state), executor);
}

}  // namespace everwrite::api
