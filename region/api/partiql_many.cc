// BatchExecuteStatement and ExecuteTransaction: several statements in one request.
#include <memory>
#include <set>

#include "base/coding.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/partiql_api.h"
#include "region/api/partiql_select.h"
#include "region/api/partiql_statement.h"
#include "region/api/transact.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using item::ItemView;
using partiql::Kind;
using table::Mutation;

constexpr size_t kBatchStatementsMax = 25;
constexpr int64_t kClientTokenMax = 36;

// Reads an array of statements, each with `read`.
template <typename Read>
bool ReadStatements(const Params& params, Param param, std::string_view name, size_t count_max,
                    std::string_view type, Violations& violations, Read&& read, ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(param, array, error)) return false;
  violations.Required(array.has_value(), name);
  if (!array) return true;
  if (array->size() == 0)
    violations.Add("[]", name, "Member must have length greater than or equal to 1");
  if (array->size() > count_max) {
    violations.Add("[...]", name,
                   "Member must have length less than or equal to " + std::to_string(count_max));
    return true;
  }
  size_t index = 0;
  for (const dom::element element : *array) {
    dom::object object;
    if (!ReadObject(element, type, object, error) ||
        !read(object, std::string(name) + "." + std::to_string(++index) + ".member."))
      return false;
  }
  return true;
}

// --- BatchExecuteStatement
// -------------------------------------------------------------------------

// The code of an error of one statement.
std::string_view BatchErrorCode(ErrorType type) {
  switch (type) {
    case ErrorType::kResourceNotFound: return "ResourceNotFound";
    case ErrorType::kConditionalCheckFailed: return "ConditionalCheckFailed";
    case ErrorType::kDuplicateItem: return "DuplicateItem";
    case ErrorType::kTransactionConflict: return "TransactionConflict";
    case ErrorType::kThrottling: return "ThrottlingError";
    case ErrorType::kInternalServerError:
    case ErrorType::kServiceUnavailable: return "InternalServerError";
    default: return "ValidationError";
  }
}

struct BatchStatement {
  PartiqlStatement statement;
  dom::object json;
  ApiError error;        // of this statement alone
  std::string answer;    // its element of Responses
  bool reached = false;  // its table: an error shows the table's name
  bool is_read = false;
  bool known = false;  // it was parsed: whether it reads or writes is known
  std::string key;     // encoded
  PartiqlChange change;
  std::unique_ptr<PartiqlSelect> select;
  Consumed consumed;
};

void AppendResponse(std::string& out, const BatchStatement& one, std::string_view item) {
  out += '{';
  if (!one.error.ok()) {
    AppendMember(out, "Error");
    out.append("{\"Code\":\"").append(BatchErrorCode(one.error.type)).append("\"");
    out += ",\"Message\":";
    AppendJsonString(out, one.error.message);
    if (!one.error.item_json.empty()) out.append(",\"Item\":").append(one.error.item_json);
    out += '}';
  }
  if (one.reached) {
    AppendMember(out, "TableName");
    AppendJsonString(out, one.statement.table->definition.name);
  }
  if (!item.empty()) {
    AppendMember(out, "Item");
    out += item;
  }
  out += '}';
}

// All statements, and the answer when the last is done. On the call's loop.
struct Batch {
  Batch(Call call, CapacityReport capacity) : call(std::move(call)), capacity(capacity) {}

  void Finish(BatchStatement& one, std::string_view item) {
    AppendResponse(one.answer, one, item);
    if (--open == 0) Answer();
  }

  void Answer() {
    std::string body = "{\"Responses\":[";
    for (const auto& one : statements) {
      if (body.back() != '[') body += ',';
      body += one->answer;
    }
    body += ']';
    if (capacity != CapacityReport::kNone) {
      AppendMember(body, "ConsumedCapacity");
      body += '[';
      for (const auto& one : statements) {
        if (!one->reached) continue;
        if (body.back() != '[') body += ',';
        AppendConsumedCapacity(body, one->statement.table->definition.name, one->consumed,
                               capacity);
      }
      body += ']';
    }
    body += '}';
    call.Reply(std::move(body));
  }

  Call call;
  const CapacityReport capacity;
  std::vector<std::unique_ptr<BatchStatement>> statements;
  size_t open = 0;
};

class BatchStatementWrite final : public table::WriteOperation {
 public:
  BatchStatementWrite(std::shared_ptr<Batch> batch, BatchStatement& one)
      : WriteOperation(one.statement.table, one.key), batch_(std::move(batch)), one_(one) {}

