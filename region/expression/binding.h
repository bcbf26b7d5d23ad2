// Binding: a parsed expression with the names and values of one request.
//
//   Placeholders placeholders;
//   EW_RETURN_IF_ERROR(placeholders.AddName("#n", "name"));
//   EW_RETURN_IF_ERROR(placeholders.SetValues(std::move(compact_item_of_values)));
//   EW_ASSIGN_OR_RETURN(Binding condition, Bind(expression, placeholders));
//   EW_RETURN_IF_ERROR(placeholders.CheckAllUsed());      // after all expressions of the request
//   if (Matches(condition, item)) …                       // evaluator.h, update.h, projection.h, …
//
// Lifetime: a Binding borrows from its Placeholders, which must outlive it; both may be moved. One
// that a builder made owns all that it needs.
// Errors are kInvalidArgument with DynamoDB's message.
// Thread-safety: Placeholders belong to one thread; a Binding is read only.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "region/expression/ast.h"
#include "region/expression/path_tree.h"
#include "region/item/item.h"
#include "region/item/key.h"

namespace everwrite::expression {

// ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them were
// used.
class Placeholders {
 public:
  // One entry of ExpressionAttributeNames. Of one given twice the last counts.
  Status AddName(std::string_view placeholder, std::string_view name);
  // ExpressionAttributeValues as an item whose attribute names are the placeholders, with the
  // colon.
  Status SetValues(std::string values);

  // Null or nothing when it is not defined; marks it as used.
  const std::string* UseName(std::string_view placeholder);
  std::optional<item::ValueView> UseValue(std::string_view placeholder);

  // "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}".
  Status CheckAllUsed() const;
  bool has_names() const { return !names_.empty(); }
  bool has_values() const { return values_ != nullptr; }

 private:
  struct Name {
    std::string placeholder;
    std::string name;
    bool used = false;
  };
  std::vector<Name> names_;
  std::unique_ptr<const std::string> values_;  // its address is what bindings borrow
  std::vector<bool> value_used_;               // by position in values_
};

struct Binding {
  ExpressionPtr expression;
  std::vector<ResolvedElement> elements;  // by position in Expression::elements
  std::vector<item::ValueView> values;    // by position in Expression::values
  PathTree tree;                          // kProjection: all paths; kUpdate: the paths that change
  // What a builder (builder.h) made the values from; null when they are the request's.
  std::shared_ptr<const std::string> own_values;

  std::span<const ResolvedElement> PathAt(uint32_t path) const {
    const Path& p = expression->paths[path];
    return std::span(elements).subspan(p.begin, p.size);
  }
};

// Looks up the placeholders and checks what depends on them: undefined ones, types of operands,
// bounds of BETWEEN, operands that must be distinct, paths that overlap. Of a condition the first
// clause with a fault decides what is told.
Result<Binding> Bind(ExpressionPtr expression, Placeholders& placeholders);
// The last of these steps alone: the types of operands, bounds of BETWEEN, distinct operands.
Status CheckOperands(const Binding& binding);

// The attribute that a path leads to.
std::optional<item::ValueView> FindPath(item::ItemView item, std::span<const ResolvedElement> path);

// What an expression may not do with key attributes: look into them ("Key attributes must be
// scalars; …"), or change them ("Cannot update attribute pk. This attribute is part of the key").
Status CheckKeyUse(const Binding& binding, const item::KeySchema& schema);
// The same for the key of an index: its attributes may be changed, to values of their type, but not
// looked into.
Status CheckIndexKeyUse(const Binding& binding, const item::CompositeKeySchema& schema,
                        std::string_view index);
// The filter of a Query may not name them at all.
Status CheckFilterNamesNoKey(const Binding& filter, const item::CompositeKeySchema& schema);

}  // namespace everwrite::expression
