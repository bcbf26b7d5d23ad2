#include "region/api/transact.h"

#include <map>
#include <set>

#include "base/coding.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using table::ItemName;
using table::Mutation;

constexpr uint64_t kTransactionFactor = 2;  // a transactional unit costs two plain ones
constexpr std::string_view kTooLarge =
    "The aggregate size of the items in the transaction cannot exceed 4 MB";

std::string_view CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "None";
    case StatusCode::kConditionFailed: return "ConditionalCheckFailed";
    case StatusCode::kAlreadyExists: return "DuplicateItem";
    case StatusCode::kNotFound: return "ResourceNotFound";
    default: return "ValidationError";
  }
}

// By table.
struct Capacities {
  void Add(const table::Table& table, const Consumed& cost) {
    by_table[table.definition.name].Add(cost, kTransactionFactor);
  }
  // `kind`: every number is given as "CapacityUnits" and under the name of its kind.
  void AppendTo(std::string& body, CapacityReport report, std::string_view kind) const {
    if (report == CapacityReport::kNone) return;
    AppendMember(body, "ConsumedCapacity");
    body += '[';
    for (const auto& [table, consumed] : by_table) {
      if (body.back() != '[') body += ',';
      AppendConsumedCapacity(body, table, consumed, report, kind);
    }
    body += ']';
  }
  std::map<std::string, Consumed> by_table;
};

constexpr std::string_view kReadUnits = "ReadCapacityUnits";
constexpr std::string_view kWriteUnits = "WriteCapacityUnits";

class WriteTransaction final : public table::TransactionOperation {
 public:
  WriteTransaction(TransactWriteRequest request, Call call)
      : request_(std::move(request)), call_(std::move(call)) {
    for (const auto& action : request_.actions) items.push_back({action->table, action->key});
    token = request_.token;
    fingerprint = request_.fingerprint;
  }

  Result<std::vector<Mutation>> Evaluate(
      const std::vector<std::optional<std::string_view>>& stored) override {
    std::vector<Mutation> mutations(items.size());
    std::vector<CancellationReason> reasons(items.size());
    bool failed = false;
    size_t bytes = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      reasons[i] = EvaluateOne(i, stored[i], mutations[i], bytes);
      failed |= !reasons[i].status.ok();
    }
    if (!failed) return mutations;
    cancelled_ = Cancelled(reasons);
    for (const CancellationReason& reason : reasons)
      if (IsEmptyKey(reason.status)) cancelled_ = ErrorOf(reason.status);
    return ConditionFailed(cancelled_.message);
  }

  // The answer to a repetition counts what it costs to find out that there is nothing to do.
  void Repeat(const std::vector<std::optional<std::string_view>>& stored) override {
    unit_name_ = kReadUnits;
    for (size_t i = 0; i < items.size(); ++i)
      capacities_.Add(*items[i].table,
                      TableCost(ReadHalfUnits(SizeOf(stored[i]), /*consistent=*/true)));
  }

  void Done(const Status& status) override {
    if (!cancelled_.ok()) return call_.Fail(cancelled_);
    if (status.code() == StatusCode::kAlreadyExists)
      return call_.Fail(ApiError{ErrorType::kIdempotentParameterMismatch,
                                 "The request uses the same client token as a previous, but "
                                 "non-identical request.",
                                 ""});
    if (!status.ok()) return call_.Fail(status);
    std::string body = "{";
    body += request_.members;
    AppendCollections(body);
    capacities_.AppendTo(body, request_.capacity, unit_name_);
    body += "}";
    for (const conflict::Version& written : committed) {
      if (written.dot.number == 0) continue;  // only checked
      call_.SetWritten(written);
      break;
    }
    call_.Reply(std::move(body));
  }

 private:
  static size_t SizeOf(std::optional<std::string_view> item) {
    return item ? item::ItemSize(ItemView(*item)) : 0;
  }

  CancellationReason EvaluateOne(size_t index, std::optional<std::string_view> stored,
                                 Mutation& mutation, size_t& bytes) {
    TransactAction& action = *request_.actions[index];
    std::optional<ItemView> item;
    if (stored) item.emplace(*stored);
    AddCollection(action);
    Result<Mutation> decided = action.Evaluate(item);
    if (!decided.ok()) {
      CancellationReason reason{decided.status(), ""};
      if (reason.status.code() == StatusCode::kConditionFailed && item && action.item_on_failure)
        AppendItemJson(reason.item_json, *item);
      return reason;
    }
    mutation = std::move(decided).value();
    std::optional<std::string_view> after = stored;
    if (mutation.kind == Mutation::Kind::kDelete) after.reset();
    if (mutation.kind == Mutation::Kind::kPut) {
      after = mutation.item;
      bytes += SizeOf(after);
      if (bytes > table::kTransactionBytesMax) return {InvalidArgument(std::string(kTooLarge)), ""};
    }
    if (request_.capacity != CapacityReport::kNone)
      if (request_.capacity != CapacityReport::kNone)
        capacities_.Add(*action.table, WriteCost(*action.table, stored, after));
    return {};
  }

  void AddCollection(const TransactAction& action) {
    if (!request_.collection_metrics || action.Given().empty()) return;
    std::string collection;
    if (!AppendItemCollection(collection, call_.engine(), *action.table, ItemView(action.Given())))
      return;
    std::string& list = collections_[action.table->definition.name];
    if (!list.empty()) list += ',';
    list += collection;
  }
  void AppendCollections(std::string& body) const {
    if (collections_.empty()) return;
    AppendMember(body, "ItemCollectionMetrics");
    body += '{';
    for (const auto& [table, list] : collections_) {
      if (body.back() != '{') body += ',';
      body.append("\"").append(table).append("\":[").append(list).append("]");
    }
    body += '}';
  }

  TransactWriteRequest request_;
  Call call_;
  ApiError cancelled_;
  Capacities capacities_;
  std::map<std::string, std::string> collections_;  // as JSON, by table
  std::string_view unit_name_ = kWriteUnits;
};

}  // namespace

