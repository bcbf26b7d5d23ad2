// PartiQL: ExecuteStatement, BatchExecuteStatement and ExecuteTransaction. Statements become the
// same reads, writes and transactions that the other operations make (partiql_statement.h,
// partiql_select.h, transact.h).
#pragma once

namespace everwrite::api {

class Call;
class Params;

void ExecuteStatement(const Params& params, Call call);
void BatchExecuteStatement(const Params& params, Call call);
void ExecuteTransaction(const Params& params, Call call);

}  // namespace everwrite::api
