#include "region/api/partiql_statement.h"

#include <algorithm>
#include <charconv>

#include "base/text_cache.h"
#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/api/request_expressions.h"
#include "region/expression/evaluator.h"
#include "region/expression/update.h"
#include "region/item/attribute_value.h"
#include "region/item/key.h"
#include "region/item/number.h"
#include "region/partiql/parser.h"

namespace everwrite::api {
namespace {

using item::ItemView;
using partiql::Kind;
using partiql::Returning;
using table::Mutation;

constexpr size_t kStatementBytesMax = 8192;
// Of the syntax, for each byte of the text: what a statement of short tokens takes.
constexpr size_t kSyntaxBytesPerByte = 40;

bool Take(const Status& status, ApiError& error) {
  if (status.ok()) return true;
  error = ErrorOf(status);
  return false;
}

bool FailNumber(std::string_view number, ApiError& error) {
  return FailValidation(
      error, "The parameter cannot be converted to a numeric value: " + std::string(number));
}

// Numbers of parameters are read as Java's BigDecimal reads a string: a scale that does not fit 32
// bits is no number at all, and the magnitude wraps round in 32 bits.
bool CheckNumber(std::string_view number, ApiError& error) {
  std::string canonical;
  const size_t at = number.find_first_of("eE");
  if (at != std::string_view::npos) {
    std::string_view digits = number.substr(at + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int64_t exponent = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (code == std::errc::result_out_of_range) return FailNumber(number, error);
    const std::string_view mantissa = number.substr(0, at);
    const size_t point = std::min(mantissa.find('.'), at);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto split = mantissa.begin() + static_cast<ptrdiff_t>(point);
    const int64_t integers = std::count_if(mantissa.begin(), split, is_digit);
    const int64_t decimals = std::count_if(split, mantissa.end(), is_digit);
    if (exponent > INT32_MAX || decimals - exponent > INT32_MAX) return FailNumber(number, error);
    if (exponent + integers > INT32_MAX)
      return FailValidation(error,
                            "Number underflow. Attempting to store a number with magnitude smaller "
                            "than supported range");
  }
  return Take(item::AppendCanonicalNumber(number, canonical), error);
}

// Numbers and levels of a value that is not known to be one yet: of several faults the service
// tells the first in the document, and what a value is made of is read in order of name.
bool CheckInOrder(simdjson::dom::element json, int level, ApiError& error) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  std::string_view text;
  if (json.get_object().get(object) != simdjson::SUCCESS) return true;
  if (level > item::kNestingLevelsMax)
    return FailValidation(error,
                          "Nesting Levels have exceeded supported limits: Attributes in the item "
                          "have nested levels beyond supported limit");
  for (const simdjson::dom::key_value_pair field : object) {
    if (field.key == "N" && field.value.get_string().get(text) == simdjson::SUCCESS) {
      if (!CheckNumber(text, error)) return false;
    } else if (field.value.get_object().get(object) == simdjson::SUCCESS && field.key == "M") {
      for (const simdjson::dom::key_value_pair member : object)
        if (!CheckInOrder(member.value, level + 1, error)) return false;
    } else if (field.value.get_array().get(array) == simdjson::SUCCESS) {
      for (const simdjson::dom::element element : array) {
        const bool number =
            field.key == "NS" && element.get_string().get(text) == simdjson::SUCCESS;
        if (number ? !CheckNumber(text, error) : !CheckInOrder(element, level + 1, error))
          return false;
      }
    }
  }
  return true;
}

Result<partiql::ParsedPtr> Parse(std::string_view text) {
  thread_local TextCache<partiql::ParsedPtr> cache{TextCacheOptions()};
  if (const partiql::ParsedPtr* known = cache.Find(0, text)) return *known;
  Result<partiql::ParsedPtr> parsed = partiql::ParseStatement(text);
  if (parsed.ok()) cache.Insert(0, text, *parsed, text.size() * kSyntaxBytesPerByte);
  return parsed;
}

}  // namespace

bool ReadStatement(const Params& members, const std::string& path, Violations& violations,
                   PartiqlStatement& out, ApiError& error) {
  std::string_view on_failure;
  std::optional<simdjson::dom::array> parameters;
  if (!members.Text(Param::kStatement, out.text, error) ||
      !members.Array(Param::kParameters, parameters, error) ||
      !members.Bool(Param::kConsistentRead, out.consistent, error) ||
      !members.Text(Param::kReturnValuesOnConditionCheckFailure, on_failure, error))
    return false;
  violations.Required(out.text.data(), path + "statement");
  if (out.text.data() && out.text.empty())
    violations.Add(out.text, path + "statement",
                   "Member must have length greater than or equal to 1");
  if (out.text.size() > kStatementBytesMax)
    violations.Add(out.text, path + "statement",
                   "Member must have length less than or equal to 8192");
  if (parameters && parameters->size() == 0)
    violations.Add("[]", path + "parameters", "Member must have length greater than or equal to 1");
  violations.OneOf(on_failure, path + "returnValuesOnConditionCheckFailure", "[ALL_OLD, NONE]");
  out.item_on_failure = on_failure == "ALL_OLD";
  return true;
}

bool ReadStatementParameters(const Params& members, PartiqlStatement& out, ApiError& error) {
  std::optional<simdjson::dom::array> parameters;
  if (!members.Array(Param::kParameters, parameters, error)) return false;
  if (!parameters) return true;
  for (const simdjson::dom::element parameter : *parameters)
    if (!CheckInOrder(parameter, 1, error) ||
        !ReadValueJson(parameter, out.parameters.emplace_back(), error))
      return false;
  return true;
}

bool PrepareStatement(PartiqlStatement& statement, ApiError& error) {
  Result<partiql::ParsedPtr> parsed = Parse(statement.text);
  if (!parsed.ok()) return Take(parsed.status(), error);
  statement.parsed = std::move(parsed).value();
  Result<partiql::Outline> outline =
      partiql::OutlineOf(*statement.parsed, statement.parameters.size());
  if (!outline.ok()) return Take(outline.status(), error);
  statement.outline = std::move(outline).value();
  if (statement.outline.kind != Kind::kSelect) return true;
  Result<std::optional<expression::Binding>> filter =
      partiql::PlanFilter(statement.outline, statement.parameters);
  if (!filter.ok()) return Take(filter.status(), error);
  statement.filter = std::move(filter).value();
  return true;
}

bool FindStatementTable(const Call& call, PartiqlStatement& statement, ApiError& error) {
  return FindTableOf(call, statement.outline.table, statement.table, error);
}

bool PartiqlChange::Make(const PartiqlStatement& statement, PartiqlChange& out, ApiError& error) {
  const item::KeySchema& schema = statement.table->definition.key;
  out.kind_ = statement.outline.kind;
  out.returning_ = statement.outline.returning;
  out.table_ = statement.table;
  out.item_on_failure_ = statement.item_on_failure;
  if (out.kind_ == Kind::kInsert) {
    Result<std::string> item = partiql::PlanInsert(statement.outline, statement.parameters, schema);
    if (!item.ok()) return Take(item.status(), error);
    out.item_ = std::move(item).value();
    if (item::ItemSize(ItemView(out.item_)) > item::kItemBytesMax)
      return FailValidation(error, "Item size has exceeded the maximum allowed size");
    Result<std::string> key = EncodeKeyOfPut(*statement.table, ItemView(out.item_));
    if (!key.ok()) return Take(key.status(), error);
    out.key_ = std::move(key).value();
    return true;
  }
  Result<partiql::ChangePlan> planned =
      partiql::PlanChange(statement.outline, statement.parameters, schema);
  if (!planned.ok()) return Take(planned.status(), error);
  partiql::ChangePlan plan = std::move(planned).value();
  for (const auto* part : {&plan.condition, &plan.update})
    if (*part && !Take(CheckIndexKeys(**part, statement.table->definition), error)) return false;
  Result<std::string> key = item::EncodeKey(schema, ItemView(plan.key_item));
  if (!key.ok()) return Take(key.status(), error);
  out.key_ = std::move(key).value();
  out.item_ = std::move(plan.key_item);
  out.condition_ = std::move(plan.condition);
  out.update_ = std::move(plan.update);
  return true;
}

bool PartiqlChange::Holds(ItemView item) const {
  return !condition_ || expression::Matches(*condition_, item);
}

Result<Mutation> PartiqlChange::Evaluate(std::optional<ItemView> stored) {
  const Status failed = ConditionFailed("The conditional request failed");
  switch (kind_) {
    case Kind::kInsert: return Insert(stored.has_value());
    case Kind::kDelete:
      if (!Holds(stored.value_or(ItemView()))) return failed;
      return Delete(stored);
    case Kind::kUpdate:
      if (!stored || !Holds(*stored)) return failed;
      return Update(*stored);
    case Kind::kExists:
    case Kind::kSelect: break;
  }
  if (!stored || !Holds(*stored)) return failed;
  return Mutation{};
}

Result<Mutation> PartiqlChange::Insert(bool exists) {
  if (exists) return AlreadyExists("Duplicate primary key exists in table");
  return Mutation{Mutation::Kind::kPut, std::move(item_)};
}

Result<Mutation> PartiqlChange::Update(ItemView stored) {
  EW_ASSIGN_OR_RETURN(std::string updated, expression::ApplyUpdate(*update_, stored));
  EW_RETURN_IF_ERROR(CheckUpdated(*table_, ItemView(updated)));
  Return(stored, ItemView(updated));
  return Mutation{Mutation::Kind::kPut, std::move(updated)};
}

Result<Mutation> PartiqlChange::Delete(std::optional<ItemView> stored) {
  if (!stored) return Mutation{};
  if (returning_ == Returning::kAllOld) AppendItemJson(returned_, *stored);
  return Mutation{Mutation::Kind::kDelete, std::move(item_)};
}

void PartiqlChange::Return(ItemView before, ItemView after) {
  const bool old = returning_ == Returning::kAllOld || returning_ == Returning::kModifiedOld;
  const ItemView item = old ? before : after;
  switch (returning_) {
    case Returning::kNone: return;
    case Returning::kAllOld:
    case Returning::kAllNew: return AppendItemJson(returned_, item);
    case Returning::kModifiedOld:
    case Returning::kModifiedNew: break;
  }
  const std::string part = expression::UpdatedPart(*update_, item);
  if (!part.empty()) AppendItemJson(returned_, ItemView(part));
}

}  // namespace everwrite::api
