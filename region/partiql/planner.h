// From a parsed statement to what the engine does: an item to insert, an item to change with a
// condition and an update, or the ranges of keys to read with a filter and a projection.
//
//   text ──ParseStatement──▶ Parsed ──Outline──▶ kind, table, index
//        table definition ──▶ PlanInsert | PlanChange | PlanSelect ──▶ region/expression, keys
//
// Which SELECT reads what (Developer Guide, "PartiQL select statements"): an equality or IN on all
// partition key attributes, at the top of the WHERE or in every branch of an OR, makes it a read of
// those partitions (a Query each, or a GetItem when the sort key is fixed too); anything else is a
// Scan. The whole WHERE is the filter of what was read, so the ranges only have to hold all that it
// may accept.
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

// Partitions that one statement may read.
inline constexpr size_t kRangesMax = 300;

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

// The item of an INSERT, whose key attributes are there and of their types.
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

// Whether that error is that the WHERE does not name the whole key.
bool IsIncompleteKey(std::string_view message);

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
  // The key condition stands at the top, not in the branches of an OR.
  bool key_at_top = false;

  // The attributes that the statement names, in its order, none twice; for indexes that do not
  // project all.
  std::vector<std::string> selected;
  std::vector<std::string> filtered;
};
// `schema` is that of what is read: table or index. `table` is the table's, whose keys may not be
// looked into.
Result<SelectPlan> PlanSelect(const Outline& outline, Parameters parameters,
                              const item::CompositeKeySchema& schema, const item::KeySchema& table);

// What a row shows of an item; an item in the compact form.
std::string ProjectRow(const SelectPlan& plan, item::ItemView item);

}  // namespace everwrite::partiql
