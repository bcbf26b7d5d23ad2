#include "region/api/streams_api.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/request_json.h"
#include "region/api/stream_record.h"
#include "region/api/table_schema.h"
#include "region/api/table_settings.h"
#include "region/table/ledger_table.h"
#include "region/table/stream_reader.h"

namespace everwrite::api {
namespace {

using streams::Position;
using streams::Shard;
using table::StreamDescription;
using table::StreamPage;
using table::StreamReader;
using table::StreamStart;
using table::StreamStatus;

constexpr int64_t kListedMax = 100;  // streams or shards of one answer
constexpr size_t kArnLow = 37, kArnHigh = 1024;
constexpr size_t kShardIdLow = 28, kShardIdHigh = 65;
constexpr size_t kSequenceNumberLow = 21, kSequenceNumberHigh = 40;

// The constraint on a string's length; nothing when it is absent.
void CheckLength(Violations& violations, std::string_view value, std::string_view path, size_t low,
                 size_t high) {
  if (!value.data()) return;
  if (value.size() < low)
    violations.Add(value, path,
                   "Member must have length greater than or equal to " + std::to_string(low));
  if (value.size() > high)
    violations.Add(value, path,
                   "Member must have length less than or equal to " + std::to_string(high));
}

// What the reader refuses, in the errors of this API.
ApiError StreamError(const Status& status) {
  if (status.code() == StatusCode::kFailedPrecondition)
    return {ErrorType::kTrimmedDataAccess, status.message(), ""};
  return ErrorOf(status);
}

struct StreamName {
  std::string_view region, table, label;
};

// arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL
bool ParseStreamArn(std::string_view arn, StreamName& name) {
  constexpr std::string_view kPrefix = "arn:aws:dynamodb:", kTable = ":table/",
                             kStream = "/stream/";
  if (!arn.starts_with(kPrefix)) return false;
  arn.remove_prefix(kPrefix.size());
  const size_t region = arn.find(':'), table = arn.find(kTable), stream = arn.find(kStream);
  if (region > table || table == std::string_view::npos || stream == std::string_view::npos ||
      stream < table + kTable.size())
    return false;
  name.region = arn.substr(0, region);
  name.table = arn.substr(table + kTable.size(), stream - table - kTable.size());
  name.label = arn.substr(stream + kStream.size());
  return !name.region.empty() && !name.table.empty() && !name.label.empty();
}

bool FindStream(const ApiContext& context, std::string_view arn, StreamDescription& stream,
                ApiError& error) {
  StreamName name;
  if (!ParseStreamArn(arn, name)) return FailValidation(error, "Invalid StreamArn");
  const StreamReader& reader = context.engine->Streams();
  if (name.region == context.region) {
    for (const uint64_t enabled_ms : reader.EnabledTimes(name.table)) {
      if (StreamLabel(enabled_ms) != name.label) continue;
      if (auto found = reader.Find(name.table, enabled_ms)) {
        stream = std::move(*found);
        return true;
      }
    }
  }
  return Fail(error, ErrorType::kResourceNotFound,
              "Requested resource not found: Stream: " + std::string(arn) + " not found");
}

// --- ListStreams ---------------------------------------------------------------------------------

void AppendStreamName(std::string& out, const ApiContext& context,
                      const table::StreamDefinition& stream) {
  out.append("\"StreamArn\":\"").append(StreamArn(context, stream.table_name, stream.enabled_ms));
  out.append("\",\"StreamLabel\":\"").append(StreamLabel(stream.enabled_ms));
  out.append("\",\"TableName\":\"").append(stream.table_name).append("\"");
}

}  // namespace

void ListStreams(const Params& params, Call call) {
  ApiError error;
  std::string_view table, start;
  std::optional<int64_t> limit;
  if (!params.Text(Param::kTableName, table, error) ||
      !params.Text(Param::kExclusiveStartStreamArn, start, error) ||
      !params.Integer(Param::kLimit, limit, error))
    return call.Fail(error);
  if (table.data()) table = TableNameOf(table);
  Violations violations;
  violations.TableName(table, "tableName");
  CheckLength(violations, start, "exclusiveStartStreamArn", kArnLow, kArnHigh);
  violations.AtLeast(limit, "limit", 1);
  if (!violations.Ok(error)) return call.Fail(error);
  if (limit.value_or(0) > kListedMax)
    return call.Fail(
        InvalidArgument(Invalid("Limit cannot be greater than the maximum allowed size: 100")));
  StreamName after;
  if (start.data() && !ParseStreamArn(start, after))
    return call.Fail(InvalidArgument("Invalid StreamArn"));

  const ApiContext& context = call.context();
  std::string body = "{\"Streams\":[";
  int64_t left = limit.value_or(kListedMax);
  const StreamDescription* last = nullptr;
  bool more = false;
  std::vector<StreamDescription> all = context.engine->Streams().List();
  if (table.data() && table == table::kLedgerTableName) {
    all.clear();
    if (auto ledger = context.engine->Streams().Find(table, table::kLedgerStreamMs))
      all.push_back(std::move(*ledger));
  }
  for (const StreamDescription& stream : all) {
    const auto& definition = stream.definition;
    if (table.data() && definition.table_name != table) continue;
    if (start.data() && std::make_pair(std::string_view(definition.table_name),
                                       std::string_view(StreamLabel(definition.enabled_ms))) <=
                            std::make_pair(after.table, after.label))
      continue;
    more = left == 0;
    if (more) break;
    --left;
    body += last ? ",{" : "{";
    AppendStreamName(body, context, definition);
    body += "}";
    last = &stream;
  }
  body += "]";
  if (more) {
    const auto& definition = last->definition;
    body.append(",\"LastEvaluatedStreamArn\":\"")
        .append(StreamArn(context, definition.table_name, definition.enabled_ms))
        .append("\"");
  }
  body += "}";
  call.Reply(std::move(body));
}

// --- DescribeStream ------------------------------------------------------------------------------

namespace {

struct DescribeRequest {
  std::string_view arn, start, parent;
  std::optional<int64_t> limit;
};

bool ReadDescribe(const Params& params, DescribeRequest& request, ApiError& error) {
  std::optional<simdjson::dom::object> filter;
  if (!params.Text(Param::kStreamArn, request.arn, error) ||
      !params.Text(Param::kExclusiveStartShardId, request.start, error) ||
      !params.Integer(Param::kLimit, request.limit, error) ||
      !params.Object(Param::kShardFilter, "class com.amazonaws.dynamodb.v20120810.ShardFilter",
                     filter, error))
    return false;
  Violations violations;
  violations.Required(request.arn.data(), "streamArn");
  CheckLength(violations, request.arn, "streamArn", kArnLow, kArnHigh);
  violations.AtLeast(request.limit, "limit", 1);
  CheckLength(violations, request.start, "exclusiveStartShardId", kShardIdLow, kShardIdHigh);
  if (filter) {
    const Params members(*filter);
    std::string_view type;
    if (!members.Text(Param::kType, type, error) ||
        !members.Text(Param::kShardId, request.parent, error))
      return false;
    violations.Required(type.data(), "shardFilter.type");
    violations.OneOf(type, "shardFilter.type", "[CHILD_SHARDS]");
    violations.Required(request.parent.data(), "shardFilter.shardId");
    CheckLength(violations, request.parent, "shardFilter.shardId", kShardIdLow, kShardIdHigh);
  }
  if (!violations.Ok(error)) return false;
  if (request.limit.value_or(0) > kListedMax)
    return FailValidation(error, Invalid("Limit cannot be greater than the maximum: 100"));
  return true;
}

void AppendShard(std::string& out, const StreamDescription& stream, RegionId region,
                 const Shard& shard) {
  const streams::StreamId id = stream.definition.id;
  out.append("{\"ShardId\":\"").append(streams::ShardIdText(id, region, shard.number));
  out.append("\",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"");
  out.append(streams::SequenceText(shard.number, region)).append("\"");
  if (!shard.open())
    out.append(",\"EndingSequenceNumber\":\"")
        .append(streams::SequenceText(shard.last, region))
        .append("\"");
  out += "}";
  if (shard.parent.value != 0)
    out.append(",\"ParentShardId\":\"")
        .append(streams::ShardIdText(id, region, shard.parent))
        .append("\"");
  out += "}";
}

// The shards that are asked for, up to the limit; true when there are more.
bool AppendShards(std::string& out, const StreamDescription& stream, RegionId region,
                  const DescribeRequest& request, std::string& last) {
  int64_t left = request.limit.value_or(kListedMax);
  for (const Shard& shard : stream.shards) {
    std::string id = streams::ShardIdText(stream.definition.id, region, shard.number);
    if (request.start.data() && id <= request.start) continue;
    if (request.parent.data() &&
        (shard.parent.value == 0 ||
         streams::ShardIdText(stream.definition.id, region, shard.parent) != request.parent))
      continue;
    if (left-- == 0) return true;
    if (!last.empty()) out += ",";
    AppendShard(out, stream, region, shard);
    last = std::move(id);
  }
  return false;
}

}  // namespace

void DescribeStream(const Params& params, Call call) {
  ApiError error;
  DescribeRequest request;
  StreamDescription stream;
  if (!ReadDescribe(params, request, error) ||
      !FindStream(call.context(), request.arn, stream, error))
    return call.Fail(error);
  constexpr std::string_view kStatus[] = {"ENABLING", "ENABLED", "DISABLING", "DISABLED"};
  const table::StreamDefinition& definition = stream.definition;
  std::string body = "{\"StreamDescription\":{";
  AppendStreamName(body, call.context(), definition);
  body.append(",\"StreamStatus\":\"").append(kStatus[static_cast<size_t>(stream.status)]);
  body.append("\",\"StreamViewType\":\"").append(StreamViewName(definition.view));
  body += "\",\"CreationRequestDateTime\":";
  AppendTime(body, definition.enabled_ms);
  body += ",";
  AppendKeySchema(body, definition.key);
  body += ",\"Shards\":[";
  std::string last;
  const RegionId region = call.engine().Streams().self();
  const bool more = AppendShards(body, stream, region, request, last);
  body += "]";
  if (more) body.append(",\"LastEvaluatedShardId\":\"").append(last).append("\"");
  body += "}}";
  call.Reply(std::move(body));
}

// --- GetShardIterator ----------------------------------------------------------------------------

namespace {

struct IteratorRequest {
  std::string_view arn, shard, type, sequence;
};

bool IsNumber(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool ReadIterator(const Params& params, IteratorRequest& request, ApiError& error) {
  if (!params.Text(Param::kStreamArn, request.arn, error) ||
      !params.Text(Param::kShardId, request.shard, error) ||
      !params.Text(Param::kShardIteratorType, request.type, error) ||
      !params.Text(Param::kSequenceNumber, request.sequence, error))
    return false;
  Violations violations;
  violations.Required(request.arn.data(), "streamArn");
  CheckLength(violations, request.arn, "streamArn", kArnLow, kArnHigh);
  violations.Required(request.shard.data(), "shardId");
  CheckLength(violations, request.shard, "shardId", kShardIdLow, kShardIdHigh);
  violations.Required(request.type.data(), "shardIteratorType");
  violations.OneOf(request.type, "shardIteratorType",
                   "[AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]");
  // A position of another region is longer than any number.
  const bool is_number = request.sequence.data() && IsNumber(request.sequence);
  CheckLength(violations, request.sequence, "sequenceNumber", kSequenceNumberLow,
              is_number ? kSequenceNumberHigh : streams::kPositionTextMax);
  return violations.Ok(error);
}

// The place that the request names.
bool ReadStart(const IteratorRequest& request, const StreamDescription& stream, RegionId region,
               StreamStart& start, ApiError& error) {
  using Kind = StreamStart::Kind;
  const bool at = request.type == "AT_SEQUENCE_NUMBER";
  if (!at && request.type != "AFTER_SEQUENCE_NUMBER") {
    start.kind = request.type == "LATEST" ? Kind::kLatest : Kind::kTrimHorizon;
    return !request.sequence.data() ||
           FailValidation(error,
                          Invalid("SequenceNumber should not be passed for this iterator type"));
  }
  if (!request.sequence.data()) return FailValidation(error, Invalid("Invalid SequenceNumber"));
  if (IsNumber(request.sequence)) {
    start.kind = at ? Kind::kAtSequence : Kind::kAfterSequence;
    return streams::ParseSequence(request.sequence, region, start.sequence) ||
           FailValidation(error, "Invalid SequenceNumber for the shard");
  }
  start.kind = at ? Kind::kAtSeen : Kind::kAfterSeen;
  return streams::ParseSeen(request.sequence, stream.definition.id, start.seen) ||
         FailValidation(error, Invalid("Invalid SequenceNumber"));
}

}  // namespace

void GetShardIterator(const Params& params, Call call) {
  ApiError error;
  IteratorRequest request;
  StreamDescription stream;
  StreamStart start;
  const ApiContext& context = call.context();
  const StreamReader& reader = context.engine->Streams();
  if (!ReadIterator(params, request, error) || !FindStream(context, request.arn, stream, error) ||
      !ReadStart(request, stream, reader.self(), start, error))
    return call.Fail(error);
  const auto position = reader.Start(stream, request.shard, start, context.clock->PhysicalMillis());
  if (!position.ok()) return call.Fail(StreamError(position.status()));
  call.Reply("{\"ShardIterator\":\"" + streams::EncodePosition(*position) + "\"}");
}

// --- GetRecords ----------------------------------------------------------------------------------

namespace {

bool ReadPosition(const Params& params, const ApiContext& context, Position& position,
                  size_t& limit, ApiError& error) {
  std::string_view text;
  std::optional<int64_t> asked;
  if (!params.Text(Param::kShardIterator, text, error) ||
      !params.Integer(Param::kLimit, asked, error))
    return false;
  Violations violations;
  violations.Required(text.data(), "shardIterator");
  CheckLength(violations, text, "shardIterator", 1, streams::kPositionTextMax);
  violations.AtLeast(asked, "limit", 1);
  if (!violations.Ok(error)) return false;
  constexpr int64_t kRecordsMax = StreamReader::kRecordsMax;
  if (asked.value_or(0) > kRecordsMax)
    return FailValidation(error, Invalid("Limit should be less than or equal to 1000"));
  limit = static_cast<size_t>(asked.value_or(kRecordsMax));
  if (!streams::DecodePosition(text, position))
    return FailValidation(error, "Invalid ShardIterator");
  if (position.region != context.engine->Streams().self())
    return FailValidation(
        error,
        "Invalid ShardIterator: it is of another region; give it to GetShardIterator as "
        "SequenceNumber");
  if (context.clock->PhysicalMillis() > position.created_ms + streams::kIteratorLifeMs)
    return Fail(error, ErrorType::kExpiredIterator,
                "The provided iterator exceeds the maximum age allowed.");
  return true;
}

}  // namespace

void GetRecords(const Params& params, Call call) {
  ApiError error;
  Position position;
  size_t limit = 0;
  const ApiContext& context = call.context();
  if (!ReadPosition(params, context, position, limit, error)) return call.Fail(error);
  const auto page =
      context.engine->Streams().Read(position, limit, context.clock->PhysicalMillis());
  if (!page.ok()) return call.Fail(StreamError(page.status()));
  std::string body = "{\"Records\":[";
  for (const table::StreamRecord& record : page->records) {
    if (body.back() != '[') body += ",";
    if (!AppendStreamRecord(body, context, page->stream->definition, record))
      return call.Fail(DataLoss("a stream record is damaged"));
  }
  body += "]";
  if (page->next)
    body.append(",\"NextShardIterator\":\"")
        .append(streams::EncodePosition(*page->next))
        .append("\"");
  body += "}";
  call.Reply(std::move(body));
}

// --- names ---------------------------------------------------------------------------------------

std::string StreamLabel(uint64_t enabled_ms) {
  std::string label = FormatUtcMillis(enabled_ms);
  label.pop_back();  // the service's label has no Z
  return label;
}

std::string StreamArn(const ApiContext& context, std::string_view table, uint64_t enabled_ms) {
  return "arn:aws:dynamodb:" + context.region + ":000000000000:table/" + std::string(table) +
         "/stream/" + StreamLabel(enabled_ms);
}

}  // namespace everwrite::api