bool IsEmptyKey(const Status& status) {
  return status.message().starts_with("One or more parameter values are not valid");
}

ApiError Cancelled(const std::vector<CancellationReason>& reasons) {
  std::string codes, json = "[";
  for (const CancellationReason& reason : reasons) {
    const std::string_view code = CodeOf(reason.status.code());
    if (!codes.empty()) codes += ", ";
    codes += code;
    if (json.size() > 1) json += ',';
    json += '{';
    if (!reason.item_json.empty()) json.append("\"Item\":").append(reason.item_json).append(",");
    json.append("\"Code\":\"").append(code).append("\"");
    if (!reason.status.ok()) {
      json += ",\"Message\":";
      AppendJsonString(json, reason.status.message());
    }
    json += '}';
  }
  json += ']';
  ApiError error;
  error.type = ErrorType::kTransactionCanceled;
  error.message =
      "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes +
      "]";
  error.reasons_json = std::move(json);
  return error;
}

std::string FingerprintOf(std::string_view canonical) {
  std::string fingerprint;
  PutFixed64(fingerprint, Hash64(canonical));
  // A second hash of the same, made different by what stands before it.
  PutFixed64(fingerprint, Hash64(std::string("2").append(canonical)));
  return fingerprint;
}

namespace {

// No two actions on one item. False with the error in DynamoDB's words.
template <typename Actions, typename Name>
bool CheckDistinct(const Actions& actions, Name&& name, ApiError& error) {
  std::set<std::pair<uint64_t, std::string_view>> seen;
  for (const auto& action : actions) {
    const auto& [table, key] = name(action);
    if (!seen.insert({table->definition.id.value, key}).second)
      return FailValidation(error,
                            "Transaction request cannot include multiple operations on one item");
  }
  return true;
}

}  // namespace

void RunTransactWrite(TransactWriteRequest request, Call call) {
  ApiError error;
  const auto name = [](const auto& action) { return std::tie(action->table, action->key); };
  if (!CheckDistinct(request.actions, name, error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.Transact(std::make_unique<WriteTransaction>(std::move(request), std::move(call)),
                  executor);
}

void RunTransactGet(std::vector<TransactRead> reads, CapacityReport capacity, Call call) {
  ApiError error;
  const auto name = [](const TransactRead& read) { return std::tie(read.table, read.key); };
  if (!CheckDistinct(reads, name, error)) return call.Fail(error);
  std::vector<ItemName> names;
  for (const TransactRead& read : reads) names.push_back({read.table, read.key});
  std::string body = "{\"Responses\":[";
  Capacities capacities;
  std::vector<CancellationReason> reasons(reads.size());
  size_t bytes = 0;
  const Status status = call.engine().GetTogether(
      names, [&](size_t index, std::optional<std::string_view> stored) -> Status {
        const TransactRead& read = reads[index];
        const size_t size = stored ? item::ItemSize(ItemView(*stored)) : 0;
        bytes += size;
        if (bytes > table::kTransactionBytesMax)
          return reasons[index].status = InvalidArgument(std::string(kTooLarge));
        capacities.Add(*read.table, TableCost(ReadHalfUnits(size, /*consistent=*/true)));
        if (index > 0) body += ',';
        body += '{';
        if (stored) {
          const std::string projected =
              read.project ? read.project(ItemView(*stored)) : std::string();
          // An item of which nothing is to be shown is left out, as one that is not there: so
          // public captures of the service show it, unlike GetItem's and DynamoDB Local's.
          if (!read.project || !projected.empty()) {
            body += "\"Item\":";
            AppendItemJson(body, ItemView(read.project ? std::string_view(projected) : *stored));
          }
        }
        body += '}';
        return {};
      });
  if (bytes > table::kTransactionBytesMax) return call.Fail(Cancelled(reasons));
  if (!status.ok()) return call.Fail(status);
  body += ']';
  capacities.AppendTo(body, capacity, kReadUnits);
  body += '}';
  call.Reply(std::move(body));
}

}  // namespace everwrite::api