  Result<Mutation> Evaluate(std::optional<std::string_view> stored) override {
    std::optional<ItemView> item;
    if (stored) item.emplace(*stored);
    Result<Mutation> mutation = one_.change.Evaluate(item);
    if (!mutation.ok()) {
      const bool failed = mutation.status().code() == StatusCode::kConditionFailed;
      if (failed && item && one_.statement.item_on_failure)
        AppendItemJson(one_.error.item_json, *item);
      return mutation;
    }
    std::optional<std::string_view> after = stored;
    if (mutation->kind == Mutation::Kind::kPut) after = mutation->item;
    if (mutation->kind == Mutation::Kind::kDelete) after.reset();
    one_.consumed = WriteCost(*table, stored, after);
    return mutation;
  }

  void Done(const Status& status) override {
    if (!status.ok()) {
      std::string item_json = std::move(one_.error.item_json);
      one_.error = ErrorOf(status);
      one_.error.item_json = std::move(item_json);
      if (status.code() == StatusCode::kAlreadyExists) one_.error.type = ErrorType::kDuplicateItem;
    }
    batch_->Finish(one_, status.ok() ? std::string_view(one_.change.returned()) : "");
  }

 private:
  std::shared_ptr<Batch> batch_;
  BatchStatement& one_;  // of the batch
};

// Everything but running it; an error is the statement's own.
bool PrepareOne(const Call& call, BatchStatement& one) {
  ApiError& error = one.error;
  PartiqlStatement& statement = one.statement;
  if (!ReadStatementParameters(Params(one.json), statement, error) ||
      !PrepareStatement(statement, error))
    return false;
  if (statement.outline.kind == Kind::kExists)
    return FailValidation(error, "EXISTS can only be used in ExecuteTransaction write requests.");
  one.known = true;
  one.is_read = statement.outline.kind == Kind::kSelect;
  const std::string wants_key =
      "Select statements within BatchExecuteStatement must specify the primary key in the where "
      "clause.";
  if (!FindStatementTable(call, statement, error)) return false;
  if (!one.is_read) {
    if (!PartiqlChange::Make(statement, one.change, error)) return false;
    one.key = one.change.key();
  } else {
    one.select = std::make_unique<PartiqlSelect>();
    if (!one.select->Make(call, statement, error)) return false;
    if (one.select->has_index() || !one.select->plan().only_key)
      return FailValidation(error, wants_key);
    one.key = one.select->single_key();
  }
  one.reached = true;
  return true;
}

void RunRead(Batch& batch, BatchStatement& one) {
  std::string stored, item;
  const Result<bool> found = batch.call.engine().Get(*one.statement.table, one.key, &stored);
  if (!found.ok()) {
    one.error = ErrorOf(found.status());
    return batch.Finish(one, "");
  }
  const size_t size = *found ? item::ItemSize(ItemView(stored)) : 0;
  one.consumed = TableCost(ReadHalfUnits(size, one.statement.consistent));
  if (*found) AppendItemJson(item, ItemView(one.select->Project(ItemView(stored))));
  batch.Finish(one, item);
}

// No item twice, and all reads or all writes.
bool CheckTogether(const Batch& batch, ApiError& error) {
  std::set<std::pair<uint64_t, std::string_view>> seen;
  bool reads = false, writes = false;
  for (const auto& one : batch.statements) {
    if (!one->known) continue;
    (one->is_read ? reads : writes) = true;
  }
  if (reads && writes)
    return FailValidation(error,
                          "Read and write requests together in the same batch is not supported.");
  for (const auto& one : batch.statements) {
    if (!one->reached) continue;
    if (!seen.insert({one->statement.table->definition.id.value, one->key}).second)
      return FailValidation(error, "Provided list of item keys contains duplicates");
  }
  return true;
}

