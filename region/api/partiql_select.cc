#include "region/api/partiql_select.h"

#include "base/coding.h"
#include "region/api/base64.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/query_page.h"
#include "region/api/request_expressions.h"
#include "region/expression/evaluator.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using table::IndexDefinition;

constexpr size_t kPageBytesMax = 1024 * 1024;
constexpr char kTokenVersion = 1;
constexpr size_t kTokenHeaderBytes = 1 + 8 + 4;

// "[a, b]"
std::string Bracketed(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) out.append(out.size() > 1 ? ", " : "").append(name);
  return out + "]";
}

uint64_t HashOf(const PartiqlStatement& statement) {
  std::string all;
  PutFixed64(all, statement.table->definition.id.value);
  PutBytes(all, statement.text);
  for (const std::string& parameter : statement.parameters) PutBytes(all, parameter);
  return Hash64(all);
}

}  // namespace

bool PartiqlSelect::FindIndex(const Call& call, const PartiqlStatement& statement,
                              ApiError& error) {
  const std::string& name = statement.outline.index;
  if (name.empty()) return true;
  index_ = table_->definition.FindIndex(name);
  if (!index_) return FailValidation(error, "The table does not have the specified index");
  if (index_->key.partition.size() > 1 || index_->key.sort.size() > 1)
    return FailValidation(error,
                          "PartiQL statements cannot be executed on tables with multi-attribute "
                          "HASH keys or multi-attribute RANGE keys.");
  if (!index_->local && consistent_)
    return FailValidation(error,
                          "Strongly consistent read is not supported on Global Secondary Indexes");
  if (!call.engine().StatusOf(*table_, index_->id).complete)
    return FailValidation(error, "Cannot read from backfilling global secondary index: " + name);
  return true;
}

// Of the reads' filters the last that the index does not hold; nothing when it holds all of some
// read's.
std::vector<std::string> PartiqlSelect::UnheldFilters() const {
  std::vector<std::string> unheld;
  for (const std::vector<std::string>& filtered : plan_.filtered) {
    unheld.clear();
    for (const std::string& name : filtered)
      if (!IsProjected(table_->definition, *index_, name)) unheld.push_back(name);
    if (unheld.empty()) break;
  }
  return unheld;
}

// A local index fetches the columns that it does not hold; a global one refuses them. A filter
// beside a key condition may only name what the index holds.
bool PartiqlSelect::CheckProjection(ApiError& error) {
  std::vector<std::string> columns;
  for (const std::string& name : plan_.selected)
    if (!IsProjected(table_->definition, *index_, name)) columns.push_back(name);
  const std::string invalid(kInvalidParameters);
  if (!columns.empty() && !index_->local)
    return FailValidation(error, invalid + "Global secondary index " + index_->name +
                                     " does not project " + Bracketed(columns));
  const std::vector<std::string> filters = UnheldFilters();
  if (!filters.empty())
    return FailValidation(
        error, invalid + "Secondary index " + index_->name +
                   " does not project one or more filter attributes: " + Bracketed(filters));
  fetch_ = !columns.empty();
  return true;
}

bool PartiqlSelect::Make(const Call& call, PartiqlStatement& statement, ApiError& error) {
  table_ = statement.table;
  consistent_ = statement.consistent;
  bound_to_ = HashOf(statement);
  if (!FindIndex(call, statement, error)) return false;
  Result<partiql::SelectPlan> plan =
      partiql::PlanSelect(statement.outline, statement.parameters, std::move(statement.filter),
                          index_ ? index_->key : table_->key, table_->definition.key);
  if (!plan.ok()) {
    error = ErrorOf(plan.status());
    return false;
  }
  plan_ = std::move(plan).value();
  Status nested = CheckIndexKeys(plan_.columns_of, table_->definition);
  if (nested.ok() && plan_.filter) nested = CheckIndexKeys(*plan_.filter, table_->definition);
  if (!nested.ok()) {
    error = ErrorOf(nested);
    return false;
  }
  return !index_ || CheckProjection(error);
}

bool PartiqlSelect::ReadNextToken(std::string_view token, ApiError& error) {
  std::string bytes;
  if (!AppendFromBase64(bytes, token) || bytes.size() < kTokenHeaderBytes ||
      bytes[0] != kTokenVersion)
    return FailValidation(error, "Invalid NextToken");
  Reader reader(std::string_view(bytes).substr(1));
  uint64_t bound_to = 0;
  uint32_t range = 0;
  if (!reader.ReadFixed64(bound_to) || !reader.ReadFixed32(range))
    return FailValidation(error, "Invalid NextToken");
  const std::string_view rest = reader.rest();
  if (bound_to != bound_to_) return FailValidation(error, "NextToken does not match request");
  if (range >= plan_.ranges.size()) return FailValidation(error, "Invalid NextToken");
  const partiql::Range& within = plan_.ranges[range];
  if (!rest.empty() &&
      (rest < within.begin || (!within.end.empty() && rest >= std::string_view(within.end))))
    return FailValidation(error, "Invalid NextToken");
  range_ = range;
  after_ = rest;
  return true;
}

