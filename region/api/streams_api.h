// Operations of DynamoDB Streams (target prefix DynamoDBStreams_20120810): ListStreams,
// DescribeStream, GetShardIterator, GetRecords. What consumers may see is decided in
// region/table/stream_reader; here are the parameters, the words of the refusals, and the
// documents.
//
// Beyond DynamoDB: a shard iterator is also a position that every region understands. It is handed
// to GetShardIterator of another region as the SequenceNumber (docs/streams.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace everwrite::api {

class Call;
class Params;
struct ApiContext;

void ListStreams(const Params& params, Call call);
void DescribeStream(const Params& params, Call call);
void GetShardIterator(const Params& params, Call call);
void GetRecords(const Params& params, Call call);

// A stream's label is the time at which it was turned on, and the end of its ARN.
std::string StreamLabel(uint64_t enabled_ms);
std::string StreamArn(const ApiContext& context, std::string_view table, uint64_t enabled_ms);

}  // namespace everwrite::api