bool ReadBatch(const Params& params, std::vector<std::unique_ptr<BatchStatement>>& out,
               CapacityReport& capacity, ApiError& error) {
  std::string_view report;
  if (!params.Text(Param::kReturnConsumedCapacity, report, error)) return false;
  Violations violations;
  const auto read = [&](const dom::object& json, const std::string& path) {
    out.push_back(std::make_unique<BatchStatement>());
    out.back()->json = json;
    return ReadStatement(Params(json), path, violations, out.back()->statement, error);
  };
  if (!ReadStatements(params, Param::kStatements, "statements", kBatchStatementsMax,
                      "class com.amazonaws.dynamodb.v20120810.BatchStatementRequest", violations,
                      read, error))
    return false;
  violations.OneOf(report, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  capacity = CapacityReportOf(report);
  return violations.Ok(error);
}

// --- ExecuteTransaction
// ----------------------------------------------------------------------------

bool FailIn(size_t index, ApiError& error, std::string_view message) {
  return FailValidation(error, "Validation failed in TransactStatements[" + std::to_string(index) +
                                   "]: " + std::string(message));
}

// A validation error of one statement, said of its place.
bool PlacedIn(size_t index, ApiError& error) {
  if (error.type != ErrorType::kValidation) return false;
  return FailIn(index, error, std::string(error.message));
}

class StatementAction final : public TransactAction {
 public:
  explicit StatementAction(PartiqlChange change)
      : TransactAction(change.table(), change.key()), change_(std::move(change)) {
    item_on_failure = change_.item_on_failure();
  }
  Result<Mutation> Evaluate(std::optional<ItemView> stored) override {
    return change_.Evaluate(stored);
  }

 private:
  PartiqlChange change_;
};

struct TransactionRequest {
  std::vector<PartiqlStatement> statements;
  std::string_view token;
  CapacityReport capacity = CapacityReport::kNone;
};

bool ReadTransaction(const Params& params, TransactionRequest& out, ApiError& error) {
  std::string_view report;
  if (!params.Text(Param::kClientRequestToken, out.token, error) ||
      !params.Text(Param::kReturnConsumedCapacity, report, error))
    return false;
  Violations violations;
  std::vector<dom::object> objects;
  const auto read = [&](const dom::object& json, const std::string& path) {
    objects.push_back(json);
    return ReadStatement(Params(json), path, violations, out.statements.emplace_back(), error);
  };
  if (!ReadStatements(
          params, Param::kTransactStatements, "transactStatements", table::kTransactionActionsMax,
          "class com.amazonaws.dynamodb.v20120810.ParameterizedStatement", violations, read, error))
    return false;
  if (out.token.data() && out.token.empty())
    violations.Add(out.token, "clientRequestToken",
                   "Member must have length greater than or equal to 1");
  if (out.token.size() > kClientTokenMax)
    violations.Add(out.token, "clientRequestToken",
                   "Member must have length less than or equal to 36");
  violations.OneOf(report, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  out.capacity = CapacityReportOf(report);
  if (!violations.Ok(error)) return false;
  for (size_t i = 0; i < out.statements.size(); ++i)
    if (!ReadStatementParameters(Params(objects[i]), out.statements[i], error)) return false;
  return true;
}

// What becomes of the statements; a transaction with a reason is cancelled before it begins.
class Reasons {
 public:
  explicit Reasons(size_t statements) : reasons_(statements) {}
  void Note(size_t index, Status status) {
    reasons_[index].status = std::move(status);
    any_ = true;
  }
  bool any() const { return any_; }
  bool Has(size_t index) const { return !reasons_[index].status.ok(); }
  ApiError ToError() const { return Cancelled(reasons_); }

 private:
  std::vector<CancellationReason> reasons_;
  bool any_ = false;
};

// What a transaction cannot hold of a statement whose table is there.
bool CheckMember(size_t index, const partiql::Outline& outline, ApiError& error) {
  if (outline.returning != partiql::Returning::kNone)
    return FailIn(index, error, "RETURNING clause is not supported in ExecuteTransaction.");
  if (outline.index.empty()) return true;
  return FailIn(index, error,
                outline.kind == Kind::kSelect
                    ? "Reads on indices are not supported within transactions."
                    : "Operations on indices are not supported in transactions");
}

// Parses all and finds their tables: one that is missing is a reason, and its statement's other
// faults are not looked for.
bool PrepareTransaction(const Call& call, TransactionRequest& request, Reasons& reasons,
                        bool& reads, ApiError& error) {
  bool writes = false;
  reads = false;
  for (size_t i = 0; i < request.statements.size(); ++i) {
    PartiqlStatement& statement = request.statements[i];
    if (!PrepareStatement(statement, error)) return PlacedIn(i, error);
    (statement.outline.kind == Kind::kSelect ? reads : writes) = true;
    ApiError missing;
    if (!FindStatementTable(call, statement, missing)) {
      reasons.Note(i, NotFound(std::string(missing.message)));
    } else if (!CheckMember(i, statement.outline, error)) {
      return false;
    }
  }
  if (reads && writes)
    return FailValidation(error,
                          "ExecuteTransaction API does not support both read and write operations "
                          "in the same request.");
  return true;
}

constexpr const char* kNoKeyOfSchema = "The provided key element does not match the schema";

void RunReads(TransactionRequest request, Reasons reasons, Call call) {
  ApiError error;
  std::vector<TransactRead> reads;
  for (size_t i = 0; i < request.statements.size(); ++i) {
    if (reasons.Has(i)) continue;
    const auto select = std::make_shared<PartiqlSelect>();
    if (!select->Make(call, request.statements[i], error)) {
      if (!partiql::IsOtherKey(error.message)) {
        PlacedIn(i, error);
        return call.Fail(error);
      }
      reasons.Note(i, InvalidArgument(kNoKeyOfSchema));
      continue;
    }
    if (!select->plan().only_key) {
      FailIn(i, error,
             "Select statements within ExecuteTransaction must specify the primary key in the "
             "where clause.");
      return call.Fail(error);
    }
    reads.push_back({request.statements[i].table, select->single_key(),
                     [select](ItemView item) { return select->Project(item); }});
  }
  if (reasons.any()) return call.Fail(reasons.ToError());
  RunTransactGet(std::move(reads), request.capacity, std::move(call));
}

// A write whose key is wrong is a reason, in the words of the item operations. False with an error
// that is the whole transaction's.
bool MakeChange(size_t index, const PartiqlStatement& statement, Reasons& reasons,
                PartiqlChange& change, ApiError& error) {
  const Kind kind = statement.outline.kind;
  if (PartiqlChange::Make(statement, change, error)) {
    if (kind != Kind::kExists || change.has_condition()) return true;
    return FailIn(index, error,
                  "EXISTS() must contain a single item read with additional condition");
  }
  const bool incomplete = partiql::IsIncompleteKey(error.message);
  if (kind == Kind::kExists && incomplete)
    return FailIn(index, error,
                  "EXISTS() must contain a single item read with additional condition");
  if (!incomplete && !partiql::IsOtherKey(error.message)) return PlacedIn(index, error);
  Status reason = InvalidArgument(kNoKeyOfSchema);
  if (kind == Kind::kInsert) {
    Result<std::string> item = partiql::ItemOfInsert(statement.outline, statement.parameters);
    if (item.ok()) reason = EncodeKeyOfPut(*statement.table, ItemView(*item)).status();
  }
  reasons.Note(index, std::move(reason));
  return true;
}

void AppendCanonical(const PartiqlStatement& statement, std::string& out) {
  PutBytes(out, statement.text);
  out.push_back(statement.item_on_failure ? 1 : 0);
  PutFixed32(out, static_cast<uint32_t>(statement.parameters.size()));
  for (const std::string& parameter : statement.parameters) PutBytes(out, parameter);
}

void RunWrites(TransactionRequest request, Reasons reasons, Call call) {
  ApiError error;
  TransactWriteRequest write;
  std::string canonical;
  for (size_t i = 0; i < request.statements.size(); ++i) {
    if (reasons.Has(i)) continue;
    PartiqlChange change;
    if (!MakeChange(i, request.statements[i], reasons, change, error)) return call.Fail(error);
    if (reasons.Has(i)) continue;
    AppendCanonical(request.statements[i], canonical);
    write.actions.push_back(std::make_unique<StatementAction>(std::move(change)));
  }
  if (reasons.any()) return call.Fail(reasons.ToError());
  write.token = request.token;
  if (!write.token.empty()) write.fingerprint = FingerprintOf("PartiQL" + canonical);
  write.capacity = request.capacity;
  write.members = "\"Responses\":[]";
  RunTransactWrite(std::move(write), std::move(call));
}

}  // namespace

void BatchExecuteStatement(const Params& params, Call call) {
  ApiError error;
  CapacityReport capacity = CapacityReport::kNone;
  std::vector<std::unique_ptr<BatchStatement>> statements;
  if (!ReadBatch(params, statements, capacity, error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  const auto batch = std::make_shared<Batch>(std::move(call), capacity);
  batch->statements = std::move(statements);
  for (const auto& one : batch->statements) PrepareOne(batch->call, *one);
  if (!CheckTogether(*batch, error)) return batch->call.Fail(error);
  batch->open = batch->statements.size();
  for (const auto& one : batch->statements) {
    if (!one->reached) {
      batch->Finish(*one, "");
    } else if (one->is_read) {
      RunRead(*batch, *one);
    } else {
      engine.Write(std::make_unique<BatchStatementWrite>(batch, *one), executor);
    }
  }
}

void ExecuteTransaction(const Params& params, Call call) {
  ApiError error;
  TransactionRequest request;
  bool reads = false;
  if (!ReadTransaction(params, request, error)) return call.Fail(error);
  Reasons reasons(request.statements.size());
  if (!PrepareTransaction(call, request, reasons, reads, error)) return call.Fail(error);
  if (reads) return RunReads(std::move(request), std::move(reasons), std::move(call));
  RunWrites(std::move(request), std::move(reasons), std::move(call));
}

}  // namespace everwrite::api
