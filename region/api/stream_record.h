// A stream record as DynamoDB writes it:
//
//   {"eventID":…,"eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb",
//    "awsRegion":…,"dynamodb":{…},"userIdentity":{…}}
//
// awsRegion is the region in which the change was made, which for a replicated one is not the
// region that is asked. eventID is the change's name and the same in every region. userIdentity is
// there when this region deleted the item because its time had come.
#pragma once

#include <string>
#include <string_view>

#include "region/table/stream_reader.h"

namespace everwrite::api {

struct ApiContext;

// False when the record is damaged.
bool AppendStreamRecord(std::string& out, const ApiContext& context,
                        const table::StreamDefinition& stream, const table::StreamRecord& record);
// "KEYS_ONLY", …
std::string_view StreamViewName(table::StreamView view);
// "KeySchema":[…]
void AppendKeySchema(std::string& out, const item::CompositeKeySchema& key);

}  // namespace everwrite::api
