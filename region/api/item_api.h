// Operations on single items: GetItem, PutItem, DeleteItem, UpdateItem.
//
// A read is answered within the handler. A write becomes a WriteOperation that owns all it needs,
// because the parsed request is gone when the handler returns: the compact item or key, the bound
// expressions and the call. Its condition and update are evaluated with the key locked; what is to
// be returned of the old and new item is written as JSON there, and sent when the write is durable.
#pragma once

namespace everwrite::api {

class Call;
class Params;

void GetItem(const Params& params, Call call);
void PutItem(const Params& params, Call call);
void DeleteItem(const Params& params, Call call);
void UpdateItem(const Params& params, Call call);

}  // namespace everwrite::api
