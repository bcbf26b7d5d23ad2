#include "region/api/query_api.h"

#include "base/coding.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/request_expressions.h"
#include "region/item/key.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using item::KeySchema;
using table::ScanOptions;
using table::TablePtr;

constexpr size_t kPageBytesMax = 1024 * 1024;
constexpr int64_t kSegmentsMax = 1000000;

// What Query and Scan have in common.
struct PageRequest {
  ItemRequest common;
  std::optional<int64_t> limit;
  bool count_only = false;
  bool has_start = false;
  std::string start_key_item;  // ExclusiveStartKey
  RequestExpressions expressions;
  TablePtr table;
  ScanOptions options;
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

bool ReadStartKey(const Params& params, PageRequest& page, ApiError& error) {
  page.has_start = params.Has(Param::kExclusiveStartKey);
  if (!page.has_start) return true;
  if (ReadItemParam(params, Param::kExclusiveStartKey, page.start_key_item, error)) return true;
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

bool ReadPageRequest(const Params& params, const Call& call, Violations& violations,
                     PageRequest& page, std::initializer_list<Param> expressions,
                     std::initializer_list<Param> legacy, ApiError& error) {
  std::string_view select, index;
  if (!params.Text(Param::kSelect, select, error) ||
      !params.Text(Param::kIndexName, index, error) ||
      !params.Integer(Param::kLimit, page.limit, error))
    return false;
  violations.OneOf(select, "select",
                   "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]");
  violations.Name(index, "indexName");
  if (!ReadItemRequest(params, Param::kCount, violations, page.common, error) ||
      !page.expressions.CheckShape(params, legacy, violations, error))
    return false;
  violations.AtLeast(page.limit, "limit", 1);
  if (!violations.Ok(error) || !page.expressions.CheckUse(params, expressions, error) ||
      !page.expressions.ReadLegacy(params, error) || !ReadStartKey(params, page, error) ||
      !CheckSelect(params, select, index.data() != nullptr, error) ||
      !CheckKeyCondition(params, expressions, error) || !page.expressions.Read(params, error) ||
      !FindTableOf(call, page.common.table_name, page.table, error))
    return false;
  if (index.data())
    return FailValidation(error,
                          "The table does not have the specified index: " + std::string(index));
  page.count_only = select == "COUNT";
  return page.expressions.CheckKeys(page.table->definition.key, error);
}

// Points the scan behind ExclusiveStartKey, which must lie in its range.
bool ApplyStartKey(PageRequest& page, std::string_view partition, std::string_view outside,
                   ApiError& error) {
  if (!page.has_start) return true;
  const Result<std::string> key =
      item::EncodeKey(page.table->definition.key, ItemView(page.start_key_item));
  if (!key.ok())
    return FailValidation(error, "The provided starting key is invalid: " + key.status().message());
  const std::string_view start(*key);
  if (start.substr(0, partition.size()) != partition)
    return FailValidation(error,
                          "The provided starting key is outside query boundaries based on "
                          "provided conditions");
  const ScanOptions& range = page.options;
  if (start < range.begin || (!range.end.empty() && start >= range.end))
    return FailValidation(error, std::string(outside));
  page.options.after = *key;
  return true;
}

// Runs the scan and answers.
class PageWriter {
 public:
  explicit PageWriter(const PageRequest& page) : page_(page) {
    body_ = page.count_only ? "{" : "{\"Items\":[";
  }

  Status Run(const table::TableEngine& engine) {
    return engine.Scan(
        *page_.table, page_.options,
        [this](std::string_view, std::string_view item) { return Visit(ItemView(item)); });
  }

  std::string Finish() {
    if (!page_.count_only) body_ += ']';
    AppendMember(body_, "Count");
    body_ += std::to_string(count_);
    AppendMember(body_, "ScannedCount");
    body_ += std::to_string(scanned_);
    if (more_) {
      AppendMember(body_, "LastEvaluatedKey");
      AppendItemJson(body_, ItemView(last_key_));
    }
    if (page_.common.capacity != CapacityReport::kNone) {
      AppendMember(body_, "ConsumedCapacity");
      AppendConsumedCapacity(body_, page_.table->definition.name,
                             ReadHalfUnits(bytes_, page_.common.consistent), page_.common.capacity);
    }
    body_ += '}';
    return std::move(body_);
  }

 private:
  bool Visit(ItemView item) {
    const size_t size = item::ItemSize(item);
    if (scanned_ > 0 && bytes_ + size > kPageBytesMax) {
      more_ = true;
      return false;
    }
    bytes_ += size;
    ++scanned_;
    Take(item);
    more_ = page_.limit && scanned_ >= *page_.limit;
    // The key is needed when this is the page's last item, which the next one may make it.
    if (more_ || bytes_ + item::kItemBytesMax > kPageBytesMax)
      last_key_ = item::KeyAttributesOf(page_.table->definition.key, item);
    return !more_;
  }

  void Take(ItemView item) {
    if (page_.expressions.has_filter() && !page_.expressions.Filter(item)) return;
    ++count_;
    if (page_.count_only) return;
    if (body_.back() != '[') body_ += ',';
    if (page_.expressions.has_projection()) {
      AppendItemJson(body_, ItemView(page_.expressions.Project(item)));
    } else {
      AppendItemJson(body_, item);
    }
  }

  const PageRequest& page_;
  std::string body_, last_key_;
  size_t bytes_ = 0;
  int64_t count_ = 0, scanned_ = 0;
  bool more_ = false;
};

void Answer(const PageRequest& page, Call call) {
  PageWriter writer(page);
  if (const Status status = writer.Run(call.engine()); !status.ok()) return call.Fail(status);
  call.Reply(writer.Finish());
}

// --- Query
// -----------------------------------------------------------------------------------------

// The range that the key condition selects; `partition` is what all its keys begin with.
Status SetRange(const PageRequest& page, std::string& partition, ScanOptions& options) {
  const KeySchema& schema = page.table->definition.key;
  EW_ASSIGN_OR_RETURN(const expression::KeyCondition condition,
                      expression::ResolveKeyCondition(page.expressions.key_condition(), schema));
  EW_ASSIGN_OR_RETURN(partition, item::EncodePartition(schema, condition.partition));
  EW_ASSIGN_OR_RETURN(expression::KeyRange range, expression::RangeOf(condition, schema));
  options.begin = std::move(range.begin);
  options.end = std::move(range.end);
  return OkStatus();
}

// --- Scan
// ------------------------------------------------------------------------------------------

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
  PageRequest page;
  bool forward = true;
  std::string partition;
  if (!params.Bool(Param::kScanIndexForward, forward, error) ||
      !ReadPageRequest(
          params, call, violations, page,
          {Param::kProjectionExpression, Param::kFilterExpression, Param::kKeyConditionExpression},
          {Param::kAttributesToGet, Param::kQueryFilter, Param::kConditionalOperator,
           Param::kKeyConditions},
          error))
    return call.Fail(error);
  if (const Status status = SetRange(page, partition, page.options); !status.ok())
    return call.Fail(status);
  if (!page.expressions.CheckFilterKeys(page.table->definition.key, error) ||
      !ApplyStartKey(page, partition,
                     "The provided starting key does not match the range key predicate", error))
    return call.Fail(error);
  page.options.backward = !forward;
  Answer(page, std::move(call));
}

void Scan(const Params& params, Call call) {
  ApiError error;
  Violations violations;
  PageRequest page;
  Segments segments;
  if (!params.Integer(Param::kSegment, segments.segment, error) ||
      !params.Integer(Param::kTotalSegments, segments.total, error))
    return call.Fail(error);
  violations.AtLeast(segments.total, "totalSegments", 1);
  violations.AtMost(segments.total, "totalSegments", kSegmentsMax);
  violations.AtLeast(segments.segment, "segment", 0);
  violations.AtMost(segments.segment, "segment", kSegmentsMax - 1);
  if (!violations.Ok(error) || !CheckSegments(segments, error) ||
      !ReadPageRequest(
          params, call, violations, page, {Param::kProjectionExpression, Param::kFilterExpression},
          {Param::kAttributesToGet, Param::kScanFilter, Param::kConditionalOperator}, error))
    return call.Fail(error);
  SetSegment(segments, page.options);
  if (!ApplyStartKey(page, "",
                     "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                     "ExclusiveStartKey with correct Segment. TotalSegments: " +
                         std::to_string(segments.total.value_or(1)) +
                         " Segment: " + std::to_string(segments.segment.value_or(0)),
                     error))
    return call.Fail(error);
  Answer(page, std::move(call));
}

}  // namespace everwrite::api