std::string PartiqlSelect::NextToken() const {
  std::string bytes(1, kTokenVersion);
  PutFixed64(bytes, bound_to_);
  PutFixed32(bytes, static_cast<uint32_t>(range_));
  bytes += after_;
  std::string token;
  AppendBase64(token, bytes);
  return token;
}

Status PartiqlSelect::Run(const table::TableEngine& engine, std::optional<int64_t> limit) {
  // Conditions that exclude each other leave nothing to read, which costs as much as reading it.
  uint64_t half_units = plan_.ranges.empty() ? ReadHalfUnits(0, consistent_) : 0;
  while (!plan_.ranges.empty()) {
    range_bytes_ = 0;
    EW_RETURN_IF_ERROR(RunRange(engine, plan_.ranges[range_], limit));
    half_units += ReadHalfUnits(range_bytes_, consistent_);
    if (more_ || range_ + 1 == plan_.ranges.size()) break;
    ++range_;
    after_.clear();
  }
  // What names one item needs no second page.
  if (plan_.single_item && !index_) more_ = false;
  if (!index_) {
    consumed_.table += half_units;
  } else {
    (index_->local ? consumed_.local : consumed_.global)[index_->name] = half_units;
  }
  return OkStatus();
}

Status PartiqlSelect::RunRange(const table::TableEngine& engine, const partiql::Range& range,
                               std::optional<int64_t> limit) {
  table::ScanOptions options;
  if (index_) options.index = index_->id;
  options.begin = range.begin;
  options.end = range.end;
  options.after = after_;
  options.backward = plan_.descending;
  Status failure;
  EW_RETURN_IF_ERROR(
      engine.Scan(*table_, options, [&](std::string_view key, std::string_view bytes) {
        const ItemView item(bytes);
        const size_t size = item::ItemSize(item);
        bytes_ += size;
        range_bytes_ += size;
        ++looked_at_;
        failure = Visit(engine, item);
        if (!failure.ok()) return false;
        after_ = key;
        last_key_ =
            item::KeyAttributesOf(table_->definition.key, item, index_ ? &index_->key : nullptr);
        // The item that reaches the megabyte is still in the page, as of a Query.
        more_ = (limit && looked_at_ >= *limit) || bytes_ >= kPageBytesMax;
        return !more_;
      }));
  return failure;
}

Status PartiqlSelect::Visit(const table::TableEngine& engine, ItemView item) {
  if (!fetch_) {
    Take(item, item);
    return OkStatus();
  }
  EW_ASSIGN_OR_RETURN(const std::string key, item::EncodeKeyOfItem(table_->definition.key, item));
  EW_ASSIGN_OR_RETURN(const bool found, engine.Get(*table_, key, &fetched_));
  const ItemView whole(fetched_);
  consumed_.table += ReadHalfUnits(found ? item::ItemSize(whole) : 0, consistent_);
  if (found) Take(item, whole);  // else it was deleted a moment ago
  return OkStatus();
}

void PartiqlSelect::Take(ItemView filtered, ItemView shown) {
  if (plan_.filter && !expression::Matches(*plan_.filter, filtered)) return;
  if (!items_.empty()) items_ += ',';
  if (plan_.star) {
    AppendItemJson(items_, shown);
  } else {
    AppendItemJson(items_, ItemView(partiql::ProjectRow(plan_, shown)));
  }
}

std::string PartiqlSelect::Project(ItemView item) const {
  return plan_.star ? std::string(item.bytes()) : partiql::ProjectRow(plan_, item);
}

void PartiqlSelect::AppendAnswer(std::string& body, CapacityReport capacity) const {
  AppendMember(body, "Items");
  body.append("[").append(items_).append("]");
  if (more_) {
    AppendMember(body, "NextToken");
    AppendJsonString(body, NextToken());
    if (plan_.ranges.size() == 1) {
      AppendMember(body, "LastEvaluatedKey");
      AppendItemJson(body, ItemView(last_key_));
    }
  }
  if (capacity == CapacityReport::kNone) return;
  AppendMember(body, "ConsumedCapacity");
  AppendConsumedCapacity(body, table_->definition.name, consumed_, capacity);
}

}  // namespace everwrite::api
