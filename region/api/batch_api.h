// BatchGetItem and BatchWriteItem. The items of a batch write are independent writes, as in the
// service: each is atomic, the batch is not. What the region cannot take just now comes back as
// UnprocessedItems; what would make the answer too large comes back as UnprocessedKeys.
#pragma once

#include <cstddef>

namespace everwrite::api {

class Call;
class Params;

constexpr size_t kBatchGetKeysMax = 100;
constexpr size_t kBatchWriteItemsMax = 25;
constexpr size_t kBatchGetBytesMax = 16 * 1024 * 1024;  // of items, by ItemSize

void BatchGetItem(const Params& params, Call call);
void BatchWriteItem(const Params& params, Call call);

}  // namespace everwrite::api
