#include "region/api/partiql_api.h"

#include <memory>

#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/partiql_select.h"
#include "region/api/partiql_statement.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using partiql::Kind;
using table::Mutation;

constexpr size_t kTokenBytesMax = 32768;

struct StatementRequest {
  PartiqlStatement statement;
  std::string_view next_token;
  std::optional<int64_t> limit;
  CapacityReport capacity = CapacityReport::kNone;
};

bool ReadRequest(const Params& params, StatementRequest& out, ApiError& error) {
  std::string_view capacity;
  Violations violations;
  if (!params.Text(Param::kNextToken, out.next_token, error) ||
      !params.Text(Param::kReturnConsumedCapacity, capacity, error) ||
      !params.Integer(Param::kLimit, out.limit, error) ||
      !ReadStatement(params, "", violations, out.statement, error))
    return false;
  if (out.next_token.data() && out.next_token.empty())
    violations.Add(out.next_token, "nextToken",
                   "Member must have length greater than or equal to 1");
  if (out.next_token.size() > kTokenBytesMax)
    violations.Add(out.next_token, "nextToken",
                   "Member must have length less than or equal to 32768");
  violations.OneOf(capacity, "returnConsumedCapacity", kReturnConsumedCapacitySet);
  violations.AtLeast(out.limit, "limit", 1);
  out.capacity = CapacityReportOf(capacity);
  return violations.Ok(error) && ReadStatementParameters(params, out.statement, error) &&
         PrepareStatement(out.statement, error);
}

// A write of one statement.
class StatementWrite final : public table::WriteOperation {
 public:
  StatementWrite(PartiqlChange change, CapacityReport capacity, Call call)
      : WriteOperation(change.table(), change.key()),
        change_(std::move(change)),
        call_(std::move(call)),
        capacity_(capacity) {}

  Result<Mutation> Evaluate(std::optional<std::string_view> stored) override {
    std::optional<ItemView> item;
    if (stored) item.emplace(*stored);
    Result<Mutation> mutation = change_.Evaluate(item);
    if (!mutation.ok()) {
      const bool failed = mutation.status().code() == StatusCode::kConditionFailed;
      if (failed && item && change_.item_on_failure()) AppendItemJson(failed_item_, *item);
      return mutation;
    }
    if (capacity_ == CapacityReport::kNone) return mutation;
    std::optional<std::string_view> after = stored;
    if (mutation->kind == Mutation::Kind::kPut) after = mutation->item;
    if (mutation->kind == Mutation::Kind::kDelete) after.reset();
    consumed_ = WriteCost(*table, stored, after);
    return mutation;
  }

  void Done(const Status& status) override {
    if (!status.ok()) {
      ApiError error = ErrorOf(status);
      if (status.code() == StatusCode::kAlreadyExists) error.type = ErrorType::kDuplicateItem;
      error.item_json = std::move(failed_item_);
      return call_.Fail(error);
    }
    std::string body = "{\"Items\":[";
    body.append(change_.returned()).append("]");
    if (capacity_ != CapacityReport::kNone) {
      AppendMember(body, "ConsumedCapacity");
      AppendConsumedCapacity(body, table->definition.name, consumed_, capacity_);
    }
    body += '}';
    call_.SetWritten(committed);
    call_.Reply(std::move(body));
  }

 private:
  PartiqlChange change_;
  Call call_;
  std::string failed_item_;  // as JSON
  Consumed consumed_;
  CapacityReport capacity_;
};

void RunSelect(StatementRequest request, Call call) {
  ApiError error;
  PartiqlSelect select;
  if (!select.Make(call, request.statement, error) ||
      (request.next_token.data() && !select.ReadNextToken(request.next_token, error)))
    return call.Fail(error);
  if (const Status status = select.Run(call.engine(), request.limit); !status.ok())
    return call.Fail(status);
  std::string body = "{";
  select.AppendAnswer(body, request.capacity);
  body += '}';
  call.Reply(std::move(body));
}

}  // namespace

void ExecuteStatement(const Params& params, Call call) {
  ApiError error;
  StatementRequest request;
  if (!ReadRequest(params, request, error)) return call.Fail(error);
  if (request.statement.outline.kind == Kind::kExists)
    return call.Fail(
        InvalidArgument("EXISTS can only be used in ExecuteTransaction write requests."));
  if (!FindStatementTable(call, request.statement, error)) return call.Fail(error);
  if (request.statement.outline.kind == Kind::kSelect)
    return RunSelect(std::move(request), std::move(call));
  PartiqlChange change;
  if (!PartiqlChange::Make(request.statement, change, error)) return call.Fail(error);
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  engine.Write(
      std::make_unique<StatementWrite>(std::move(change), request.capacity, std::move(call)),
      executor);
}

}  // namespace everwrite::api
