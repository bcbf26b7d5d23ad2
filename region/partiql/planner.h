// From a parsed statement to what the engine does: an item to insert, an item to change with a
// condition and an update, or the ranges of keys to read with a filter and a projection.
//
//   text ──ParseStatement──▶ Parsed ──Outline──▶ kind, table, index
//        table definition ──▶ PlanInsert | PlanChange | PlanSelect ──▶ region/expression, keys
//
// Which SELECT reads what (Developer Guide, "PartiQL select statements"): an equality or IN on the
// partition key, at the top of the WHERE or in every branch of an OR, makes it a read of those
// partitions (a Query each, or a GetItem when the sort key is fixed too; key_access.h); anything
// else is a Scan. The whole WHERE is the filter of what was read, so the ranges only have to hold
// all that it may accept.
//
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: pure functions. A plan borrows nothing from the statement or the parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "region/expression/binding.h"
#include "region/item/key.h"
#include "region/partiql/ast.h"
#include "region/partiql/literal.h"

namespace everwrite::partiql {

// Reads that one statement may be taken apart into.
inline constexpr size_t kRangesMax = 50;

enum class Kind : uint8_t { kSelect, kInsert, kUpdate, kDelete, kExists };
inline bool IsRead(Kind kind) { return kind == Kind::kSelect; }

// What a statement says of itself, before its table is known. Borrows from the Parsed.
struct Outline {
  Kind kind = Kind::kSelect;
  const Statement* statement = nullptr;  // kExists: the SELECT inside
  std::string table;
  std::string index;  // empty: none
  Returning returning = Returning::kNone;
};
Result<Outline> OutlineOf(const Parsed& parsed, size_t parameters);

// The item of an INSERT as it is written; and when its key attributes are there and of their types.
Result<std::string> ItemOfInsert(const Outline& outline, Parameters parameters);
Result<std::string> PlanInsert(const Outline& outline, Parameters parameters,
                               const item::KeySchema& schema);

struct ChangePlan {
  std::string key_item;                          // the key attributes
  std::optional<expression::Binding> condition;  // what the WHERE asks beyond the key
  std::optional<expression::Binding> update;     // kUpdate
};
// kUpdate, kDelete, and kExists (the condition of its SELECT).
Result<ChangePlan> PlanChange(const Outline& outline, Parameters parameters,
                              const item::KeySchema& schema);

// A range of encoded keys.
struct Range {
  std::string begin;  // included
  std::string end;    // excluded; empty: no bound
};

// Whether an error of PlanInsert or PlanChange is that the key is not whole, or of PlanInsert,
// PlanChange or PlanSelect that it is not one key of the schema: what a transaction has words of
// its own for.
bool IsIncompleteKey(std::string_view message);
bool IsOtherKey(std::string_view message);

// The WHERE of a SELECT; nothing without one.
Result<std::optional<expression::Binding>> PlanFilter(const Outline& outline,
                                                      Parameters parameters);

struct SelectPlan {
  bool star = false;
  struct Column {
    std::string name;   // in the answer
    uint32_t path = 0;  // in `columns_of`
  };
  std::vector<Column> columns;
  expression::Binding columns_of;             // the paths of the columns
  std::optional<expression::Binding> filter;  // the whole WHERE

  bool scan = false;
  std::vector<Range> ranges;  // in order; one without bounds when it is a scan
  bool descending = false;
  bool single_item = false;  // the key names one item
  bool only_key = false;     // and the WHERE asks for nothing else

  // The attributes that the statement shows, in its order, none twice; and of each read those that
  // its filters name, nothing when it is a scan. For indexes that do not project all.
  std::vector<std::string> selected;
  std::vector<std::vector<std::string>> filtered;
};
// `schema` is that of what is read, table or index, and has one attribute of each kind at most.
// `table` is the table's, whose keys may not be looked into. `filter` is of PlanFilter.
Result<SelectPlan> PlanSelect(const Outline& outline, Parameters parameters,
                              std::optional<expression::Binding> filter,
                              const item::CompositeKeySchema& schema, const item::KeySchema& table);

// What a row shows of an item; an item in the compact form.
std::string ProjectRow(const SelectPlan& plan, item::ItemView item);

}  // namespace everwrite::partiql
