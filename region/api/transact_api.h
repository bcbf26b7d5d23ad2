// TransactWriteItems and TransactGetItems: their JSON, validated in the service's order: the
// constraints of all members; then, action by action, what it holds and its expressions; then
// tables; then keys, of which an empty one is a plain ValidationException and any other fault a
// reason of a TransactionCanceledException; then items named twice (transact.h).
#pragma once

namespace everwrite::api {

class Call;
class Params;

void TransactWriteItems(const Params& params, Call call);
void TransactGetItems(const Params& params, Call call);

}  // namespace everwrite::api
