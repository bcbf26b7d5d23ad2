#include "region/api/query_api.h"

#include <algorithm>

#include "base/coding.h"
#include "region/api/item_request.h"
#include "region/api/query_page.h"
#include "region/api/request_expressions.h"
#include "region/item/key.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using table::IndexDefinition;
using table::Projection;
using table::ScanOptions;

constexpr int64_t kSegmentsMax = 1000000;

// What Query and Scan have in common.
struct QueryRequest {
  ItemRequest common;
  PageRequest page;
  std::string_view select, index;
  bool has_start = false;
  std::string start_key_item;  // ExclusiveStartKey
  RequestExpressions expressions;
};

bool CheckSelect(const Params& params, std::string_view select, bool has_index, ApiError& error) {
  const bool legacy = params.Has(Param::kAttributesToGet);
  const bool projected = legacy || params.Has(Param::kProjectionExpression);
  if (select == "SPECIFIC_ATTRIBUTES" && !projected)
    return FailValidation(error,
                          "Must specify the AttributesToGet or ProjectionExpression when "
                          "choosing to get SPECIFIC_ATTRIBUTES");
  if (select == "ALL_PROJECTED_ATTRIBUTES" && !has_index)
    return FailValidation(
        error, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  if (!projected || !select.data() || select == "SPECIFIC_ATTRIBUTES") return true;
  std::string message = "Cannot specify the ";
  message += ParamName(legacy ? Param::kAttributesToGet : Param::kProjectionExpression);
  message += " when choosing to get ";
  return FailValidation(error, message.append(select == "COUNT" ? "only the Count" : select));
}

bool ReadStartKey(const Params& params, QueryRequest& query, ApiError& error) {
  query.has_start = params.Has(Param::kExclusiveStartKey);
  if (!query.has_start) return true;
  if (ReadItemParam(params, Param::kExclusiveStartKey, query.start_key_item, error)) return true;
  if (error.type == ErrorType::kValidation)
    error.message = "The provided starting key is invalid: " + error.message;
  return false;
}

// A Query needs a key condition; it is the operation that may have one.
bool CheckKeyCondition(const Params& params, std::initializer_list<Param> allowed,
                       ApiError& error) {
  for (const Param param : allowed) {
    if (param == Param::kKeyConditionExpression && !params.Has(param) &&
        !params.Has(Param::kKeyConditions))
      return FailValidation(error,
                            "Either the KeyConditions or KeyConditionExpression parameter must "
                            "be specified in the request.");
  }
  return true;
}

bool FailInvalid(ApiError& error, std::string_view what) {
  return FailValidation(error, std::string(kInvalidParameters).append(what));
}

std::string NotProjected(const QueryRequest& query, const std::vector<std::string_view>& names) {
  std::string missing;
  for (const std::string_view name : names) {
    if (IsProjected(query.page.table->definition, *query.page.index, name)) continue;
    missing.append(missing.empty() ? "" : ", ").append(name);
  }
  return missing;
}

// A Query's filter sees what the index holds.
bool CheckFilterIsProjected(const QueryRequest& query, ApiError& error) {
  if (!query.page.index) return true;
  const std::string missing = NotProjected(query, query.expressions.FilteredNames());
  if (missing.empty()) return true;
  return FailInvalid(error, "Secondary index " + query.page.index->name +
                                " does not project one or more filter attributes: [" + missing +
                                "]");
}

// What is asked of an index must be in it; from a local one the rest is fetched.
bool CheckProjection(QueryRequest& query, ApiError& error) {
  const IndexDefinition& index = *query.page.index;
  if (index.projection == Projection::kAll) return true;
  const bool all = query.select == "ALL_ATTRIBUTES";
  if (all && !index.local)
    return FailInvalid(error,
                       "Select type ALL_ATTRIBUTES is not supported for global secondary index " +
                           index.name + " because its projection type is not ALL");
  const std::string missing = NotProjected(query, query.expressions.ProjectedNames());
  if (!missing.empty() && !index.local)
    return FailInvalid(
        error, "Global secondary index " + index.name + " does not project [" + missing + "]");
  query.page.fetch = all || !missing.empty();
  return true;
}

// The part of a parallel scan.
struct Segments {
  std::optional<int64_t> segment, total;
};

bool CheckSegments(const Segments& segments, ApiError& error) {
  if (segments.segment && !segments.total)
    return FailValidation(error,
                          "The TotalSegments parameter is required but was not present in the "
                          "request when Segment parameter is present");
  if (segments.total && !segments.segment)
    return FailValidation(error,
                          "The Segment parameter is required but was not present in the "
                          "request when parameter TotalSegments is present");
  if (segments.total && *segments.segment >= *segments.total)
    return FailValidation(
        error,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
        "Segment: " +
            std::to_string(*segments.segment) +
            " is not less than TotalSegments: " + std::to_string(*segments.total));
  return true;
}

bool FindIndex(const Call& call, QueryRequest& query, ApiError& error) {
  if (!query.index.data()) return true;
  PageRequest& page = query.page;
  page.index = page.table->definition.FindIndex(query.index);
  if (!page.index)
    return FailValidation(
        error, "The table does not have the specified index: " + std::string(query.index));
  if (!page.index->local && page.consistent)
    return FailValidation(error, "Consistent reads are not supported on global secondary indexes");
  if (!call.engine().StatusOf(*page.table, page.index->id).complete)
    return FailValidation(
        error, "Cannot read from backfilling global secondary index: " + std::string(query.index));
  page.options.index = page.index->id;
  return true;
}

bool ReadQueryRequest(const Params& params, const Call& call, Violations& violations,
                      QueryRequest& query, std::initializer_list<Param> expressions,
                      std::initializer_list<Param> legacy, ApiError& error,
                      const Segments* segments) {
  PageRequest& page = query.page;
  if (!params.Text(Param::kSelect, query.select, error) ||
      !params.Text(Param::kIndexName, query.index, error) ||
      !params.Integer(Param::kLimit, page.limit, error))
    return false;
  violations.OneOf(query.select, "select",
                   "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]");
  violations.Name(query.index, "indexName");
  if (!ReadItemRequest(params, Param::kCount, violations, query.common, error) ||
      !query.expressions.CheckShape(params, legacy, violations, error))
    return false;
  constexpr std::string_view kAtLeastOne = "Member must have value greater than or equal to 1";
  if (segments != nullptr) {
    violations.AtLeast(page.limit, "limit", 1);
  } else if (page.limit && *page.limit < 1) {
    violations.Shape("Limit", kAtLeastOne);
  }
  if (!violations.Ok(error) || !query.expressions.CheckUse(params, expressions, error) ||
      !query.expressions.ReadLegacy(params, error) || !ReadStartKey(params, query, error) ||
      !CheckKeyCondition(params, expressions, error) ||
      (segments != nullptr && !CheckSegments(*segments, error)) ||
      !query.expressions.Read(params, error) ||
      !FindTableOf(call, query.common.table_name, page.table, error))
    return false;
  page.count_only = query.select == "COUNT";
  page.consistent = query.common.consistent;
  page.capacity = query.common.capacity;
  return FindIndex(call, query, error);
}

// What may be selected, once it is known from what.
bool CheckSelected(const Params& params, QueryRequest& query, ApiError& error) {
  return CheckSelect(params, query.select, query.page.index != nullptr, error) &&
         query.expressions.CheckKeys(query.page.table->definition, error) &&
         (!query.page.index || CheckProjection(query, error));
}

// Points the scan behind ExclusiveStartKey, which must lie in its range.
bool ApplyStartKey(QueryRequest& query, std::string_view partition, std::string_view outside,
                   ApiError& error) {
  if (!query.has_start) return true;
  PageRequest& page = query.page;
  Status status;
  std::optional<std::string> key = EncodeStartKey(page, ItemView(query.start_key_item), status);
  if (!key) {
    const std::string why = status.ok() ? "" : ": " + status.message();
    return FailValidation(error, "The provided starting key is invalid" + why);
  }
  const std::string_view start(*key);
  if (start.substr(0, partition.size()) != partition)
    return FailValidation(error,
                          "The provided starting key is outside query boundaries based on "
                          "provided conditions");
  const ScanOptions& range = page.options;
  if (start < range.begin || (!range.end.empty() && start >= range.end))
    return FailValidation(error, std::string(outside));
  page.options.after = std::move(*key);
  return true;
}

void Answer(const QueryRequest& query, Call call) {
  PageWriter writer(query.page, query.expressions);
  if (const Status status = writer.Run(call.engine()); !status.ok()) return call.Fail(status);
  call.Reply(writer.Finish());
}

// --- Query
// -----------------------------------------------------------------------------------------

// The range that the key condition selects; `partition` is what all its keys begin with.
Status SetRange(QueryRequest& query, std::string& partition) {
  const item::CompositeKeySchema& schema = query.page.key();
  EW_ASSIGN_OR_RETURN(const expression::KeyCondition condition,
                      expression::ResolveKeyCondition(query.expressions.key_condition(), schema));
  EW_ASSIGN_OR_RETURN(expression::KeyRange range, expression::RangeOf(condition, schema));
  partition = std::move(range.partition);
  query.page.options.begin = std::move(range.begin);
  query.page.options.end = std::move(range.end);
  return OkStatus();
}

// --- Scan
// ------------------------------------------------------------------------------------------

// The bound between segment - 1 and segment: a hash, as the first 8 bytes of an encoded key.
std::string SegmentBound(uint64_t segment, uint64_t total) {
  const auto bound = (static_cast<unsigned __int128>(segment) << 64) / total;
  std::string bytes;
  PutFixed64(bytes, static_cast<uint64_t>(bound));
  return bytes;
}

void SetSegment(const Segments& segments, ScanOptions& options) {
  if (!segments.total) return;
  const auto segment = static_cast<uint64_t>(*segments.segment);
  const auto total = static_cast<uint64_t>(*segments.total);
  if (segment > 0) options.begin = SegmentBound(segment, total);
  if (segment + 1 < total) options.end = SegmentBound(segment + 1, total);
}

}  // namespace

void Query(const Params& params, Call call) {
  ApiError error;
  Violations violations;
  QueryRequest query;
  bool forward = true;
  std::string partition;
  if (!params.Bool(Param::kScanIndexForward, forward, error) ||
      !ReadQueryRequest(
          params, call, violations, query,
          {Param::kProjectionExpression, Param::kFilterExpression, Param::kKeyConditionExpression},
          {Param::kAttributesToGet, Param::kQueryFilter, Param::kConditionalOperator,
           Param::kKeyConditions},
          error, nullptr))
    return call.Fail(error);
  if (const Status status = SetRange(query, partition); !status.ok()) return call.Fail(status);
  if (!ApplyStartKey(query, partition,
                     "The provided starting key does not match the range key predicate", error) ||
      !query.expressions.CheckProjectionKeys(query.page.table->definition, error) ||
      !query.expressions.CheckFilterKeys(query.page.key(), error) ||
      !CheckFilterIsProjected(query, error) || !CheckSelected(params, query, error))
    return call.Fail(error);
  query.page.options.backward = !forward;
  Answer(query, std::move(call));
}

void Scan(const Params& params, Call call) {
  ApiError error;
  Violations violations;
  QueryRequest query;
  Segments segments;
  if (!params.Integer(Param::kSegment, segments.segment, error) ||
      !params.Integer(Param::kTotalSegments, segments.total, error))
    return call.Fail(error);
  violations.AtLeast(segments.total, "totalSegments", 1);
  violations.AtMost(segments.total, "totalSegments", kSegmentsMax);
  violations.AtLeast(segments.segment, "segment", 0);
  violations.AtMost(segments.segment, "segment", kSegmentsMax - 1);
  if (!ReadQueryRequest(params, call, violations, query,
                        {Param::kProjectionExpression, Param::kFilterExpression},
                        {Param::kAttributesToGet, Param::kScanFilter, Param::kConditionalOperator},
                        error, &segments) ||
      (query.page.index && (!query.expressions.CheckKeys(query.page.table->definition, error) ||
                            !CheckProjection(query, error))))
    return call.Fail(error);
  SetSegment(segments, query.page.options);
  if (!ApplyStartKey(query, "",
                     "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                     "ExclusiveStartKey with correct Segment. TotalSegments: " +
                         std::to_string(segments.total.value_or(1)) +
                         " Segment: " + std::to_string(segments.segment.value_or(0)),
                     error) ||
      !CheckSelected(params, query, error))
    return call.Fail(error);
  Answer(query, std::move(call));
}

}  // namespace everwrite::api
